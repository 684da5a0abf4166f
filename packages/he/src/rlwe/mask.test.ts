import { describe, expect, test } from 'vitest'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openBgv } from '../schemes/bgv/bgv.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { limbOf } from './ciphertext.ts'
import { decrypt } from './decrypt.ts'
import { maskWith } from './encrypt-public.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { createPublicKey } from './keygen.ts'
import { createSecretKey } from './secret-key.ts'

const literal = { scheme: 'ckks', ringDegree: 2048, modulusBits: [30], specialBits: [], digitSize: 1 } as const

function setting() {
  const ckks = openCkks(literal)
  const secret = createSecretKey(ckks)
  const zero = encryptSymmetric(ckks, secret, ckks.encodeCoefficients([0], { level: 0, scale: 1 }))
  const values = Float64Array.from({ length: 2048 }, (_, i) => Math.sin(i))
  const ct = encryptSymmetric(ckks, secret, ckks.encodeCoefficients(values, { level: 0, scale: 2 ** 20 }))
  return { ckks, secret, zero, values, ct }
}

describe('a masked ciphertext', () => {
  test('decrypts to the same, with an error of the variance that is stated', () => {
    const { ckks, secret, zero, values, ct } = setting()
    const masked = maskWith(ckks, ct, zero)
    const errors = ckks.decodeCoefficients(decrypt(ckks, secret, masked)).map((v, i) => (v - values[i]!) * 2 ** 20)
    const variance = errors.reduce((sum, e) => sum + e * e, 0) / 2048
    const stated = 3.24 ** 2 * (1 + (4 * 2048) / 3)
    // 2048 values of nearly normal errors: the variance within 12 % at four deviations, and correlations through s and u.
    expect(variance / stated).toBeGreaterThan(0.7)
    expect(variance / stated).toBeLessThan(1.4)
  })

  test('has another second part each time, which is spread over the whole modulus', () => {
    const { ckks, zero, ct } = setting()
    const { p } = ckks.ring.moduli[0]!
    const second = (): Float64Array => {
      const masked = maskWith(ckks, ct, zero)
      return ckks.ring.heap.f64(limbOf(masked, 1, 0), 2048).slice()
    }
    const before = ckks.ring.heap.f64(limbOf(ct, 1, 0), 2048).slice()
    const [a, b] = [second(), second()]
    const reduced = (x: number): number => x - p * Math.round(x / p)
    for (const [x, y] of [
      [a, b],
      [a, before],
      [b, before],
    ] as const) {
      const differences = x.map((v, i) => Math.abs(reduced(v - y[i]!)) / p)
      // The mean of |uniform| on half a modulus is a quarter; 2048 values: deviation 0.0032.
      expect(differences.reduce((sum, d) => sum + d, 0) / 2048).toBeGreaterThan(0.23)
      expect(differences.reduce((sum, d) => sum + d, 0) / 2048).toBeLessThan(0.27)
    }
  })

  test('needs a zero whose second part nobody chose', () => {
    const { ckks, secret, zero, ct } = setting()
    const chosen = ckks.encrypt(createPublicKey(ckks, secret), ckks.encodeCoefficients([0], { level: 0, scale: 1 }))
    expect(() => maskWith(ckks, ct, chosen)).toThrow(/seeded/)
    expect(() => maskWith(ckks, ct, ckks.add(zero, zero))).toThrow(/seeded/)
    zero[Symbol.dispose]()
    expect(() => maskWith(ckks, ct, zero)).toThrow(expect.objectContaining({ code: 'disposed' }))
  })

  test('may be at any level up to that of the zero, and share its seed', () => {
    const ckks = openCkks({ ...literal, ringDegree: 2048, modulusBits: [26, 22] })
    const secret = createSecretKey(ckks)
    const encode = (numbers: readonly number[], level: number) =>
      encryptSymmetric(ckks, secret, ckks.encodeCoefficients(numbers, { level, scale: 2 ** 18 }))
    const zero = encode([0], 1)
    for (const ct of [
      encode([1, 2, 3], 1),
      encode([1, 2, 3], 0),
      ckks.addPlain(zero, ckks.encodeCoefficients([1, 2, 3], { level: 1, scale: 2 ** 18 })),
    ]) {
      const masked = maskWith(ckks, ct, zero)
      expect([masked.level, masked.scale, masked.seed]).toEqual([ct.level, 2 ** 18, undefined])
      const read = ckks.decodeCoefficients(decrypt(ckks, secret, masked))
      for (const [i, v] of [1, 2, 3, 0].entries()) expect(Math.abs(read[i]! - v)).toBeLessThan(2000 / 2 ** 18)
      const second = (value: typeof ct): Float64Array => ckks.ring.heap.f64(limbOf(value, 1, 0), 2048).slice()
      expect(second(masked).filter((v, i) => v === second(ct)[i])).toHaveLength(0)
    }
    expect(() => maskWith(ckks, zero, encode([0], 0))).toThrow(expect.objectContaining({ code: 'level-exhausted' }))
  })

  const integers = {
    ringDegree: 2048,
    modulusBits: [40],
    specialBits: [],
    digitSize: 1,
    plaintextModulus: 65537,
  } as const

  test('of BFV is the same integers', () => {
    const bfv = openBfv({ ...integers, scheme: 'bfv' })
    const secret = createSecretKey(bfv)
    const values = Float64Array.from({ length: 2048 }, (_, i) => ((i * 7919) % 65537) - 32768)
    const encrypt = (numbers: ArrayLike<number>) => encryptSymmetric(bfv, secret, bfv.encodeCoefficients(numbers))
    const ct = encrypt(values)
    const masked = maskWith(bfv, ct, encrypt([0]))
    expect(bfv.decodeCoefficients(decrypt(bfv, secret, masked), { signed: true })).toEqual(values)
    const second = (value: typeof ct): Float64Array => bfv.ring.heap.f64(limbOf(value, 1, 0), 2048).slice()
    expect(second(masked).filter((v, i) => v === second(ct)[i])).toHaveLength(0)
  })

  test('is none of BGV', () => {
    const bgv = openBgv({ ...integers, scheme: 'bgv' })
    const secret = createSecretKey(bgv)
    const ct = encryptSymmetric(bgv, secret, bgv.encode([1]))
    expect(() => maskWith(bgv, ct, ct)).toThrow(/CKKS or BFV, got one of bgv/)
  })
})
