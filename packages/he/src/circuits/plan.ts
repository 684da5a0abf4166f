import { requireArray, requireObject, requirePowerOfTwo } from '../base/require.ts'
import type { Params } from '../params/params.ts'

/** A baby-step giant-step split: every rotation is one giant plus one baby, modulo the number of slots S. Both ascending, without duplicates. */
export interface LinearPlan {
  /** Rotations of the input, in slots, 0 to S - 1: inner products with a key only, as one decomposition serves all. */
  readonly babies: readonly number[]
  /** Rotations of partial sums, in slots, 0 to S - 1: each a key switch of its own. */
  readonly giants: readonly number[]
}

/** The price of one rotation of each kind, in any unit. */
export interface RotationWork {
  /** A rotation of the input, an inner product with a key: 0 or more. */
  readonly baby: number
  /** A rotation of a partial sum, a whole key switch: 0 or more, in the unit of `baby`. */
  readonly giant: number
}

/** Where the parameters are not known yet; between N = 4096 with two primes (4) and N = 32768 with fifteen (7). */
const usualWork: RotationWork = { baby: 1, giant: 5 }

/** A pass over one limb in units of a vector operation, each as measured beside the transform. */
const pass = { product: 3, settle: 8, permute: 3, combine: 5 }

/**
 * Kernel work of double-hoisted rotations at a level from 0 to `params.maxLevel`, in vector operations a residue, counted from the kernels that run. A baby
 * is an inner product with its key over QP; a giant divides one part by P, decomposes it and then does the same.
 * @throws RangeError for another level; TypeError for what are no checked parameters.
 */
export function rotationWork(params: Params, level: number): RotationWork {
  requireObject('params', 'checked parameters', params)
  requireArray('params.special', 'an array of primes', params.special)
  const { special, digitSize, logN, maxLevel } = params
  if (!Number.isInteger(level) || level < 0 || level > maxLevel)
    throw new RangeError(`"level" expected an integer from 0 to ${maxLevel}, got ${String(level)}`)
  const k = special.length
  const digits = Math.ceil((level + 1) / digitSize)
  const limbs = level + 1 + k
  // A butterfly is 8 operations for two residues, at the price of 10 with its loads and stores.
  const transform = 5 * logN
  const convert = (primes: number): number => transform + (primes > 1 ? pass.combine * (primes + 2) : 0)
  const baby = limbs * 2 * (digits * pass.product + pass.settle + pass.permute)
  const divide = k * transform + (level + 1) * convert(k)
  const raised = Array.from({ length: digits }, (_, d) => Math.min(digitSize, level + 1 - d * digitSize))
  const decompose =
    (level + 1) * transform + raised.reduce((sum, primes) => sum + (limbs - primes) * convert(primes), 0)
  return { baby, giant: divide + decompose + baby }
}

/**
 * Splits a set of rotations, any integers modulo `slots` (a power of two), so that babies and giants are cheapest together; none of each for an empty set.
 * Works on multiples of a common stride, so block-structured matrices keep few rotations. Default work: a giant costs 5 babies. Halevi and Shoup 2018
 * (eprint 2018/244), section 4; with babies that are inner products only, Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021 (eprint 2020/1203), section
 * 4.3.
 * @throws TypeError for rotations that are no array of integers, and work that is no object; RangeError for slots that are no power of two, and negative
 * prices.
 */
export function planLinear(rotations: readonly number[], slots: number, work: RotationWork = usualWork): LinearPlan {
  requireArray('rotations', 'an array of integers', rotations)
  rotations.forEach((r, i) => {
    if (!Number.isInteger(r)) throw new TypeError(`"rotations[${i}]" expected an integer, got ${String(r)}`)
  })
  requirePowerOfTwo('slots', slots)
  requireObject('work', '{ baby, giant }', work)
  if (!(work.baby >= 0 && work.giant >= 0))
    throw new RangeError(`"work" expected prices from 0, got ${String(work.baby)} and ${String(work.giant)}`)
  const wanted = [...new Set(rotations.map((r) => ((r % slots) + slots) % slots))].sort((a, b) => a - b)
  if (wanted.length === 0) return { babies: [], giants: [] }
  let stride = slots
  for (const r of wanted) stride = gcd(stride, r)
  let best: LinearPlan | undefined
  let bestCost = Infinity
  for (let width = stride; width <= slots; width *= 2) {
    const babies = [...new Set(wanted.map((r) => r % width))].sort((a, b) => a - b)
    const giants = [...new Set(wanted.map((r) => r - (r % width)))].sort((a, b) => a - b)
    const cost = planWork({ babies, giants }, work)
    if (cost < bestCost) [best, bestCost] = [{ babies, giants }, cost]
  }
  return best!
}

/** The price of a plan's rotations; a rotation by 0 is free. */
export function planWork({ babies, giants }: LinearPlan, work: RotationWork = usualWork): number {
  const turns = (steps: readonly number[]): number => steps.filter((s) => s !== 0).length
  return work.baby * turns(babies) + work.giant * turns(giants)
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/**
 * Rotation steps, in slots, that a plan asks keys for: its babies and the differences of its giants, without 0 and duplicates.
 * @throws TypeError for what planLinear did not make.
 */
export function planRotations(plan: LinearPlan): number[] {
  requirePlan(plan)
  const { babies, giants } = plan
  const differences = giants.map((steps, g) => steps - (giants[g - 1] ?? 0))
  return [...new Set([...babies, ...differences])].filter((steps) => steps !== 0)
}

/** Refuses what planLinear did not make. */
export function requirePlan(plan: LinearPlan): void {
  requireObject('plan', 'what planLinear makes', plan)
  requireArray('plan.babies', 'an array of rotations', plan.babies)
  requireArray('plan.giants', 'an array of rotations', plan.giants)
}
