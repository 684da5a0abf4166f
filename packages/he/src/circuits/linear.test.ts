import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodingBound, keySwitchBound } from '../rlwe/error-bound.ts'
import { createGaloisKeys } from '../rlwe/keygen.ts'
import { distance, Machine, type Values, values } from '../test-support/machine.ts'
import { Draw } from '../test-support/random.ts'
import { applyLinear, encodeLinear } from './linear.ts'
import { type LinearPlan, planLinear, planRotations } from './plan.ts'

const scale = 2 ** 40
const machine = new Machine(
  'wasm-fused',
  { scheme: 'ckks', ringDegree: 512, modulusBits: [50, 40, 40], specialBits: [50, 50], security: 'INSECURE' },
  scale,
)
const { ckks, secret, slots, n } = machine
const draw = new Draw('linear transforms')
const input = machine.encrypt(values(slots, draw.reals(slots), draw.reals(slots)))

type Diagonals = ReadonlyMap<number, Float64Array>

/** The matrix times the vector, row by row. */
function multiplyPlainly(diagonals: Diagonals, { re, im }: Values): Values {
  const out = values(slots, [])
  for (const [d, weights] of diagonals) {
    for (let row = 0; row < slots; row++) {
      out.re[row]! += weights[row]! * re[(row + d) % slots]!
      out.im[row]! += weights[row]! * im[(row + d) % slots]!
    }
  }
  return out
}

function apply(diagonals: Diagonals, plan: LinearPlan, level = 2) {
  const galois = createGaloisKeys(
    ckks,
    secret,
    planRotations(plan).map((steps) => ({ steps, level })),
  )
  using transform = encodeLinear(ckks, diagonals, plan, { level, scale })
  using low = ckks.dropLevel(input.ct, level)
  // The first time, the ring makes tables that it keeps.
  applyLinear(ckks, low, transform, { relinearisation: undefined, galois })[Symbol.dispose]()
  const before = ckks.ring.heap.used
  const ct = applyLinear(ckks, low, transform, { relinearisation: undefined, galois })
  expect(ckks.ring.heap.used - before, 'only the result is kept').toBe(ct.slab.bytes)
  for (const key of galois.values()) key[Symbol.dispose]()
  return ct
}

/** Each term: the noise of the rotated input times a weight up to 1, and the rounding of the weights; then one rotation a giant step. */
function bound(plan: LinearPlan, terms: number): number {
  const turn = keySwitchBound(ckks.params, 2) / scale
  const rounding = encodingBound(n) / scale
  return terms * ((input.error + turn) * (1 + rounding) + 1.5 * rounding) + plan.giants.length * turn
}

describe('a linear transform', () => {
  const random = (rotations: readonly number[]): Diagonals => new Map(rotations.map((r) => [r, draw.reals(slots)]))

  test('is the matrix, for any set of diagonals', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: slots - 1 }), { minLength: 1, maxLength: 24 }),
        (rotations) => {
          const diagonals = random(rotations)
          const plan = planLinear(rotations, slots)
          using ct = apply(diagonals, plan)
          expect(ct).toMatchObject({ level: 2, parts: 2, scale: scale * scale })
          expect(distance(machine.decrypt(ct), multiplyPlainly(diagonals, input))).toBeLessThan(
            bound(plan, rotations.length),
          )
        },
      ),
      { numRuns: 12 },
    )
  })

  test('is the same along any plan that reaches the diagonals', () => {
    const rotations = [0, 3, 5, 40, 200]
    const diagonals = random(rotations)
    const expected = multiplyPlainly(diagonals, input)
    for (const plan of [
      { babies: rotations, giants: [0] },
      { babies: [0], giants: rotations },
      // A rotation that can be reached in two ways is used once.
      { babies: [0, 1, 3, 5, 40], giants: [0, 2, 4, 160, 195, 200] },
    ]) {
      using ct = apply(diagonals, plan)
      expect(distance(machine.decrypt(ct), expected)).toBeLessThan(bound(plan, rotations.length))
    }
  })

  test('works at lower levels with keys of that level', () => {
    const diagonals = random([0, 1, 17])
    const plan = planLinear([0, 1, 17], slots)
    using ct = apply(diagonals, plan, 1)
    expect(ct.level).toBe(1)
    expect(distance(machine.decrypt(ct), multiplyPlainly(diagonals, input))).toBeLessThan(bound(plan, 3))
  })

  test('sums more terms than the kernel takes at once', () => {
    const wide = new Machine(
      'wasm-fused',
      { scheme: 'ckks', ringDegree: 1024, modulusBits: [50, 40], specialBits: [50], security: 'INSECURE' },
      2 ** 35,
    )
    const many = Array.from({ length: 300 }, (_, i) => i)
    const diagonals = new Map(many.map((r) => [r, draw.reals(wide.slots, 1 / 16)]))
    const plan = { babies: many, giants: [0] }
    const galois = createGaloisKeys(
      wide.ckks,
      wide.secret,
      planRotations(plan).map((steps) => ({ steps })),
    )
    using transform = encodeLinear(wide.ckks, diagonals, plan, { level: 1, scale: 2 ** 35 })
    const x = wide.encrypt(values(wide.slots, draw.reals(wide.slots)))
    using ct = applyLinear(wide.ckks, x.ct, transform, { relinearisation: undefined, galois })
    const expected = values(wide.slots, [])
    for (const [d, weights] of diagonals)
      for (let row = 0; row < wide.slots; row++) expected.re[row]! += weights[row]! * x.re[(row + d) % wide.slots]!
    const turn = keySwitchBound(wide.ckks.params, 1) / 2 ** 35
    expect(distance(wide.decrypt(ct), expected)).toBeLessThan(
      300 * ((x.error + turn) / 16 + encodingBound(wide.n) / 2 ** 35) + turn,
    )
  })

  test('asks for the keys of its babies and of the steps from giant to giant, and no others', () => {
    const asked = (plan: LinearPlan): number[] => planRotations(plan).sort((a, b) => a - b)
    expect(asked({ babies: [0, 1, 2], giants: [0, 4, 8, 12] })).toEqual([1, 2, 4])
    expect(asked({ babies: [0, 1], giants: [3, 9] })).toEqual([1, 3, 6])
    expect(asked({ babies: [0], giants: [0] })).toEqual([])
  })
})
