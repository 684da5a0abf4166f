import { inspect } from 'node:util'
import { digest, GloveboxError, toHex } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { createOprfKey, decodeOprfKey, deriveOprfKey, encodeOprfKey, OprfKey, oprfKeyBytes } from './key.ts'
import { nobleGroup } from './noble-group.ts'

const key = deriveOprfKey(new Uint8Array(32).fill(5), Uint8Array.of(1), { epoch: 2 ** 32 - 1, mode: 'voprf' })

describe('an encoded key', () => {
  test('comes back', () => {
    const bytes = encodeOprfKey(key)
    expect(bytes).toHaveLength(oprfKeyBytes)
    const back = decodeOprfKey(bytes)
    expect([back.epoch, back.mode, back.secret, back.publicKey]).toEqual([
      key.epoch,
      key.mode,
      key.secret,
      key.publicKey,
    ])
  })

  test('is the same bytes for ever', () => {
    expect(toHex(encodeOprfKey(key).subarray(0, 12))).toBe('474f524b01010000ffffffff')
  })

  test('is refused with any byte flipped, cut or appended, and its error has no secret', () => {
    const bytes = encodeOprfKey(key)
    const secret = toHex(key.secret)
    const bad = [
      ...Array.from(bytes, (_, at) => bytes.map((byte, i) => (i === at ? byte ^ 0x10 : byte))),
      bytes.subarray(1),
      bytes.subarray(0, -1),
      new Uint8Array(0),
      new Uint8Array([...bytes, 0]),
    ]
    for (const changed of bad) {
      let error: unknown
      try {
        decodeOprfKey(changed, 'the file k')
      } catch (caught) {
        error = caught
      }
      expect(error).toBeInstanceOf(GloveboxError)
      expect(['malformed', 'unsupported']).toContain((error as GloveboxError).code)
      expect((error as GloveboxError).message).toContain('the file k')
      expect((error as GloveboxError).message).not.toContain(secret.slice(0, 8))
    }
  })

  test('is refused with a checksum that is right and fields that are not', () => {
    const bytes = encodeOprfKey(key)
    const change = (at: number, values: Uint8Array): Uint8Array => {
      const body = bytes.slice(0, oprfKeyBytes - 16)
      body.set(values, at)
      return new Uint8Array([...body, ...digest(body).subarray(0, 16)])
    }
    expect(decodeOprfKey(change(8, Uint8Array.of(7))).epoch).toBe(0xffffff07)
    for (const changed of [
      change(5, Uint8Array.of(2)),
      change(6, Uint8Array.of(1)),
      change(12, new Uint8Array(32)),
      change(12, new Uint8Array(32).fill(255)),
      change(44, createOprfKey().publicKey),
    ])
      expect(() => decodeOprfKey(changed)).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => decodeOprfKey(change(4, Uint8Array.of(2)))).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
})

describe('a key', () => {
  test('prints without its secret, and not after it is disposed of', () => {
    const made = createOprfKey({ epoch: 3 })
    const secret = made.secret
    for (const text of [inspect(made, { depth: 9, showHidden: true }), JSON.stringify(made), String(made)]) {
      expect(text).not.toContain(toHex(secret))
      expect(text).not.toContain(`${secret[0]}, ${secret[1]}`)
      expect(text).not.toContain('"secret"')
    }
    made[Symbol.dispose]()
    expect(secret).toEqual(new Uint8Array(32))
    expect(() => made.secret).toThrow(expect.objectContaining({ code: 'disposed' }))
    expect(() => encodeOprfKey(made)).toThrow(expect.objectContaining({ code: 'disposed' }))
  })

  test('is new each time', () => expect(createOprfKey().publicKey).not.toEqual(createOprfKey().publicKey))

  test('has an epoch, a mode and a scalar', () => {
    const one = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
    expect(new OprfKey(0, 'oprf', one).publicKey).toEqual(nobleGroup.multiplyBase(one))
    for (const epoch of [-1, 0.5, 2 ** 32, Number.NaN, '1' as never])
      expect(() => createOprfKey({ epoch })).toThrow(RangeError)
    expect(() => createOprfKey({ mode: 'poprf' as never })).toThrow(TypeError)
    // The order itself is 0, and above it there is no canonical scalar.
    const order = Uint8Array.from(
      [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14].concat(
        Array(15).fill(0),
        0x10,
      ),
    )
    for (const secret of [new Uint8Array(32), new Uint8Array(31), new Uint8Array(32).fill(255), order])
      expect(() => new OprfKey(1, 'oprf', secret)).toThrow(RangeError)
    const largest = order.map((byte, i) => (i === 0 ? byte - 1 : byte))
    expect(new OprfKey(1, 'oprf', largest).publicKey).toHaveLength(32)
  })

  test('derives from 32 bytes', () => {
    expect(() => deriveOprfKey(new Uint8Array(31), Uint8Array.of())).toThrow('"seed" expected 32 bytes')
    expect(() => deriveOprfKey(new Uint8Array(32), new Uint8Array(65536))).toThrow('"info" expected at most')
  })
})
