import { describe, expect, test } from 'vitest'
import { centred } from '../../base/numbers.ts'
import { createParams, type ParamsLiteral } from '../../params/params.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createPublicKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { Draw } from '../../test-support/random.ts'
import {
  budgetOf,
  decryptBfv,
  multiplyBfv,
  nearest,
  noiseTimesT,
  scaleUp,
  tensor,
} from '../../test-support/reference-bfv.ts'
import {
  addPoly,
  largest,
  multiplyPoly,
  type Poly,
  productOf,
  scalePoly,
  subtractPoly,
} from '../../test-support/reference-ring.ts'
import { decryptParts, readParts, readPoly, readSecret, upTo, writePoly } from '../../test-support/reference-rlwe.ts'
import { noiseBudget } from '../integer/noise-budget.ts'
import { openAuxiliary } from './auxiliary.ts'
import { openBfv } from './bfv.ts'

// Products against big integers, coefficient by coefficient.

interface Case {
  readonly backend: 'wasm-fused' | 'wasm' | 'reference'
  readonly ringDegree: number
  readonly modulusBits: readonly number[]
  readonly t: number
}

const cases: readonly Case[] = [
  { backend: 'reference', ringDegree: 16, modulusBits: [30, 30], t: 2 },
  { backend: 'wasm-fused', ringDegree: 16, modulusBits: [40], t: 17 },
  { backend: 'wasm-fused', ringDegree: 32, modulusBits: [50, 50, 50], t: 65537 },
  { backend: 'wasm', ringDegree: 32, modulusBits: [20, 21, 22, 23, 24, 25], t: 193 },
  { backend: 'wasm-fused', ringDegree: 64, modulusBits: [50, 49, 50, 48, 50, 50, 50, 50], t: 2 ** 32 },
  { backend: 'wasm', ringDegree: 64, modulusBits: [43, 43, 44, 44], t: 4294967291 },
  { backend: 'reference', ringDegree: 32, modulusBits: [33, 31, 35], t: 257 * 258 },
]

const literalOf = ({ ringDegree, modulusBits, t }: Case): ParamsLiteral => ({
  scheme: 'bfv',
  ringDegree,
  modulusBits,
  specialBits: [],
  plaintextModulus: t,
  security: 'INSECURE',
})

function open(subject: Case) {
  const bfv = openBfv(literalOf(subject), { backend: subject.backend })
  const secret = createSecretKey(bfv)
  return { bfv, secret, s: readSecret(secret), publicKey: createPublicKey(bfv, secret) }
}

const bound = (values: Poly): bigint => values.reduce((most, x) => (x > most ? x : -x > most ? -x : most), 0n)
const norm1 = (values: Poly): bigint => values.reduce((sum, x) => sum + (x < 0n ? -x : x), 0n)

