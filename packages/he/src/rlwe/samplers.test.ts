import { describe, expect, test } from 'vitest'
import { binomiality, type Draws, type PValues, ternarity, uniformity } from '../test-support/sampler-statistics.ts'
import { binomialDraws, mapped, samplerSuite, ternaryDraws, uniformDraws } from '../test-support/sampler-suite.ts'
import { chiSquare, normal, poisson } from '../test-support/statistics.ts'

const draws = 200_000

samplerSuite(draws)

describe('p-values', () => {
  test.each([
    // Upper points of published tables: 3.841, 18.307, 124.342 at 5%; 10.828 at 0.1%.
    [1, 3.841459, 0.05],
    [10, 18.307038, 0.05],
    [100, 124.342113, 0.05],
    [1, 10.827566, 0.001],
    [2, 2 * Math.log(1e9), 1e-9],
  ])('chi-square with %i degrees of freedom at %d', (degrees, x, p) => {
    // One cell off by d, all others right: x = d^2 / 100.
    const expected = new Array<number>(degrees + 1).fill(100)
    const counts = [...expected]
    counts[0] = 100 + 10 * Math.sqrt(x)
    expect(chiSquare(counts, expected) / p).toBeCloseTo(1, 4)
  })
  test('normal and Poisson', () => {
    expect(normal(1.959964)).toBeCloseTo(0.05, 6)
    expect(normal(-3.290527)).toBeCloseTo(0.001, 7)
    // P(X >= 10) = 0.0318281, P(X <= 1) = 0.0404277 at mean 5.
    expect(poisson(10, 5)).toBeCloseTo(2 * 0.0318281, 5)
    expect(poisson(1, 5)).toBeCloseTo(2 * 0.0404277, 5)
    expect(poisson(5, 5)).toBe(1)
  })
})

describe('a biased sampler is found out', () => {
  const p = 12289
  const half = (p - 1) / 2
  const uniform = (): Draws => uniformDraws(p, draws)
  const least = (values: PValues): number => Math.min(...Object.values(values).map((v) => Math.min(v, 1.0000001 - v)))
  const twice = (f: (x: number, previous: number) => number) => {
    let previous = 0
    return (x: number): number => {
      previous = f(x, previous)
      return previous
    }
  }

  test.each<[string, keyof ReturnType<typeof uniformity>, () => Draws]>([
    // 14 bits taken modulo p instead of rejected: a third of the residues twice as often.
    [
      'reduction in place of rejection',
      'bins',
      () => mapped(uniformDraws(16381, draws), (x) => ((x + 8190) % p) - half),
    ],
    [
      'an even low bit now and then',
      'low bits',
      () => mapped(uniform(), (x, i) => (i % 8 === 0 && x > 0 ? x - (x % 2) : x)),
    ],
    [
      'every value near the one before',
      'pairs',
      () =>
        mapped(
          uniform(),
          twice((x, last) => (Math.abs(last) > 5000 ? last : x)),
        ),
    ],
    [
      'a share of the value before',
      'correlation',
      () =>
        mapped(
          uniform(),
          twice((x, last) => (x % 20 === 0 ? last : x)),
        ),
    ],
    ['no lowest values', 'lower end', () => mapped(uniform(), (x) => Math.max(x, 2 - half))],
    ['no highest values', 'upper end', () => mapped(uniform(), (x) => Math.min(x, half - 2))],
  ])('uniform: %s', (_what, where, biased) => {
    expect(uniformity(biased(), p)[where]).toBeLessThan(1e-5)
  })

  test.each<[string, () => Draws]>([
    ['1% more zeros', () => mapped(ternaryDraws(draws), (x, i) => (i % 50 === 0 ? 0 : x))],
    [
      'a sign that stays',
      () =>
        mapped(
          ternaryDraws(draws),
          twice((x, last) => (x === 0 ? 0 : last === 0 || x > 0 ? x : -x)),
        ),
    ],
    ['too even', () => mapped(ternaryDraws(draws), (_, i) => (i % 3) - 1)],
  ])('ternary: %s', (_what, biased) => {
    expect(least(ternarity(biased()))).toBeLessThan(1e-5)
  })

  test.each<[string, string, () => Draws]>([
    [
      'one bit of 42 dead',
      'variance',
      () => mapped(binomialDraws(draws), (x, i) => (i % 4 === 0 && x > 0 ? x - 1 : x)),
    ],
    ['a mean of 0.05', 'mean', () => mapped(binomialDraws(draws), (x, i) => (i % 20 === 0 && x < 21 ? x + 1 : x))],
    ['no tails', 'tails', () => mapped(binomialDraws(draws), (x) => (Math.abs(x) > 11 ? 0 : x))],
    [
      'values of even parity twice as often',
      'values',
      () => mapped(binomialDraws(draws), (x, i) => (i % 3 === 0 ? 2 * Math.trunc(x / 2) : x)),
    ],
    [
      'a sign that stays',
      'correlation',
      () =>
        mapped(
          binomialDraws(draws),
          twice((x, last) => (last > 0 ? Math.abs(x) : x)),
        ),
    ],
  ])('binomial: %s', (_what, where, biased) => {
    expect(binomiality(biased())[where]).toBeLessThan(1e-5)
  })
})
