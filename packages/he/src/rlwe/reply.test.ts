import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { Draw } from '../test-support/random.ts'
import type { Ciphertext } from './ciphertext.ts'
import { decrypt } from './decrypt.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { type ReplyOptions, readReply, replyBytes, writeReply } from './reply.ts'
import { createSecretKey } from './secret-key.ts'
import { encodeCiphertext } from './wire.ts'

const ckks = openCkks({ scheme: 'ckks', ringDegree: 4096, modulusBits: [50, 30], specialBits: [] })
const { ring } = ckks
const n = ring.n
const q = ckks.params.primes[0]!
const secret = createSecretKey(ckks)
const draw = new Draw('replies')

function send(ct: Ciphertext, options: ReplyOptions): { bytes: Uint8Array; received: Ciphertext } {
  const writer = new ByteWriter()
  writeReply(writer, ct, options)
  const bytes = writer.done()
  const reader = new ByteReader(bytes, 'the reply')
  const received = readReply(reader, ring)
  reader.end()
  return { bytes, received }
}

/** Coefficients of c_0 + c_1 s, as integers. */
function phase(ct: Ciphertext): Float64Array {
  return ckks.decodeCoefficients(decrypt(ckks, secret, { ...ct, scale: 1 }))
}

describe('replies', () => {
  const scale = 2 ** 40
  const m = draw.reals(n)
  const ct = encryptSymmetric(ckks, secret, ckks.encodeCoefficients(m, { scale, level: 0 }))
  const before = phase(ct)

  test.each([
    { bits: 10, stride: 1 },
    { bits: 12, stride: 2 },
    { bits: 17, stride: 64 },
    { bits: 24, stride: 1 },
    { bits: 33, stride: 2048 },
    { bits: 19, stride: 512 },
    { bits: 9, stride: 2048 },
    { bits: 7, stride: 1024 },
    { bits: 40, stride: 8 },
    { bits: 26, stride: 3 },
    { bits: 26, stride: 1000 },
    { bits: 26, stride: 4095 },
    { bits: 20, stride: 784, count: 5 },
    { bits: 23, stride: 10, count: 1 },
    { bits: 23, stride: 10, count: 409 },
    { bits: 31, stride: 1, count: 100 },
    { bits: 17, stride: 2048, count: 1 },
    { bits: 24, stride: 16, count: 256 },
  ])(
    '$bits bits, every $stride-th coefficient, $count of them: the size as predicted, the error as the theory says',
    (options) => {
      const { bytes, received } = send(ct, options)
      expect(bytes.length).toBe(replyBytes(n, options))
      const all = Math.ceil(n / options.stride)
      const kept = options.count ?? all
      const header = kept === all ? 13 : 17
      expect(bytes.length).toBe(header + Math.ceil((kept * options.bits) / 8) + Math.ceil((n * options.bits) / 8))
      // The bits that fill up the last byte of c_0 are 0: nothing is sent that was not asked for.
      const bits = kept * options.bits
      expect(bytes[header + Math.ceil(bits / 8) - 1]! >> (bits % 8 || 8)).toBe(0)
      expect(received).toMatchObject({ parts: 2, level: 0, scale, stride: options.stride, kept, seed: undefined })
      const after = phase(received)
      const errors: number[] = []
      for (let i = 0; i < n; i++) {
        if (i % options.stride === 0 && i < kept * options.stride) errors.push(after[i]! - before[i]!)
        else expect(after[i], 'what was left out reads as 0').toBe(0)
      }
      // The rounding to 2^bits, and back to whole residues.
      const deviation = Math.sqrt(((q / 2 ** options.bits) ** 2 + 1) * ((1 + (2 * n) / 3) / 12))
      const measured = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length)
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(7 * deviation)
      // Five standard deviations of a standard deviation; the secret's own weight varies by 1 % or so. Few samples are all small too often.
      const spread = 5 / Math.sqrt(2 * errors.length) + 0.05
      if (errors.length >= 64) expect(measured / deviation).toBeGreaterThan(1 - spread)
      expect(measured / deviation).toBeLessThan(1 + spread)
    },
  )

  test('slots that repeat survive the stride', () => {
    // Period 16 in the slots is a polynomial in X^(N/32).
    const stride = n / 32
    const period = draw.reals(16)
    const values = Float64Array.from({ length: n / 2 }, (_, j) => period[j % 16]!)
    const repeated = encryptSymmetric(ckks, secret, ckks.encode(values, { scale, level: 0 }))
    const { received, bytes } = send(repeated, { bits: 26, stride })
    const decoded = ckks.decode(decrypt(ckks, secret, received))
    // 32 coefficients, each with the deviation above, in every slot.
    const bound = (7 * Math.sqrt(32) * (q / 2 ** 26) * Math.sqrt((1 + (2 * n) / 3) / 12)) / scale
    expect(Math.max(...decoded.map((x, j) => Math.abs(x - values[j]!)))).toBeLessThan(bound)
    expect(bytes.length * 3.5).toBeLessThan(encodeCiphertext(repeated).length * 2)
  })

  test('a trimmed reply can be added to and decrypted, but neither multiplied nor written as a whole', () => {
    const { received } = send(ct, { bits: 30, stride: 4 })
    const whole = encryptSymmetric(ckks, secret, ckks.encodeCoefficients(m, { scale, level: 0 }))
    for (const sum of [ckks.add(received, whole), ckks.add(whole, received)]) {
      expect(sum.stride, 'no more coefficients count than in either').toBe(4)
      const decoded = ckks.decodeCoefficients(decrypt(ckks, secret, sum))
      for (let i = 0; i < n; i++) expect(Math.abs(decoded[i]! - (i % 4 === 0 ? 2 * m[i]! : 0))).toBeLessThan(2 ** -10)
    }
    const message = 'was read from a trimmed reply'
    const tiny = ckks.encodeCoefficients([1], { scale: 1, level: 0 })
    expect(() => ckks.multiplyPlain(received, tiny)).toThrow(message)
    expect(() => ckks.multiply(received, whole)).toThrow(message)
    expect(() => ckks.multiply(whole, received)).toThrow(message)
    expect(() => encodeCiphertext(received)).toThrow(
      'a ciphertext read from a trimmed reply cannot be written as a whole one',
    )
  })

  test.each([
    [{ stride: 6 }, { stride: 4 }, { stride: 12, kept: 342 }],
    [
      { stride: 6, count: 10 },
      { stride: 9, count: 3 },
      { stride: 18, kept: 2 },
    ],
    [{ stride: 1, count: 100 }, { stride: 7 }, { stride: 7, kept: 15 }],
    [{ stride: 1000 }, { stride: 999 }, { stride: 1, kept: 1 }],
  ])('the sum of two that kept %j and %j has %j', (first, second, left) => {
    const [a, b] = [first, second].map((options) => send(ct, { bits: 33, ...options }).received)
    const sum = ckks.add(a!, b!)
    expect(sum).toMatchObject(left)
    const decoded = ckks.decodeCoefficients(decrypt(ckks, secret, sum))
    for (let i = 0; i < n; i++) {
      const expected = i % left.stride === 0 && i < left.kept * left.stride ? 2 * m[i]! : 0
      if (Math.abs(decoded[i]! - expected) > 2 ** -10) expect.fail(`coefficient ${i}: ${decoded[i]}, not ${expected}`)
    }
  })

  test('only two parts at level 0 are sent', () => {
    const top = encryptSymmetric(ckks, secret, ckks.encode([1], { scale: 2 ** 20 }))
    const write = (c: Ciphertext) => () => writeReply(new ByteWriter(), c, { bits: 20, stride: 1 })
    expect(write(top)).toThrow(
      'a reply has two parts at level 0, this ciphertext has 2 at level 1: relinearise it and drop its level',
    )
    const product = ckks.dropLevel(ckks.multiply(top, top), 0)
    expect(write(product)).toThrow('this ciphertext has 3 at level 0')
  })

  test('options out of range', () => {
    const write = (options: ReplyOptions) => () => writeReply(new ByteWriter(), ct, options)
    for (const bits of [1, 41, 2.5, Number.NaN])
      expect(write({ bits, stride: 1 })).toThrow(`"bits" expected an integer from 2 to 40, got ${bits}`)
    for (const stride of [0, 4096, -2, 0.5])
      expect(write({ bits: 20, stride })).toThrow(`"stride" expected an integer from 1 to 4095, got ${stride}`)
    for (const count of [0, 7, -1, 0.5, Number.NaN])
      expect(write({ bits: 20, stride: 784, count })).toThrow(`"count" expected an integer from 1 to 6, got ${count}`)
  })
})

