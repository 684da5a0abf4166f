import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { toCoefficients } from '../ring/ring.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptPublic } from '../rlwe/encrypt-public.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { seedBytes } from '../rlwe/expand.ts'
import { createPublicKey } from '../rlwe/keygen.ts'
import { newPublicKey } from '../rlwe/keys.ts'
import { createSecretKey, secretLimb } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { Draw } from './random.ts'
import { binomiality, type Draws, type PValues, ternarity, uniformity } from './sampler-statistics.ts'
import { normal } from './statistics.ts'

/** From a fixed seed a test fails always or never, and a right sampler once in ten thousand seeds. */
const seeded = 1e-5
/** From the platform's generator a right library fails about once in 10^7 runs of the suite: 40 p-values at 10^-9 each side. */
const unseeded = 1e-9

/** Prints p-values where asked for. */
export type Report = (name: string, values: PValues) => void

function hold(name: string, values: PValues, significance: number, report: Report | undefined): void {
  report?.(name, values)
  for (const [what, p] of Object.entries(values)) {
    expect(p, `${name}, ${what}: p-value`).toBeGreaterThan(significance)
    // Too even is not random either. What has no upper side is 1 at its best.
    if (what !== 'lower end' && what !== 'upper end' && what !== 'tails')
      expect(p, `${name}, ${what}: p-value`).toBeLessThanOrEqual(1 - significance)
  }
}

const backend = openBackend()
const { kernels, memory } = backend
const n = 32768
const dst = backend.heapBase
const source = dst + 8 * n + 64
memory.grow(Math.ceil((8 * n + 6 * n + 256) / 65536) + 1)

function* pieces(count: number, fill: (round: number) => void): Generator<Float64Array> {
  for (let round = 0; round * n < count; round++) {
    fill(round)
    yield new Float64Array(memory.buffer, dst, n)
  }
}

/** Residues modulo p from one seed, limb after limb. */
export function uniformDraws(p: number, count: number): Draws {
  const seed = new Draw(`uniform ${p}`).bytes(32)
  return pieces(count, (round) => {
    new Uint8Array(memory.buffer, source, 32).set(seed)
    kernels.expandUniform(dst, n, p, source, 1, round)
  })
}

export function ternaryDraws(count: number): Draws {
  const draw = new Draw('ternary')
  return pieces(count, () => {
    const length = n + 1024
    new Uint8Array(memory.buffer, source, length).set(draw.bytes(length))
    if (kernels.sampleTernary(dst, n, source, length) !== n) throw new Error('too few bytes')
  })
}

export function binomialDraws(count: number): Draws {
  const draw = new Draw('binomial')
  return pieces(count, () => {
    new Uint8Array(memory.buffer, source, 6 * n).set(draw.bytes(6 * n))
    kernels.sampleBinomial(dst, n, source)
  })
}

export function* mapped(draws: Draws, f: (x: number, i: number) => number): Generator<Float64Array> {
  let i = 0
  for (const piece of draws) yield Float64Array.from(piece, (x) => f(x, i++))
}

