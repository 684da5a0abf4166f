import { describe, expect, test } from 'vitest'
import { automatic, deepLiteral } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { inverse, planInverse } from './inverse.ts'

const draw = new Draw('inverse')
const cases = [
  { range: [1 / 16, 1], precision: 20, depth: 7 },
  { range: [0.5, 2], precision: 16, depth: 5 },
  { range: [-3, -0.5], precision: 12, depth: 5 },
  { range: [3, 3], precision: 20, depth: 1 },
  { range: [0.9, 1.1], precision: 7, depth: 1 },
] as const

describe('a plan', () => {
  test.each(cases)('of %j', ({ depth, ...options }) => {
    const plan = planInverse(options)
    const { offset, slope, iterations, error } = plan
    expect(plan.depth).toBe(depth)
    expect(error).toBeLessThanOrEqual(2 ** -options.precision)
    // Its error is reached at the ends of the range and at the centre, with signs that alternate: no line is better.
    const [low, high] = options.range
    const residuals = [low, (low + high) / 2, high].map((x) => 1 - x * (offset + slope * x))
    const start = error ** (1 / 2 ** iterations)
    for (const [i, sign] of [1, -1, 1].entries()) {
      if (low < high) expect(residuals[i]!).toBeCloseTo(sign * start, 12)
      else expect(residuals[i]!).toBeCloseTo(0, 12)
    }
  })
  test('mistakes', () => {
    for (const range of [
      [0, 1],
      [-1, 1],
      [2, 1],
    ] as const)
      expect(() => planInverse({ range, precision: 10 })).toThrow(
        `both positive or both negative, got [${range.join(', ')}]`,
      )
    expect(() => planInverse({ range: [Number.NaN, 1], precision: 10 })).toThrow('"range[0]" expected a finite number')
    expect(() => planInverse({ range: [1, 2], precision: 41 })).toThrow('"precision" expected 1 to 40 bits, got 41')
  })
})

describe.each(['wasm-fused', 'wasm'] as const)('the inverse on %s', (backend) => {
  const { evaluator, slots, top, encrypt, decrypt } = automatic({
    backend,
    literal: deepLiteral(1024, 7),
    scale: 2 ** 40,
  })
  test.each(cases)('of %j', ({ range: [low, high], precision, depth }) => {
    const x = draw.reals(slots).map((u) => (low + high) / 2 + ((high - low) / 2) * u)
    x[0] = low
    x[1] = high
    using ct = encrypt(x)
    const before = evaluator.ring.heap.used
    using y = inverse(evaluator, ct, { range: [low, high], precision })
    expect(evaluator.ring.heap.used - before).toBeLessThanOrEqual(y.slab.bytes + 2 ** 16)
    expect(y.level).toBe(top - depth)
    expect(evaluator.ladder.holds(y)).toBe(true)
    decrypt(y).forEach((v, j) => {
      expect(Math.abs(1 - x[j]! * v)).toBeLessThan(2 ** -precision + 2 ** -22)
    })
  })
  test('says how many levels it needs', () => {
    using ct = encrypt([1], 6)
    expect(() => inverse(evaluator, ct, { range: [1 / 16, 1], precision: 20 })).toThrow(
      'the inverse over [0.0625, 1] at 20 bits needs 7 levels, and the ciphertext is at level 6',
    )
  })
})

test('ranges in which no number of iterations would do are refused', () => {
  for (const range of [
    [1e-17, 1],
    [-1, -1e-14],
    [1e-170, 2e-170],
    [1e200, 2e200],
    [2 ** -40.01, 1],
    [-(2 ** 41), -1],
  ] as const)
    expect(() => planInverse({ range, precision: 8 })).toThrow(/"range" expected a ratio of at most 2\^40/)
  const { error, offset, slope, iterations } = planInverse({ range: [1e-9, 1], precision: 20 })
  expect(error).toBeLessThanOrEqual(2 ** -20)
  for (const x of [1e-9, 0.3, 1]) {
    let e = 1 - x * (offset + slope * x)
    for (let i = 0; i < iterations; i++) e *= e
    expect(Math.abs(e)).toBeLessThanOrEqual(2 ** -20)
  }
  expect(planInverse({ range: [2 ** -40, 1], precision: 1 }).error).toBeLessThanOrEqual(0.5)
  expect(planInverse({ range: [-(2 ** 40), -1], precision: 40 }).error).toBeLessThanOrEqual(2 ** -40)
  expect(planInverse({ range: [1e100, 2e100], precision: 8 }).offset * 1e100).toBeCloseTo(24 / 17, 12)
})