describe.each(cases)('products on $backend, N = $ringDegree, $modulusBits, t = $t', (subject) => {
  const { bfv, secret, s, publicKey } = open(subject)
  const { ring, params } = bfv
  const n = subject.ringDegree
  const t = BigInt(subject.t)
  const draw = new Draw(`products ${subject.t} ${n}`)
  const message = (): Float64Array => Float64Array.from({ length: n }, () => draw.integer(0, subject.t - 1))
  const modulusAt = (level: number): bigint => productOf(params.primes.slice(0, level + 1))

  /** How far a coefficient may be from t/Q a ⊗ b: 1/2 + t N Q / 2P, as an integer. */
  function tolerance(level: number): bigint {
    const P = productOf(openAuxiliary(ring)(level).auxiliary.map(({ p }) => p))
    expect(P >= modulusAt(level) << 10n).toBe(true)
    return 1n + (t * BigInt(n) * modulusAt(level)) / (2n * P)
  }

  test('encryption scales to the nearest integer, at every level', () => {
    for (let level = 0; level <= params.maxLevel; level++) {
      const m = message()
      using plaintext = bfv.encodeCoefficients(m, { level })
      const Q = modulusAt(level)
      const exact = scaleUp(Array.from(m, BigInt), Q, t)
      const got = readPoly(ring, plaintext.slab.ptr, upTo(level + 1))
      // Where t is even, halves may go either way.
      const ties = Array.from(m, (x) => (2n * Q * BigInt(x)) % (2n * t) === t)
      got.forEach((x, i) => {
        const difference = centred(x - exact[i]!, Q)
        expect(difference === 0n || (ties[i] && difference === -1n)).toBe(true)
      })
    }
  })

  test('decryption rounds to the nearest message, up to the last unit of noise', () => {
    for (let level = 0; level <= params.maxLevel; level++) {
      const Q = modulusAt(level)
      const m = message()
      using phase = encryptSymmetric(bfv, secret, bfv.encodeCoefficients(m, { level }))
      // Phases written directly: Q m / t plus noise just within and just beyond Q / 2t.
      const edge = Q / (2n * t)
      // Nearer to a half than this, relative to Q, the quotient of `basisScale` may go either way.
      const grain = 2n + Q / (t << 45n)
      const noises = [0n, edge - grain, grain - edge, edge / 3n, edge + grain, -edge - grain]
      const x = Array.from(m, (value, i) => centred(nearest(Q * BigInt(value), t) + noises[i % 6]!, Q))
      using direct = decrypt(bfv, secret, phase)
      writePoly(ring, direct.slab.ptr, x, upTo(level + 1))
      const decoded = bfv.decodeCoefficients(direct)
      decoded.forEach((value, i) => {
        const off = i % 6 === 4 ? 1 : i % 6 === 5 ? subject.t - 1 : 0
        expect(value).toBe((m[i]! + off) % subject.t)
      })
    }
  })

  test('are nearest(t/Q a ⊗ b) up to the tolerance, at every level', () => {
    for (let level = 0; level <= params.maxLevel; level++) {
      const Q = modulusAt(level)
      const a = encryptSymmetric(bfv, secret, bfv.encodeCoefficients(message(), { level }))
      const b = bfv.encrypt(publicKey, bfv.encodeCoefficients(message(), { level }))
      const most = tolerance(level)
      for (const [x, y, product] of [
        [a, b, bfv.multiply(a, b)],
        [b, a, bfv.multiply(b, a)],
        [a, a, bfv.square(a)],
        [b, b, bfv.multiply(b, b)],
      ] as const) {
        expect(product).toMatchObject({ parts: 3, level, scale: 1 })
        const exact = tensor(readParts(x), readParts(y))
        readParts(product).forEach((part, i) => {
          const off = bound(part.map((c, k) => centred(c - nearest(t * exact[i]![k]!, Q), Q)))
          expect(off <= most, `part ${i}: off by ${off}, at most ${most}`).toBe(true)
        })
      }
    }
  })

  test('operands far from the middle of the modulus', () => {
    const level = params.maxLevel
    const Q = modulusAt(level)
    const a = encryptSymmetric(bfv, secret, bfv.encodeCoefficients([1]))
    const b = encryptSymmetric(bfv, secret, bfv.encodeCoefficients([1]))
    // Within 2^-45 of Q/2 the one representative may be taken for the other, which is as good.
    const edge = Q / 2n - (Q >> 45n) - 1n
    const extremes = [edge, -edge, Q / 3n, 1n, -1n, 0n, Q / 2n - Q / 1000n]
    for (const [shift, ct] of [
      [0, a],
      [3, b],
    ] as const) {
      for (const part of [0, 1]) {
        const f = Array.from({ length: n }, (_, i) => extremes[(i * (part + 1) + shift) % extremes.length]!)
        writePoly(ring, ct.slab.ptr + part * (level + 1) * ring.limbBytes, f, upTo(level + 1))
      }
    }
    const [pa, pb] = [readParts(a), readParts(b)]
    const exact = multiplyBfv(pa, pb, Q, t)
    const product = readParts(bfv.multiply(a, b))
    const off = product.flatMap((part, i) => part.map((c, k) => centred(c - exact[i]![k]!, Q)))
    const most = tolerance(level)
    expect(off.every((x) => (x < 0n ? -x : x) <= most)).toBe(true)
  })

  test('have the noise that the theory says', () => {
    const level = params.maxLevel
    const Q = modulusAt(level)
    const [ma, mb] = [message(), message()]
    const a = encryptSymmetric(bfv, secret, bfv.encodeCoefficients(ma))
    const b = bfv.encrypt(publicKey, bfv.encodeCoefficients(mb))
    const [pa, pb] = [readParts(a), readParts(b)]
    // Over the integers, t (a_0 + a_1 s) = Q u + w with the noise w / t and u = m modulo t; so t/Q a(s) b(s) = (Q u_a u_b + u_a w_b + u_b w_a + w_a w_b / Q) / t.
    const split = (parts: readonly Poly[]): [Poly, Poly] => {
      const x = scalePoly(addPoly(parts[0]!, multiplyPoly(parts[1]!, s)), t)
      const w = x.map((c) => centred(c, Q))
      return [subtractPoly(x, w).map((c) => c / Q), w]
    }
    const [ua, wa] = split(pa)
    const [ub, wb] = split(pb)
    const cross = addPoly(multiplyPoly(ua, wb), multiplyPoly(ub, wa))
    const predicted = addPoly(
      cross,
      multiplyPoly(wa, wb).map((x) => nearest(x, Q)),
    )
    const product = bfv.multiply(a, b)
    const measured = noiseTimesT(readParts(product), s, Q, t)
    // The rounding of the parts, times 1, s and s^2, and t times that.
    const s2 = multiplyPoly(s, s)
    const rounding = t * tolerance(level) * (1n + norm1(s) + norm1(s2)) + 1n
    const off = bound(measured.map((x, i) => centred(x - predicted[i]!, Q)))
    expect(off <= rounding, `off by ${off}, at most ${rounding}`).toBe(true)
    // And the message is the product of messages wherever that noise leaves room.
    expect(largest(predicted)).toBeGreaterThan(0)
    if (2n * (bound(predicted) + rounding) < Q) {
      const expected = multiplyPoly(Array.from(ma, BigInt), Array.from(mb, BigInt)).map((x) =>
        Number(((x % t) + t) % t),
      )
      using plaintext = decrypt(bfv, secret, product)
      expect(Array.from(bfv.decodeCoefficients(plaintext))).toEqual(expected)
      expect(decryptBfv(readParts(product), s, Q, t).map(Number)).toEqual(expected)
      expect(noiseBudget(bfv, secret, product)).toBeGreaterThan(0)
    }
    for (const ct of [a, b, product]) expect(noiseBudget(bfv, secret, ct)).toBe(budgetOf(readParts(ct), s, Q, t))
    expect(decryptParts(pa, s, Q).length).toBe(n)
  })

  test('modulus switching divides and rounds', () => {
    const a = bfv.square(encryptSymmetric(bfv, secret, bfv.encodeCoefficients(message())))
    for (let level = 0; level < params.maxLevel; level++) {
      const [from, to] = [modulusAt(params.maxLevel), modulusAt(level)]
      const lower = bfv.switchModulus(a, level)
      expect(lower).toMatchObject({ level, parts: 3 })
      const high = readParts(a)
      readParts(lower).forEach((part, i) => {
        // One rounding for each prime, the earlier ones divided by the later primes.
        const off = part.map((c, k) => centred(c * (from / to) - high[i]![k]!, from))
        expect(2n * bound(off) <= ((from / to) * 11n) / 10n).toBe(true)
      })
    }
  })
})

test('P is larger than Q by ten bits at every level, and shares no prime with the ring or t', () => {
  for (const subject of [...cases, { backend: 'wasm-fused', ringDegree: 16, modulusBits: [49, 49], t: 97 } as const]) {
    const params = createParams(literalOf(subject))
    const { ring } = openBfv(params)
    const all = [...params.primes, subject.t, ...openAuxiliary(ring)(params.maxLevel).auxiliary.map(({ p }) => p)]
    expect(new Set(all).size).toBe(all.length)
  }
})
