import { describe, expect, test } from 'vitest'
import { automatic, deepLiteral, furthest } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { absolute, compare, maximum, minimum, relu, sign, step } from './compare.ts'
import { polynomialAt } from './polynomial.ts'
import { composeSign, type SignComposition } from './sign-composition.ts'

/** The composition in the clear. */
function plainly({ stages }: SignComposition, x: number): number {
  return stages.reduce((value, p) => polynomialAt(p, value), x)
}

describe('a composition', () => {
  // Depth and products of what the search finds: they may only get smaller.
  test.each([
    [2, 3, 4],
    [4, 6, 9],
    [6, 9, 15],
    [8, 12, 20],
    [10, 14, 26],
    [12, 17, 30],
    [16, 21, 42],
  ])('of %i bits takes %i levels and %i products, and keeps its promise', (alpha, depth, multiplications) => {
    const composition = composeSign({ alpha })
    expect(composition.depth).toBe(depth)
    expect(composition.multiplications).toBeLessThanOrEqual(multiplications)
    expect(composition.error).toBeLessThanOrEqual(2 ** -alpha)
    let most = 0
    let uneven = 0
    for (let i = 0; i <= 5000; i++) {
      for (const x of [2 ** (-alpha * (1 - i / 5000)), 2 ** -alpha + (1 - 2 ** -alpha) * (i / 5000)]) {
        const y = plainly(composition, x)
        most = Math.max(most, Math.abs(y - 1))
        uneven = Math.max(uneven, Math.abs(y + plainly(composition, -x)))
      }
    }
    expect(uneven).toBeLessThan(1e-12)
    // The stages are made for a little more than the interval that the one before leaves.
    expect(most).toBeLessThanOrEqual(composition.error * (1 + 2 ** -10))
    expect(most).toBeGreaterThan(composition.error / 4)
    // Between, values stay within [-1, 1] and a little.
    for (let x = 0; x < 2 ** -alpha; x += 2 ** -alpha / 50) {
      expect(plainly(composition, x)).toBeGreaterThan(-1e-12)
      expect(plainly(composition, x)).toBeLessThan(1 + 2 ** -alpha)
    }
  })

  test('bears noise between its stages', () => {
    const composition = composeSign({ alpha: 10 })
    const noisy = (x: number, noise: number): number =>
      composition.stages.reduce((value, p, i) => polynomialAt(p, i === 0 ? value : value + noise), x)
    for (let i = 0; i <= 5000; i++) {
      const x = 2 ** (-10 * (1 - i / 5000))
      for (const noise of [2 ** -21, -(2 ** -21)])
        expect(Math.abs(noisy(x, noise) - 1)).toBeLessThan(composition.error * (1 + 2 ** -12))
    }
  })

  test('takes fewer products when it may take more levels', () => {
    const tight = composeSign({ alpha: 8 })
    const wide = composeSign({ alpha: 8, depth: 14 })
    expect(wide.depth).toBeLessThanOrEqual(14)
    expect(wide.multiplications).toBeLessThan(tight.multiplications)
    expect(wide.error).toBeLessThanOrEqual(2 ** -8)
  })

  test('of another range takes one level for it, unless it is 1/k', () => {
    expect(composeSign({ alpha: 4, range: 8 }).depth).toBe(7)
    expect(composeSign({ alpha: 4, range: 0.25 }).depth).toBe(6)
  })

  test('mistakes', () => {
    for (const alpha of [0, 21, Number.NaN])
      expect(() => composeSign({ alpha })).toThrow(`"alpha" expected 1 to 20 bits, got ${alpha}`)
    expect(() => composeSign({ alpha: 8, depth: 11 })).toThrow(
      '"depth" expected at least 12 levels for alpha = 8, got 11',
    )
    expect(() => composeSign({ alpha: 8, range: 2, depth: 12 })).toThrow('at least 13 levels')
    expect(() => composeSign({ alpha: 8, range: -1 })).toThrow('"range" expected a positive finite number, got -1')
  })
})

