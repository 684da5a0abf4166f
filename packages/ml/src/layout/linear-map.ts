import type { LinearPlan } from '@glovebox/he'
import { multiplyVector, type SparseMatrix } from '../tensor/sparse.ts'
import type { Diagonals } from './diagonals.ts'

/** A matrix as one packing computes it. */
export type LinearMap = RotationMap | ScalarMap | PolynomialMap

/** Slots: products with diagonals, and rotations. */
export interface RotationMap {
  readonly kind: 'rotations'
  readonly diagonals: Diagonals
  readonly plan: LinearPlan
}
/** Batch: every ciphertext of the result is a sum of those of the input times numbers. */
export interface ScalarMap {
  readonly kind: 'scalars'
  readonly matrix: SparseMatrix
}
/**
 * Coefficient: tile c of the input, elements x_i at the coefficients X^i, times the polynomial with weight w_(j,i) at X^(j' · chunk - i), where j' is the place of output j
 * in its tile, has the inner product at X^(j' · chunk), since X^N = -1 and rows do not reach each other's place. Products add up over c.
 */
export interface PolynomialMap {
  readonly kind: 'polynomials'
  readonly matrix: SparseMatrix
  /** Elements of a tile of the input, and the distance of outputs in a tile of the result. */
  readonly chunk: number
  /** Outputs of a tile: at most N / chunk. */
  readonly perTile: number
}

/** The map on all tiles of a register, one after the other; with `squared`, the map of its squared weights, which maps independent variances. */
export function applyMap(
  map: LinearMap,
  x: Float64Array,
  { squared = false, keep }: { readonly squared?: boolean; readonly keep?: (offset: number) => boolean } = {},
): Float64Array {
  if (map.kind === 'rotations') return applyDiagonals(map, x, squared, keep)
  const { matrix } = map
  const weights = squared ? { ...matrix, value: matrix.value.map((w) => w * w) } : matrix
  return multiplyVector(weights, x)
}

function applyDiagonals(
  { diagonals: { sources, targets, blocks, period, folds } }: RotationMap,
  x: Float64Array,
  squared: boolean,
  keep: ((offset: number) => boolean) | undefined,
): Float64Array {
  const slots = x.length / sources
  const out = new Float64Array(slots * targets)
  const mask = slots - 1
  for (const { from, to, offsets, values } of blocks) {
    const source = x.subarray(from * slots, (from + 1) * slots)
    const target = out.subarray(to * slots, (to + 1) * slots)
    offsets.forEach((offset, k) => {
      if (keep && !keep(offset)) return
      const weights = squared ? values[k]!.map((w) => w * w) : values[k]!
      for (let s = 0; s < slots; s++) target[s]! += weights[s & (period - 1)]! * source[(s + offset) & mask]!
    })
  }
  for (let t = 0; t < out.length; t += slots) out.set(folded(out.subarray(t, t + slots), folds), t)
  return out
}

/** out[s] = x[s + steps mod length], as a rotated ciphertext has it. The length is a power of two. */
export function rotated(x: Float64Array, steps: number): Float64Array {
  const out = new Float64Array(x.length)
  const first = steps & (x.length - 1)
  out.set(x.subarray(first))
  out.set(x.subarray(0, first), x.length - first)
  return out
}

export function folded(x: Float64Array, folds: readonly number[]): Float64Array {
  return folds.reduce((sum, fold) => {
    const other = rotated(sum, fold)
    return sum.map((v, s) => v + other[s]!)
  }, x)
}

/** The largest |weight|; 0 where there is none. */
export function largestWeight(map: LinearMap): number {
  const arrays = map.kind === 'rotations' ? map.diagonals.blocks.flatMap(({ values }) => values) : [map.matrix.value]
  let largest = 0
  for (const values of arrays) for (const v of values) largest = Math.max(largest, Math.abs(v))
  return largest
}

/** How a plan makes a rotation: the first pair of giant and baby that fits, in the order that they are encoded in. */
export function splitOffset(plan: LinearPlan, offset: number, slots: number): { giant: number; baby: number } {
  for (const giant of plan.giants) {
    for (const baby of plan.babies) if ((giant + baby) % slots === offset) return { giant, baby }
  }
  throw new RangeError(`"plan" has no baby and giant for rotation ${offset}`)
}
