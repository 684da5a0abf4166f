import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planLinear } from './plan.ts'

describe('a baby-step giant-step plan', () => {
  const slots = 512
  const rotations = fc.array(fc.integer({ min: -2 * slots, max: 2 * slots }), { minLength: 1, maxLength: 80 })

  test('reaches every rotation, each step within the slots and listed once', () => {
    fc.assert(
      fc.property(rotations, (wanted) => {
        const { babies, giants } = planLinear(wanted, slots)
        const reached = new Set(giants.flatMap((g) => babies.map((b) => (g + b) % slots)))
        for (const r of wanted) expect(reached.has(((r % slots) + slots) % slots)).toBe(true)
        for (const steps of [babies, giants]) {
          expect(new Set(steps).size).toBe(steps.length)
          expect(steps.every((s) => Number.isInteger(s) && s >= 0 && s < slots)).toBe(true)
        }
      }),
    )
  })

  test('a full matrix of n diagonals needs about 2 sqrt(n) rotations', () => {
    for (const n of [16, 64, 256]) {
      const { babies, giants } = planLinear(
        Array.from({ length: n }, (_, i) => i),
        slots,
      )
      expect(babies.length + giants.length).toBeLessThanOrEqual(3 * Math.sqrt(n))
      expect(babies.length * giants.length).toBe(n)
    }
  })

  test('a matrix with a stride is as cheap as one without', () => {
    const dense = planLinear(
      Array.from({ length: 32 }, (_, i) => i),
      slots,
    )
    const strided = planLinear(
      Array.from({ length: 32 }, (_, i) => 16 * i),
      slots,
    )
    expect(strided.babies).toEqual(dense.babies.map((b) => 16 * b))
    expect(strided.giants).toEqual(dense.giants.map((g) => 16 * g))
  })

  test('the identity needs no rotation, and nothing needs nothing', () => {
    expect(planLinear([0, slots, -slots], slots)).toEqual({ babies: [0], giants: [0] })
    expect(planLinear([], slots)).toEqual({ babies: [], giants: [] })
  })
})
