import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { normalNumbers } from '../tensor/random.ts'
import { clenshaw, evaluatorOf, splitParity, trimmed } from './chebyshev.ts'
import { fit } from './fit.ts'
import { leastSquares } from './least-squares.ts'
import { minimax } from './minimax.ts'
import { weigh } from './weights.ts'

const degree = fc.integer({ min: 0, max: 15 })
const wiggly = (t: number): number => Math.exp(t) * Math.cos(5 * t) + Math.abs(t - 0.3)

/** Points of [-1, 1] that no grid of the code has. */
const points = Array.from({ length: 4001 }, (_, i) => -Math.cos((Math.PI * i) / 4000))

describe('Chebyshev polynomials', () => {
  test('T_k(cos θ) is cos kθ, on any interval', () => {
    fc.assert(
      fc.property(degree, fc.nat(), fc.double({ min: 0, max: Math.PI, noNaN: true }), (k, seed, angle) => {
        const coefficients = randomNumbers(seed, k + 1)
        const expected = coefficients.reduce((sum, c, i) => sum + c * Math.cos(i * angle), 0)
        expect(clenshaw(coefficients, Math.cos(angle))).toBeCloseTo(expected, 11)
        const p = evaluatorOf({ coefficients, low: 3, high: 7 })
        expect(p(5 + 2 * Math.cos(angle))).toBeCloseTo(expected, 11)
      }),
    )
  })

  test('even and odd parts in t² and in T_2 are the same polynomial', () => {
    fc.assert(
      fc.property(degree, fc.nat(), fc.constantFrom('square' as const, 'T2' as const), (k, seed, basis) => {
        const coefficients = randomNumbers(seed, k + 1)
        const { even, odd } = splitParity(coefficients, basis)
        expect(odd.length).toBe(even.length)
        for (const t of [-1, -0.7, 0, 0.2, 0.9]) {
          const w = basis === 'square' ? t * t : 2 * t * t - 1
          const value = even.reduce((sum, c, i) => sum + (c + odd[i]! * t) * w ** i, 0)
          expect(value).toBeCloseTo(clenshaw(coefficients, t), 8)
        }
      }),
    )
  })

  test('rounding is trimmed, and the degree with it', () => {
    expect([...trimmed(Float64Array.of(1, 1e-14, 2, -1e-14))]).toEqual([1, 0, 2])
    expect([...trimmed(new Float64Array(3))]).toEqual([0])
  })
})