describe('a reply is written in one way only', () => {
  const ct = encryptSymmetric(ckks, secret, ckks.encode([0.5], { scale: 2 ** 40, level: 0 }))

  test('bits behind its values are zeros', () => {
    const { bytes } = send(ct, { bits: 9, stride: 2048 })
    // c_0 has two values of 9 bits: 18 of 24 bits are used.
    const forged = bytes.slice()
    forged[13 + 2]! |= 0x80
    expect(() => readReply(new ByteReader(forged, 'the reply'), ring)).toThrow('expected zeros behind its last value')
  })

  test('a trimmed one does not become whole again', () => {
    const { received } = send(ct, { bits: 30, stride: 64 })
    expect(() => writeReply(new ByteWriter(), received, { bits: 30, stride: 1 })).toThrow(
      '"stride" expected a multiple of 64',
    )
    expect(send(received, { bits: 30, stride: 128 }).received.stride).toBe(128)
    const few = send(ct, { bits: 30, stride: 10, count: 9 }).received
    expect(() => writeReply(new ByteWriter(), few, { bits: 30, stride: 20, count: 6 })).toThrow(
      '"count" expected at most 5, all that this ciphertext still has, got 6',
    )
    expect(send(few, { bits: 30, stride: 20, count: 5 }).received).toMatchObject({ stride: 20, kept: 5 })
  })
})
