import { describe, expect, test } from 'vitest'
import { minimaxSign } from './minimax.ts'

/** sum of c_k cos(k arccos x), by the definition. */
function at(coefficients: ArrayLike<number>, x: number): number {
  const angle = Math.acos(Math.min(1, Math.max(-1, x)))
  return Array.from(coefficients).reduce((sum, c, k) => sum + c * Math.cos(k * angle), 0)
}

/** Points of [low, 1], dense at both ends. */
function grid(low: number, count: number): number[] {
  const points = Array.from({ length: count + 1 }, (_, i) => [low ** (1 - i / count), low + ((1 - low) * i) / count])
  return points.flat().sort((a, b) => a - b)
}

const cases = [3, 5, 7, 9, 15, 27, 31].flatMap((degree) =>
  [2 ** -12, 2 ** -8, 2 ** -4, 0.1, 0.5, 0.8].map((low) => [degree, low] as const),
)

describe('the best odd polynomial near the sign', () => {
  test.each(cases)('of degree %i from %f: as many alternations of one size as the theorem asks for', (degree, low) => {
    const { coefficients, error } = minimaxSign(degree, low)
    expect(coefficients.length).toBe(degree + 1)
    for (let k = 0; k <= degree; k += 2) expect(coefficients[k]).toBe(0)
    // Chebyshev's alternation theorem, by de la Vallée Poussin's bound: no polynomial is nearer than the smallest of n + 1 alternating extrema.
    const extrema: number[] = []
    for (const x of grid(low, 5000)) {
      const e = at(coefficients, x) - 1
      const last = extrema.at(-1)
      if (last === undefined || Math.sign(e) !== Math.sign(last)) extrema.push(e)
      else if (Math.abs(e) > Math.abs(last)) extrema[extrema.length - 1] = e
    }
    const resolved = error > 2 ** -40
    if (!resolved) return
    expect(extrema.length).toBe((degree + 1) / 2 + 1)
    const sizes = extrema.map(Math.abs)
    const rounding = 2 ** -49 / error
    expect(Math.max(...sizes) / error).toBeLessThan(1 + rounding + 1e-9)
    expect(Math.min(...sizes) / error).toBeGreaterThan(1 - rounding - 1e-3)
  })

  test('of degree 1 is the line', () => {
    for (const low of [2 ** -10, 0.25, 0.9]) {
      const { coefficients, error } = minimaxSign(1, low)
      expect(coefficients[1]).toBeCloseTo(2 / (1 + low), 12)
      expect(error).toBeCloseTo((1 - low) / (1 + low), 12)
    }
  })

  test('climbs from -low to low, so that compositions stay bounded', () => {
    const { coefficients, error } = minimaxSign(15, 0.1)
    let before = -Infinity
    for (let x = -0.1; x <= 0.1; x += 0.001) {
      const y = at(coefficients, x)
      expect(y).toBeGreaterThan(before)
      expect(Math.abs(y)).toBeLessThan(1 + error)
      before = y
    }
  })

  test('mistakes', () => {
    for (const degree of [0, 2, 65, 1.5])
      expect(() => minimaxSign(degree, 0.5)).toThrow(`"degree" expected an odd number from 1 to 63, got ${degree}`)
    for (const low of [0, 1, -1, Number.NaN, 2 ** -31])
      expect(() => minimaxSign(3, low)).toThrow(`"low" expected a number from 2^-30 to below 1, got ${low}`)
  })
})