describe('least squares', () => {
  test('are what the normal equations say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), fc.nat(), (k, seed) => {
        const t = randomNumbers(seed, 60)
        const weight = randomNumbers(seed + 1, 60).map((v) => v + 1.01)
        const c = leastSquares(wiggly, k, { t, weight })
        // In powers of t, as anybody would write them down: A c = b with A_ij = sum of w t^(i + j).
        const moment = (f: (t: number) => number, i: number): number =>
          t.reduce((sum, x, at) => sum + weight[at]! * f(x) * x ** i, 0)
        const rows = Array.from({ length: k + 1 }, (_, i) => [
          ...Array.from({ length: k + 1 }, (_, j) => moment(() => 1, i + j)),
          moment(wiggly, i),
        ])
        const powers = gauss(rows)
        for (const x of [-0.9, 0, 0.4]) {
          const expected = powers.reduce((sum, a, i) => sum + a * x ** i, 0)
          expect(clenshaw(c, x)).toBeCloseTo(expected, 6)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('leave a residual that is orthogonal to every polynomial, also at degree 31', () => {
    const weights = weigh(randomNumbers(1, 500), [-1, 1])
    const c = leastSquares(wiggly, 31, weights)
    for (const k of [0, 1, 15, 31]) {
      const product = weights.t.reduce(
        (sum, t, i) => sum + weights.weight[i]! * (wiggly(t) - clenshaw(c, t)) * Math.cos(k * Math.acos(t)),
        0,
      )
      expect(Math.abs(product)).toBeLessThan(1e-13)
    }
  })

  test('weights are a histogram with a floor, and add up to 1', () => {
    const values = Float64Array.of(0, 0.5, 0.5, 1, 7)
    const { t, weight } = weigh(values, [-1, 1], { uniform: 0.2 })
    expect(weight.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
    const at = (x: number): number => weight[t.findIndex((v) => Math.abs(v - x) <= 1 / 1024)]!
    expect(at(-0.5)).toBeCloseTo(0.2 / 1024, 12)
    expect(weight.at(-1)).toBeCloseTo(0.2 / 1024 + 0.8 / 4, 12)
    const mirrored = weigh(values, [-1, 1], { symmetric: true }).weight
    expect(largestDifference(mirrored, mirrored.slice().reverse())).toBe(0)
    expect(weigh([], [0, 1]).weight.every((w) => w === 1 / 1024)).toBe(true)
  })
})

describe('minimax', () => {
  // 2n E_2n(|x|) for n = 1, 2: Varga and Carpenter, Constructive Approximation 1 (1985), table 1.
  test.each([
    ['|x|, degree 2', Math.abs, 2, 1 / 8],
    ['|x|, degree 3', Math.abs, 3, 1 / 8],
    ['|x|, degree 4', Math.abs, 4, 0.2704835971 / 4],
    // The line of slope sinh 1, which touches at ln sinh 1.
    ['e^x, degree 1', Math.exp, 1, (Math.E - Math.sinh(1) * (2 - Math.log(Math.sinh(1)))) / 2],
    // x^n without its multiple of T_n.
    ['x^6, degree 5', (x: number) => x ** 6, 5, 2 ** -5],
    ['x^9, degree 8', (x: number) => x ** 9, 8, 2 ** -8],
    ['a polynomial', (x: number) => 3 * x * x - 1, 2, 0],
    ['a polynomial of lower degree', (x: number) => 3 * x * x - 1, 7, 0],
    ['0', () => 0, 3, 0],
  ] as const)('the least error of %s is the published one', (_, f, k, error) => {
    const found = minimax(f, k)
    expect(found.error).toBeCloseTo(error, 9)
    const largest = Math.max(...points.map((t) => Math.abs(f(t) - clenshaw(found.coefficients, t))))
    expect(largest).toBeLessThan(error * 1.00001 + 1e-12)
  })

  test('the error alternates between degree + 2 equal extrema', () => {
    for (const f of [wiggly, Math.exp, Math.tanh, (t: number) => Math.max(0, t - 0.1)]) {
      for (const k of [0, 1, 2, 5, 8, 13]) {
        const { coefficients, error } = minimax(f, k)
        let [turns, sign, largest] = [0, 0, 0]
        for (const t of points) {
          const e = f(t) - clenshaw(coefficients, t)
          largest = Math.max(largest, Math.abs(e))
          if (Math.abs(e) > 0.98 * error && Math.sign(e) !== sign) {
            sign = Math.sign(e)
            turns++
          }
        }
        expect(largest).toBeLessThan(error * 1.00001 + 1e-14)
        if (error > 1e-12) expect(turns, `degree ${k}`).toBeGreaterThanOrEqual(k + 2)
      }
    }
  })
})

describe('a fit', () => {
  const normal = normalNumbers(3)
  const values = Float64Array.from({ length: 2000 }, () => Math.max(-4, Math.min(4, normal())))
  const relu = (x: number): number => Math.max(0, x)

  test('is best for the data by least squares, best at worst by minimax', () => {
    const near = fit(relu, [-6, 6], values, { method: 'least-squares', degree: 4 })
    const even = fit(relu, [-6, 6], values, { method: 'minimax', degree: 4 })
    expect(near.rmsError).toBeLessThan(0.9 * even.rmsError)
    expect(even.maxError).toBeLessThan(near.maxError)
    // |x| / 2 on [-6, 6].
    expect(even.maxError).toBeCloseTo((3 * 0.2704835971) / 4, 4)
    // Without the floor, nothing would hold the tails.
    expect(near.maxError).toBeLessThan(1)
  })

  test('of an odd function is odd where values count mirrored', () => {
    const lopsided = values.map((v) => (v > 0 ? v / 2 : v))
    const { coefficients } = fit(Math.tanh, [-4, 4], lopsided, { method: 'least-squares', degree: 6, symmetric: true })
    expect(coefficients.length).toBe(6)
    expect([0, 2, 4].map((k) => coefficients[k])).toEqual([0, 0, 0])
  })

  test('of what is no interval or no degree is refused', () => {
    expect(() => fit(relu, [1, 1], values, { method: 'minimax', degree: 2 })).toThrow('low < high, got [1, 1]')
    expect(() => fit(relu, [0, NaN], values, { method: 'minimax', degree: 2 })).toThrow('low < high')
    for (const bad of [-1, 32, 2.5])
      expect(() => fit(relu, [0, 1], values, { method: 'minimax', degree: bad })).toThrow(`from 0 to 31, got ${bad}`)
  })
})

/** Gauss without pivots, for positive definite matrices; rows hold the right-hand side last. */
function gauss(rows: number[][]): number[] {
  const n = rows.length
  rows.forEach((row, k) => {
    for (let i = 0; i < n; i++) {
      if (i === k) continue
      const ratio = rows[i]![k]! / row[k]!
      for (let j = 0; j <= n; j++) rows[i]![j]! -= ratio * row[j]!
    }
  })
  return rows.map((row, k) => row[n]! / row[k]!)
}
