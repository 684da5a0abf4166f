import type { SparseMatrix } from '../tensor/sparse.ts'
import { type Layout, placesOf } from './layout.ts'

/**
 * A matrix between two layouts of slots as rotations. Tile t of the result is
 * z[s] = sum over blocks to t, and over k, of values[k][s mod period] · x_from[s + offsets[k]], and then for every fold f in turn z[s] += z[s + f].
 */
export interface Diagonals {
  /** Tiles of the input and of the result. */
  readonly sources: number
  readonly targets: number
  readonly period: number
  /** By target tile, then by source; only blocks with a weight in them exist. */
  readonly blocks: readonly Block[]
  readonly folds: readonly number[]
}

/** What one tile of the input gives to one tile of the result. Offsets ascend; only diagonals with a weight in them exist. */
export interface Block {
  readonly to: number
  readonly from: number
  readonly offsets: readonly number[]
  readonly values: readonly Float64Array[]
}

/** All offsets of all blocks, ascending. */
export function offsetsOf({ blocks }: Diagonals): number[] {
  return [...new Set(blocks.flatMap(({ offsets }) => offsets))].sort((a, b) => a - b)
}

/**
 * Lays a matrix out. With D the smaller of the two periods, the weight of output o and input i goes on a diagonal d ≡ slot(i) − slot(o) modulo D.
 * Where the output's period is the smaller one, its slots hold partial sums, one for every residue of the input, which the folds add up.
 * An output element that sits in several slots is computed in all of them. An input element that does is read from the one whose diagonal is used most, so that there are few diagonals.
 */
export function diagonalise(matrix: SparseMatrix, input: Layout, output: Layout): Diagonals {
  const depth = Math.min(input.period, output.period)
  const period = Math.max(input.period, output.period)
  const { start, places } = placesOf(input)
  const targets = placesOf(output)
  const offsetOf = (from: number, to: number): number => ((from % input.period) - (to % output.period) + period) % depth
  /** Visits the weights once for every slot of their output. */
  const forSlots = (visit: (to: number, column: number, weight: number) => void): void =>
    forWeights(matrix, (row, column, weight) => {
      for (let k = targets.start[row]!; k < targets.start[row + 1]!; k++) visit(targets.places[k]!, column, weight)
    })
  const popularity = new Float64Array(depth)
  forSlots((to, column) => {
    for (let k = start[column]!; k < start[column + 1]!; k++) popularity[offsetOf(places[k]!, to)]!++
  })
  const found = new Map<number, Map<number, Float64Array>>()
  forSlots((to, column, weight) => {
    let from = -1
    for (let k = start[column]!; k < start[column + 1]!; k++) {
      if (from < 0 || popularity[offsetOf(places[k]!, to)]! > popularity[offsetOf(from, to)]!) from = places[k]!
    }
    const offset = offsetOf(from, to)
    const block = Math.floor(to / output.period) * input.tiles + Math.floor(from / input.period)
    const diagonals = found.get(block) ?? new Map<number, Float64Array>()
    found.set(block, diagonals)
    const values = diagonals.get(offset) ?? new Float64Array(period)
    diagonals.set(offset, values)
    const slot =
      output.period <= input.period ? ((from % input.period) - offset + period) % input.period : to % output.period
    values[slot]! += weight
  })
  // A tile without weights still is a result: one diagonal of zeros.
  for (let to = 0; to < output.tiles; to++) {
    const blocks = Array.from({ length: input.tiles }, (_, from) => to * input.tiles + from)
    if (!blocks.some((block) => found.has(block))) found.set(blocks[0]!, new Map([[0, new Float64Array(period)]]))
  }
  const blocks = [...found]
    .sort(([a], [b]) => a - b)
    .map(([block, diagonals]): Block => {
      const offsets = [...diagonals.keys()].sort((a, b) => a - b)
      return {
        to: Math.floor(block / input.tiles),
        from: block % input.tiles,
        offsets,
        values: offsets.map((offset) => diagonals.get(offset)!),
      }
    })
  const folds: number[] = []
  for (let fold = output.period; fold < input.period; fold *= 2) folds.push(fold)
  return { sources: input.tiles, targets: output.tiles, period, blocks, folds }
}

/** Visits the entries that are not 0. */
function forWeights(matrix: SparseMatrix, visit: (row: number, column: number, weight: number) => void): void {
  for (let row = 0; row < matrix.rows; row++) {
    for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++) {
      if (matrix.value[k] !== 0) visit(row, matrix.index[k]!, matrix.value[k]!)
    }
  }
}
