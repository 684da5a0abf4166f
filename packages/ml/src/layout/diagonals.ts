import type { SparseMatrix } from '../tensor/sparse.ts'
import { type Layout, slotsOf } from './layout.ts'

/**
 * A matrix between two layouts as rotations: z[s] = sum over k of values[k][s mod period] · x[s + offsets[k]], then for every fold f in turn z[s] += z[s + f].
 * Offsets ascend; only diagonals with a weight in them exist.
 */
export interface Diagonals {
  readonly period: number
  readonly offsets: readonly number[]
  readonly values: readonly Float64Array[]
  readonly folds: readonly number[]
}

/**
 * Lays a matrix out. With D the smaller of the two periods, the weight of output o and input i goes on a diagonal d ≡ slot(i) − slot(o) modulo D.
 * Where the output's period is the smaller one, its slots hold partial sums, one for every residue of the input, which the folds add up.
 * An output element that sits in several slots is computed in all of them. An input element that does is read from the one whose diagonal is used most, so that there are few diagonals.
 */
export function diagonalise(matrix: SparseMatrix, input: Layout, output: Layout): Diagonals {
  const depth = Math.min(input.period, output.period)
  const period = Math.max(input.period, output.period)
  const { start, slots } = slotsOf(input)
  const targets = slotsOf(output)
  const offsetOf = (from: number, to: number): number => (from - to + period) % depth
  /** Visits the weights once for every slot of their output. */
  const forSlots = (visit: (to: number, column: number, weight: number) => void): void =>
    forWeights(matrix, (row, column, weight) => {
      for (let k = targets.start[row]!; k < targets.start[row + 1]!; k++) visit(targets.slots[k]!, column, weight)
    })
  const popularity = new Float64Array(depth)
  forSlots((to, column) => {
    for (let k = start[column]!; k < start[column + 1]!; k++) popularity[offsetOf(slots[k]!, to)]!++
  })
  const found = new Map<number, Float64Array>()
  forSlots((to, column, weight) => {
    let from = -1
    for (let k = start[column]!; k < start[column + 1]!; k++) {
      if (from < 0 || popularity[offsetOf(slots[k]!, to)]! > popularity[offsetOf(from, to)]!) from = slots[k]!
    }
    const offset = offsetOf(from, to)
    let values = found.get(offset)
    if (values === undefined) {
      values = new Float64Array(period)
      found.set(offset, values)
    }
    const slot = output.period <= input.period ? (from - offset + period) % input.period : to
    values[slot]! += weight
  })
  // A map without weights still is a layer: one diagonal of zeros.
  if (found.size === 0) found.set(0, new Float64Array(period))
  const offsets = [...found.keys()].sort((a, b) => a - b)
  const folds: number[] = []
  for (let fold = output.period; fold < input.period; fold *= 2) folds.push(fold)
  return { period, offsets, values: offsets.map((offset) => found.get(offset)!), folds }
}

/** Visits the entries that are not 0. */
function forWeights(matrix: SparseMatrix, visit: (row: number, column: number, weight: number) => void): void {
  for (let row = 0; row < matrix.rows; row++) {
    for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++) {
      if (matrix.value[k] !== 0) visit(row, matrix.index[k]!, matrix.value[k]!)
    }
  }
}
