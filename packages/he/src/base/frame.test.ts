import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forgeFrame, openFrame } from '../test-support/reference-wire.ts'
import { toHex } from './digest.ts'
import { GloveboxError } from './errors.ts'
import { decodeFrame, encodeFrame, frameOverhead, peekKind } from './frame.ts'

const owner = Uint8Array.from({ length: 32 }, (_, i) => i)
const body = Uint8Array.of(1, 2, 3, 4, 5)
const good = encodeFrame('ciphertext', owner, body)

function refused(bytes: Uint8Array, code = 'malformed', options = {}): string {
  try {
    decodeFrame(bytes, 'ciphertext', options)
  } catch (error) {
    expect(error).toBeInstanceOf(GloveboxError)
    expect((error as GloveboxError).code).toBe(code)
    return (error as GloveboxError).message
  }
  throw new Error('was accepted')
}

describe('frames', () => {
  test('are as described, byte by byte', () => {
    const content = Buffer.concat([
      Buffer.from('GLBX'),
      Buffer.from([1, 1, 0, 0]),
      owner,
      Buffer.from([5, 0, 0, 0]),
      body,
    ])
    const checksum = createHash('sha256').update(content).digest().subarray(0, 16)
    expect(toHex(good)).toBe(Buffer.concat([content, checksum]).toString('hex'))
    expect(good.length).toBe(body.length + frameOverhead)
  })

  test('round trip, and agree with a second implementation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 1000 }), (o, content) => {
        const bytes = encodeFrame('evaluation keys', o, content)
        const frame = decodeFrame(bytes, 'evaluation keys', { owner: o })
        expect(frame.owner).toEqual(o)
        expect(frame.body.slice(content.length, 'all')).toEqual(content)
        frame.body.end()
        expect(openFrame(bytes)).toEqual({ kind: 4, owner: toHex(o), body: Buffer.from(content) })
        expect(forgeFrame(4, toHex(o), content)).toEqual(bytes)
      }),
    )
  })

  test('every truncation and every extension is refused', () => {
    for (let length = 0; length < good.length; length++) refused(good.slice(0, length))
    expect(refused(Uint8Array.of(...good, 0))).toBe('the ciphertext has 1 bytes after its end')
  })

  test('every single flipped bit is refused', () => {
    for (let bit = 0; bit < 8 * good.length; bit++) {
      const bytes = good.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      refused(bytes)
    }
  })

  test('errors say what was found instead', () => {
    expect(refused(new TextEncoder().encode('PK\u0003\u0004 some zip file'))).toBe(
      'the ciphertext is not a Glovebox file: it does not begin with "GLBX"',
    )
    expect(refused(new Uint8Array())).toContain('is not a Glovebox file')
    const other = good.slice()
    other[4] = 2
    expect(refused(other)).toBe('the ciphertext: "version" expected 1, got 2')
    expect(refused(encodeFrame('secret key', owner, body))).toBe(
      'the ciphertext expected a frame of kind "ciphertext", got "secret key"',
    )
    expect(refused(forgeFrame(200, toHex(owner), body))).toBe(
      'the ciphertext expected a frame of kind "ciphertext", got kind 200',
    )
    expect(refused(good.slice(0, 40), 'malformed', { what: 'query.gbx' })).toMatch(/^query\.gbx is truncated/)
    const damaged = good.slice()
    damaged[45]! ^= 1
    expect(refused(damaged)).toBe('the ciphertext is damaged: its checksum does not match its content')
  })

  test('a frame of another owner is refused and names both digests', () => {
    const message = refused(good, 'parameters-mismatch', { owner: new Uint8Array(32), ownerName: 'program' })
    expect(message).toBe(
      'the ciphertext belongs to other program: digest 0001020304050607…, expected 0000000000000000…',
    )
  })

  test('a frame above the limit is refused by its length alone', () => {
    expect(refused(good, 'too-large', { maxBytes: good.length - 1 })).toBe(
      `the ciphertext has ${good.length} bytes, at most ${good.length - 1} are accepted`,
    )
    decodeFrame(good, 'ciphertext', { maxBytes: good.length })
  })

  test('a length field of 4 GB in a small frame is refused without allocating', () => {
    const bytes = good.slice()
    new DataView(bytes.buffer).setUint32(40, 2 ** 32 - 1, true)
    expect(refused(bytes)).toContain('"body" needs 4294967295 bytes at offset 44')
  })

  test('what is no Uint8Array is a TypeError', () => {
    expect(() => decodeFrame('GLBX' as unknown as Uint8Array, 'ciphertext')).toThrow(TypeError)
    expect(() => decodeFrame([...good] as unknown as Uint8Array, 'ciphertext')).toThrow(
      '"bytes" expected a Uint8Array, got object',
    )
  })

  test('peekKind tells the kind, or that there is no frame', () => {
    expect(peekKind(good)).toBe('ciphertext')
    expect(peekKind(encodeFrame('reply', owner, body))).toBe('reply')
    expect(peekKind(good.subarray(0, 43))).toBeUndefined()
    expect(peekKind(new Uint8Array(100))).toBeUndefined()
    expect(peekKind(forgeFrame(200, toHex(owner), body))).toBeUndefined()
    const inside = new Uint8Array(good.length + 3)
    inside.set(good, 3)
    expect(peekKind(inside.subarray(3)), 'in the middle of a buffer').toBe('ciphertext')
  })
})