describe.each(['wasm-fused', 'wasm'] as const)('comparisons on %s', (backend) => {
  const alpha = 5
  const machine = automatic({ backend, literal: deepLiteral(1024, 9), scale: 2 ** 40 })
  const { evaluator, slots, top, encrypt, decrypt } = machine
  const draw = new Draw('comparisons')
  const composition = composeSign({ alpha })
  const tolerance = 2 ** -alpha
  const noise = 2 ** -16

  /** Numbers at the edge of what is told apart, and anywhere beyond. */
  const x = draw.reals(slots).map((v, j) => (j % 8 === 0 ? Math.sign(v) * tolerance : v))
  const ct = encrypt(x)
  const clear = x.map((v) => (Math.abs(v) < tolerance ? 0 : 1))

  test('the sign and the step of what is not near 0', () => {
    using s = sign(evaluator, ct, composition)
    using t = step(evaluator, ct, composition)
    expect(s.level).toBe(top - composition.depth)
    expect(t.level).toBe(s.level)
    expect(evaluator.ladder.holds(s)).toBe(true)
    const signs = decrypt(s)
    const steps = decrypt(t)
    for (const [j, v] of x.entries()) {
      if (clear[j] === 0) continue
      expect(Math.abs(signs[j]! - Math.sign(v))).toBeLessThan(composition.error + noise)
      expect(Math.abs(steps[j]! - (v > 0 ? 1 : 0))).toBeLessThan(composition.error / 2 + noise)
    }
    // It is the composition, no more and no less.
    expect(
      furthest(
        signs,
        x.map((v) => plainly(composition, v)),
      ),
    ).toBeLessThan(noise)
  })

  test('the positive part and the absolute value, everywhere', () => {
    using positive = relu(evaluator, ct, composition)
    expect(
      furthest(
        decrypt(positive),
        x.map((v) => Math.max(v, 0)),
      ),
    ).toBeLessThan(tolerance)
    using size = absolute(evaluator, ct, composition)
    expect(furthest(decrypt(size), x.map(Math.abs))).toBeLessThan(tolerance)
    expect(positive.level).toBe(top - composition.depth - 1)
  })

  test('the greater and the smaller of two, or of one and a number', () => {
    const wide = composeSign({ alpha, range: 2 })
    const y = draw.reals(slots)
    using other = encrypt(y)
    using high = maximum(evaluator, ct, other, wide)
    using low = minimum(evaluator, ct, other, wide)
    expect(
      furthest(
        decrypt(high),
        x.map((v, j) => Math.max(v, y[j]!)),
      ),
    ).toBeLessThan(2 * tolerance)
    expect(
      furthest(
        decrypt(low),
        x.map((v, j) => Math.min(v, y[j]!)),
      ),
    ).toBeLessThan(2 * tolerance)
    using clipped = minimum(evaluator, ct, 0.5, wide)
    expect(
      furthest(
        decrypt(clipped),
        x.map((v) => Math.min(v, 0.5)),
      ),
    ).toBeLessThan(2 * tolerance)
    using order = compare(evaluator, ct, other, wide)
    const got = decrypt(order)
    for (const [j, v] of x.entries())
      if (Math.abs(v - y[j]!) > 2 * tolerance)
        expect(Math.abs(got[j]! - (v > y[j]! ? 1 : 0))).toBeLessThan(wide.error + noise)
  })

  test('leaves nothing behind, and says how many levels it needs', () => {
    const { heap } = evaluator.ring
    const before = heap.used
    using s = relu(evaluator, ct, composition)
    expect(heap.used - before).toBe(s.slab.bytes)
    using low = evaluator.bring(ct, 6)
    const taken = heap.used
    expect(() => sign(evaluator, low, composition)).toThrow('the sign needs 7 levels, and the ciphertext is at level 6')
    expect(() => relu(evaluator, low, composition)).toThrow('max(x, 0) needs 8 levels')
    expect(() => maximum(evaluator, low, low, composition)).toThrow('needs 8 levels')
    expect(heap.used).toBe(taken)
  })
})

test('a budget without an end is as good as a large one', () => {
  const { degrees } = composeSign({ alpha: 2, depth: Infinity })
  expect(degrees).toEqual(composeSign({ alpha: 2, depth: 30 }).degrees)
  expect(composeSign({ alpha: 2, depth: 2 ** 40 }).degrees).toEqual(degrees)
})
