import { describe, expect, test } from 'vitest'
import { toCoefficients } from '../ring/ring.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { decrypt } from './decrypt.ts'
import { encryptPublic } from './encrypt-public.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { seedBytes } from './expand.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from './keygen.ts'
import { newPublicKey } from './keys.ts'
import { sampleError, sampleTernary, spread } from './noise.ts'
import { createSecretKey } from './secret-key.ts'

// Random by nature: every bound below is so wide that a right library fails once in ten million runs or less.

const ckks = openCkks({ scheme: 'ckks', ringDegree: 16384, modulusBits: [50], specialBits: [] })
const { ring } = ckks
const { n } = ring
/** More than this many standard deviations have probability 1e-8. */
const wide = 5.8
/** Variance of a centred binomial of 21 + 21 bits. */
const variance = 10.5

describe('the error of a fresh ciphertext', () => {
  const secret = createSecretKey(ckks)
  const rounds = 12
  const count = rounds * n
  const errors = new Float64Array(count)
  const zero = ckks.encodeCoefficients([], { scale: 1 })
  for (let round = 0; round < rounds; round++) {
    using ct = encryptSymmetric(ckks, secret, zero)
    using phase = decrypt(ckks, secret, ct)
    errors.set(ckks.decodeCoefficients(phase), round * n)
  }

  test('are whole numbers up to 21', () => {
    expect(errors.every((e) => Number.isInteger(e) && Math.abs(e) <= 21)).toBe(true)
  })

  test('has mean 0 and standard deviation sqrt(10.5) = 3.24', () => {
    const mean = errors.reduce((sum, e) => sum + e, 0) / count
    expect(Math.abs(mean)).toBeLessThan(wide * Math.sqrt(variance / count))
    const measured = errors.reduce((sum, e) => sum + e * e, 0) / count
    // The fourth moment of a sum of 42 signs of size 1/2: 3 v^2 - v/2.
    expect(Math.abs(measured - variance)).toBeLessThan(wide * Math.sqrt((2 * variance ** 2 - variance / 2) / count))
  })

  test('is independent from coefficient to coefficient and from ciphertext to ciphertext', () => {
    for (const lag of [1, 2, 3, 8, n / 2, n, 2 * n]) {
      let sum = 0
      for (let i = 0; i + lag < count; i++) sum += errors[i]! * errors[i + lag]!
      expect(Math.abs(sum)).toBeLessThan(wide * variance * Math.sqrt(count - lag))
    }
  })
})

describe('what a public-key encryption draws', () => {
  // The key (100, 100) made by hand: c_0 - m = 100 u + e_0 and c_1 = 100 u + e_1 show u and both errors.
  const factor = 100
  const key = newPublicKey(ring, new Uint8Array(seedBytes))
  ring.heap.f64(key.slab.ptr, key.slab.bytes / 8).fill(factor)
  const rounds = 12
  const count = rounds * n
  const message = Float64Array.from({ length: n }, (_, i) => (i % 2001) - 1000)
  const u = [new Float64Array(count), new Float64Array(count)] as const
  const errors = [new Float64Array(count), new Float64Array(count)] as const
  for (let round = 0; round < rounds; round++) {
    using plain = ckks.encodeCoefficients(message, { scale: 1 })
    using ct = encryptPublic(ckks, key, plain)
    for (const part of [0, 1] as const) {
      toCoefficients(ring, ct.slab.ptr + part * ring.limbBytes, 1)
      ring.heap.f64(ct.slab.ptr + part * ring.limbBytes, n).forEach((c, i) => {
        const drawn = part === 0 ? c - message[i]! : c
        u[part][round * n + i] = Math.round(drawn / factor) || 0
        errors[part][round * n + i] = drawn - factor * Math.round(drawn / factor)
      })
    }
  }
  const sumOf = (f: (i: number) => number): number => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += f(i)
    return sum
  }

  test('one uniform ternary u for both parts, another for every ciphertext', () => {
    expect(u[0]).toEqual(u[1])
    const weights = [-1, 0, 1].map((value) => sumOf((i) => Number(u[0][i] === value)))
    expect(weights.reduce((sum, c) => sum + c, 0)).toBe(count)
    // Chi-square with two degrees of freedom is exponential: beyond 37 with probability 1e-8.
    expect(weights.reduce((sum, c) => sum + (c - count / 3) ** 2 / (count / 3), 0)).toBeLessThan(37)
    for (const lag of [1, n / 2, n]) {
      const correlation = sumOf((i) => u[0][i]! * u[0][(i + lag) % count]!)
      expect(Math.abs(correlation)).toBeLessThan(wide * (2 / 3) * Math.sqrt(count))
    }
  })

  test.each([0, 1] as const)('e_%i: whole numbers up to 21 of mean 0 and variance 10.5', (part) => {
    const e = errors[part]
    expect(e.every((x) => Number.isInteger(x) && Math.abs(x) <= 21)).toBe(true)
    expect(Math.abs(sumOf((i) => e[i]!))).toBeLessThan(wide * Math.sqrt(variance * count))
    const measured = sumOf((i) => e[i]! ** 2) / count
    expect(Math.abs(measured - variance)).toBeLessThan(wide * Math.sqrt((2 * variance ** 2 - variance / 2) / count))
  })

  test('e_0, e_1 and u are independent of each other and from ciphertext to ciphertext', () => {
    const [e0, e1] = errors
    expect(e0).not.toEqual(e1)
    for (const lag of [0, 1, 2, n / 2, n]) {
      const after = (i: number) => (i + lag) % count
      const bound = wide * variance * Math.sqrt(count)
      expect(Math.abs(sumOf((i) => e0[i]! * e1[after(i)]!))).toBeLessThan(bound)
      for (const e of errors) {
        if (lag > 0) expect(Math.abs(sumOf((i) => e[i]! * e[after(i)]!))).toBeLessThan(bound)
        expect(Math.abs(sumOf((i) => e[i]! * u[0][after(i)]!))).toBeLessThan(bound * Math.sqrt(2 / 3 / variance))
      }
    }
  })
})