/** All samplers against their distributions, `count` draws each. */
export function samplerSuite(count: number, report?: Report): void {
  describe('samplers of the kernels, from fixed seeds', () => {
    // Small ones, one that rejects every other candidate, one that rejects next to none.
    test.each([97, 12289, 65537, 1073479681, 281474976710677, 1125899906842597])('uniform residues modulo %i', (p) => {
      hold(`uniform modulo ${p}`, uniformity(uniformDraws(p, count), p), seeded, report)
    })
    test('ternary', () => hold('ternary', ternarity(ternaryDraws(count)), seeded, report))
    test('centred binomial', () => hold('binomial', binomiality(binomialDraws(count)), seeded, report))
  })

  describe("what keys and ciphertexts hold, from the platform's generator", () => {
    const ckks = openCkks({ scheme: 'ckks', ringDegree: n, modulusBits: [50], specialBits: [] })
    const { ring } = ckks
    const rounds = Math.ceil(count / n)
    const zero = ckks.encodeCoefficients([], { scale: 1 })

    function* each(make: () => ArrayLike<number>): Generator<ArrayLike<number>> {
      for (let round = 0; round < rounds; round++) yield make()
    }

    test('secret keys are ternary', () => {
      const draws = each(() => {
        using secret = createSecretKey(ckks)
        toCoefficients(ring, secretLimb(secret, 0), 1)
        return ring.heap.f64(secretLimb(secret, 0), n).slice()
      })
      hold('secret keys', ternarity(draws), unseeded, report)
    })

    test('errors of symmetric encryptions are centred binomial, and their masks uniform', () => {
      using secret = createSecretKey(ckks)
      const { p } = ring.moduli[0]!
      const masks: Float64Array[] = []
      const draws = each(() => {
        using ct = encryptSymmetric(ckks, secret, zero)
        if (masks.length < 8) masks.push(ring.heap.f64(ct.slab.ptr + ring.limbBytes, n).slice())
        using phase = decrypt(ckks, secret, ct)
        return ckks.decodeCoefficients(phase)
      })
      hold('errors of symmetric encryptions', binomiality(draws), unseeded, report)
      hold('masks of symmetric encryptions', uniformity(masks, p), unseeded, report)
    })

    test('errors of public keys are centred binomial', () => {
      using secret = createSecretKey(ckks)
      const draws = each(() => {
        using key = createPublicKey(ckks, secret)
        const { slab } = key
        const ct: Ciphertext = {
          kind: 'ciphertext',
          ring,
          slab,
          parts: 2,
          level: 0,
          scale: 1,
          seed: undefined,
          stride: 1,
          [Symbol.dispose]: () => {},
        }
        using phase = decrypt(ckks, secret, ct)
        return ckks.decodeCoefficients(phase)
      })
      hold('errors of public keys', binomiality(draws), unseeded, report)
    })

    test('public-key encryptions draw a ternary u and two binomial errors', () => {
      // Under the key (100, 100) an encryption of zero is (100 u + e_0, 100 u + e_1).
      using key = newPublicKey(ring, new Uint8Array(seedBytes))
      ring.heap.f64(key.slab.ptr, key.slab.bytes / 8).fill(100)
      const draws = (part: number, take: (c: number) => number): Draws =>
        each(() => {
          using ct = encryptPublic(ckks, key, zero)
          toCoefficients(ring, ct.slab.ptr + part * ring.limbBytes, 1)
          return ring.heap.f64(ct.slab.ptr + part * ring.limbBytes, n).map(take)
        })
      hold('u of public-key encryptions', ternarity(draws(0, (c) => Math.round(c / 100))), unseeded, report)
      for (const part of [0, 1]) {
        const errors = draws(part, (c) => c - 100 * Math.round(c / 100))
        hold(`e_${part} of public-key encryptions`, binomiality(errors), unseeded, report)
      }
    })

    test('the noise of public-key encryptions has the variance of e u + e_0 + e_1 s', () => {
      using secret = createSecretKey(ckks)
      using key = createPublicKey(ckks, secret)
      using inner = ring.limbs(2)
      // Squares of the secret's and of the key error's coefficients, which are fixed here.
      const { p, pinv } = ring.moduli[0]!
      const { kernels: k } = ring
      const [b, a] = [key.slab.ptr, key.slab.ptr + ring.limbBytes]
      k.mul(inner.ptr, a, secretLimb(secret, 0), n, p, pinv)
      k.add(inner.ptr, inner.ptr, b, n, p, pinv)
      k.copy(inner.ptr + ring.limbBytes, secretLimb(secret, 0), n)
      toCoefficients(ring, inner.ptr, 1)
      toCoefficients(ring, inner.ptr + ring.limbBytes, 1)
      const squares = (ptr: number): number => ring.heap.f64(ptr, n).reduce((sum, x) => sum + x * x, 0)
      const predicted = (squares(inner.ptr) * 2) / 3 + 10.5 * (1 + squares(inner.ptr + ring.limbBytes))
      const ratios: number[] = []
      for (const piece of each(() => {
        using ct = encryptPublic(ckks, key, zero)
        using phase = decrypt(ckks, secret, ct)
        return ckks.decodeCoefficients(phase)
      })) {
        let sum = 0
        for (let i = 0; i < n; i++) sum += piece[i]! ** 2
        ratios.push(sum / n / predicted - 1)
      }
      const mean = ratios.reduce((sum, r) => sum + r, 0) / ratios.length
      // Squares of nearly normal coefficients have a variance of 2; what they share through e and s adds less than as much again.
      const deviations = mean / Math.sqrt(4 / (n * ratios.length))
      report?.('noise of public-key encryptions', { variance: normal(deviations) })
      expect(normal(deviations)).toBeGreaterThan(unseeded)
    })
  })
}
