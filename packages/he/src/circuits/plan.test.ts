import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createParams } from '../params/params.ts'
import { planLinear, planRotations, planWork, rotationWork } from './plan.ts'

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

  test('asks for the keys of its babies and of the steps from giant to giant, and no others', () => {
    expect(planRotations({ babies: [0, 1, 2], giants: [0, 4, 8, 12] }).sort((a, b) => a - b)).toEqual([1, 2, 4])
    expect(planRotations({ babies: [0, 1], giants: [3, 9] }).sort((a, b) => a - b)).toEqual([1, 3, 6])
    expect(planRotations({ babies: [0], giants: [0] })).toEqual([])
  })

  test('is the cheapest of the splits by a power of two', () => {
    const full = Array.from({ length: 256 }, (_, i) => i)
    for (const giant of [0.5, 1, 2, 5, 20, 1000]) {
      const work = { baby: 1, giant }
      const plan = planLinear(full, slots, work)
      const prices = Array.from({ length: 9 }, (_, k) => 2 ** k).map(
        (width) => width - 1 + giant * (full.length / width - 1),
      )
      expect(planWork(plan, work)).toBe(Math.min(...prices))
    }
    expect(planLinear(full, slots, { baby: 1, giant: 1 }).babies.length).toBe(16)
    expect(planLinear(full, slots, { baby: 1, giant: 5 }).babies.length).toBe(32)
  })
})

describe('the work of a rotation', () => {
  const params = (ringDegree: number, primes: number, special: number, digitSize: number) =>
    createParams({
      scheme: 'ckks',
      ringDegree,
      modulusBits: new Array<number>(primes).fill(40),
      specialBits: new Array<number>(special).fill(40),
      digitSize,
      security: 'INSECURE',
    })

  test('counts the kernels: a baby has no transform, a giant those of one division and one decomposition', () => {
    // 2 primes, 1 special, 2 digits: 1 + 2 transforms to divide, 2 + 4 to decompose, at 60 operations each.
    const one = rotationWork(params(4096, 2, 1, 1), 1)
    expect(one.giant - one.baby).toBe(9 * 60)
    // An inner product of 2 digits, its reduction and the automorphism, for two parts of three limbs.
    expect(one.baby).toBe(3 * 2 * (2 * 3 + 8 + 3))
    // 15 primes, 5 special, digits of 5: 5 + 15 and 15 + 45 transforms at 75; 15 and 45 conversions from 5 primes.
    const many = rotationWork(params(32768, 15, 5, 5), 14)
    expect(many.giant - many.baby).toBe(80 * 75 + 60 * 5 * 7)
  })

  test('falls with the level', () => {
    const set = params(8192, 5, 1, 1)
    for (let level = 1; level < 5; level++) {
      const [low, high] = [rotationWork(set, level - 1), rotationWork(set, level)]
      expect(low.baby).toBeLessThan(high.baby)
      expect(low.giant).toBeLessThan(high.giant)
    }
  })
})

test('slots are a power of two: nothing else ends', () => {
  for (const slots of [-1, 0, 0.5, 3, Number.NaN, Infinity])
    expect(() => planLinear([0, 1], slots)).toThrow('"slots" expected a power of two')
  expect(() => planLinear([0.5], 8)).toThrow('"rotations[0]" expected an integer, got 0.5')
})