describe('the samplers on a ring', () => {
  const slab = ring.limbs(2)
  const view = () => ring.heap.f64(slab.ptr, n)

  test('ternary coefficients are uniform', () => {
    const counts = [0, 0, 0]
    for (let round = 0; round < 12; round++) {
      sampleTernary(ring, slab.ptr)
      for (const x of view()) counts[x + 1]!++
    }
    const expected = (12 * n) / 3
    expect(counts.reduce((sum, c) => sum + c, 0)).toBe(12 * n)
    // Chi-square with two degrees of freedom is exponential: beyond 37 with probability 1e-8.
    expect(counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)).toBeLessThan(37)
  })

  test('fills every coefficient, anew every time', () => {
    for (const sample of [sampleTernary, sampleError]) {
      view().fill(0.5)
      sample(ring, slab.ptr)
      const first = view().slice()
      expect(first.every(Number.isInteger)).toBe(true)
      sample(ring, slab.ptr)
      expect(view().every((x, i) => x === first[i])).toBe(false)
    }
  })

  test('leave no random bytes behind', () => {
    const fresh = openCkks({ scheme: 'ckks', ringDegree: 1024, modulusBits: [26], specialBits: [] }).ring
    using target = fresh.limbs(1)
    sampleError(fresh, target.ptr)
    using bytes = fresh.heap.alloc(6 * 1024)
    expect(fresh.heap.u8(bytes.ptr, bytes.bytes).every((b) => b === 0)).toBe(true)
  })

  test('encryption leaves no error and no ephemeral secret behind', () => {
    const fresh = openCkks({ scheme: 'ckks', ringDegree: 4096, modulusBits: [26, 26, 20], specialBits: [26] })
    const secret = createSecretKey(fresh)
    const key = createPublicKey(fresh, secret)
    using plain = fresh.encode([1], { scale: 2 ** 20 })
    /** What was given back, and comes again: the best fit first, then what lies behind everything else. */
    const leftover = (count: number): boolean => {
      const slabs = Array.from({ length: count }, () => fresh.ring.limbs(1))
      const clean = slabs.every(({ ptr, bytes }) => fresh.ring.heap.u8(ptr, bytes).every((b) => b === 0))
      for (const slab of slabs) slab[Symbol.dispose]()
      return !clean
    }
    // What encoding used, for a start.
    for (const { ptr, bytes } of [fresh.ring.limbs(1), fresh.ring.limbs(1)]) fresh.ring.heap.u8(ptr, bytes).fill(0)
    fresh.encrypt(key, plain)
    expect(leftover(5), 'u and errors').toBe(false)
    encryptSymmetric(fresh, secret, plain)
    expect(leftover(3), 'errors and products with the secret').toBe(false)
    createPublicKey(fresh, secret)
    expect(leftover(3), 'errors and products with the secret').toBe(false)
    createRelinearisationKey(fresh, secret)
    expect(leftover(4), 'errors and products with the secret, and its square').toBe(false)
    createGaloisKeys(fresh, secret, [{ steps: 1 }])
    expect(leftover(4), 'errors and products with the secret, turned').toBe(false)
  })

  test('spread gives the same small integers modulo every prime', () => {
    const several = openCkks({ scheme: 'ckks', ringDegree: 4096, modulusBits: [30, 20], specialBits: [50] }).ring
    using small = several.limbs(1)
    using limbs = several.limbs(3)
    sampleTernary(several, small.ptr)
    spread(several, limbs.ptr, small.ptr, [0, 1, 2])
    for (const [i, { p, pinv, table }] of several.moduli.entries()) {
      several.kernels.nttInverse(limbs.ptr + i * several.limbBytes, several.n, p, pinv, table)
      expect(several.heap.f64(limbs.ptr + i * several.limbBytes, several.n).map((x) => x || 0)).toEqual(
        several.heap.f64(small.ptr, several.n).map((x) => x || 0),
      )
    }
  })
})
