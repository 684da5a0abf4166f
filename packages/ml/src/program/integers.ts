import type { SparseMatrix } from '../tensor/sparse.ts'
import type { IntegerInput, ProgramStep } from './program.ts'

// Programs in BFV compute with integers: inputs times their scale and weights times theirs, rounded; an output is an integer over both scales.

type Linear = Extract<ProgramStep, { op: 'linear' }>

/** An affine map on integers; no bias where it is 0. */
export interface IntegerMap {
  readonly matrix: SparseMatrix
  readonly bias: Float64Array | undefined
}

/** Numbers as integers: round(number · scale), without the sign of 0. */
export function integersOf(values: Float64Array, scale: number): Float64Array {
  return values.map((v) => Math.round(v * scale) || 0)
}

/** What rounding to float32 leaves of a multiple, with some room. */
export const multipleTolerance: number = 2 ** -20

/** Whether a number is a multiple of 1 / scale, but for rounding. */
export function isMultiple(value: number, scale: number): boolean {
  const scaled = value * scale
  return Math.abs(scaled - Math.round(scaled)) <= multipleTolerance * Math.max(1, Math.abs(scaled))
}

/** The affine map on integers that a linear step is; `inputScale` is that of what it reads. */
export function integerStep(
  { map, bias, scale }: Pick<Linear, 'map' | 'bias' | 'scale'>,
  inputScale: number,
): IntegerMap {
  if (map.kind === 'rotations') throw new Error('internal error: integers have no rotations')
  const { matrix } = map
  return {
    matrix: { ...matrix, value: integersOf(matrix.value, scale) },
    bias: bias && integersOf(bias, inputScale * scale),
  }
}

/** The integers that inputs in a range become. */
export function integerRange({ low, high }: Pick<IntegerInput, 'low' | 'high'>, scale: number): [number, number] {
  return [Math.round(low * scale), Math.round(high * scale)]
}

/** The largest |Σ w x + b| of all rows, for any x from low to high. */
export function largestResult(
  { rows, start, value }: SparseMatrix,
  bias: Float64Array | undefined,
  [low, high]: readonly [number, number],
): number {
  let largest = 0
  for (let row = 0; row < rows; row++) {
    let [least, most] = [bias?.[row] ?? 0, bias?.[row] ?? 0]
    for (let k = start[row]!; k < start[row + 1]!; k++) {
      const w = value[k]!
      least += w * (w > 0 ? low : high)
      most += w * (w > 0 ? high : low)
    }
    largest = Math.max(largest, Math.abs(least), Math.abs(most))
  }
  return largest
}
