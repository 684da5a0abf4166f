import { requireArrayLike, requirePowerOfTwo } from '../base/require.ts'

/**
 * Where the vectors of a product with a matrix are.
 *
 * With S slots, ciphertext i of an input holds columns i*S … of the vector, ciphertext o of an output rows o*S …. A vector that fits one ciphertext is repeated
 * with a period, the power of two from its length on: slot s has element s modulo the period, zero behind the end. An output has the period of an
 * input of that length, so that products may follow each other.
 *
 * Where there is room for G = S / max(periods) copies of both, a *staggered* input needs 1/G of the diagonals (and log2 G rotations of the result):
 * copy g is rotated by g/G of the diagonals, so that each copy meets columns of its own. Only who encrypts can lay an input out like that;
 * outputs are never staggered.
 */
export interface MatrixLayout {
  /** S = N/2, a power of two from 1. */
  readonly slots: number
  /** Of the matrix, 1 or more. */
  readonly rows: number
  /** Of the matrix, 1 or more. */
  readonly columns: number
  /** Ciphertexts in: ⌈columns / S⌉, 1 or more. */
  readonly inputs: number
  /** Ciphertexts out: ⌈rows / S⌉, 1 or more. */
  readonly outputs: number
  /** Slots after which an input repeats: a power of two from 1 to S. */
  readonly inputPeriod: number
  /** Slots after which an output repeats: a power of two from 1 to S. */
  readonly outputPeriod: number
  /** Copies that differ: G of a staggered input, a power of two from 1 to the smaller period; otherwise 1. */
  readonly copies: number
  /** Generalised diagonals of a tile, 1 to S: rotations 0 … diagonals - 1 of the input meet every entry once. */
  readonly diagonals: number
  /** Column, within its tile, of slot s (0 to S - 1) of an input ciphertext: 0 to inputPeriod - 1; columns behind the matrix hold 0. */
  column(s: number): number
  /** Rotations, in slots, powers of two, that sum what the diagonals of a wide tile leave apart, in this order: out + rotate(out, fold). */
  readonly folds: readonly number[]
  /**
   * The S slots of each of the `inputs` ciphertexts for a vector of `columns` numbers.
   * @throws RangeError for another length; TypeError for what is no array.
   */
  arrange(vector: ArrayLike<number>): Float64Array[]
  /**
   * The product, `rows` numbers, from the S slots of each of the `outputs` ciphertexts.
   * @throws RangeError for another number of them; TypeError for what is no array.
   */
  collect(slots: readonly ArrayLike<number>[]): Float64Array
}

/**
 * The layout of a product with a rows × columns matrix on S = N/2 slots, staggered or not (default); see {@link MatrixLayout}.
 * @throws RangeError for rows or columns that are no integers from 1, and slots that are no power of two.
 */
export function matrixLayout(rows: number, columns: number, slots: number, staggered = false): MatrixLayout {
  requirePowerOfTwo('slots', slots)
  for (const [name, value] of [
    ['rows', rows],
    ['columns', columns],
  ] as const) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`"${name}" expected at least one, got ${String(value)}`)
  }
  const inputs = Math.ceil(columns / slots)
  const outputs = Math.ceil(rows / slots)
  const inputPeriod = Math.min(slots, powerOfTwo(columns))
  const outputPeriod = Math.min(slots, powerOfTwo(rows))
  const every = Math.min(inputPeriod, outputPeriod)
  const longest = Math.max(inputPeriod, outputPeriod)
  const copies = staggered ? Math.min(slots / longest, every) : 1
  const diagonals = every / copies
  const folds: number[] = []
  for (let width = every; width < inputPeriod; width *= 2) folds.push(width)
  for (let width = longest; width < copies * longest; width *= 2) folds.push(width)
  const column = (s: number): number => (s + (Math.floor(s / longest) % copies) * diagonals) % inputPeriod
  return {
    slots,
    rows,
    columns,
    inputs,
    outputs,
    inputPeriod,
    outputPeriod,
    copies,
    diagonals,
    column,
    folds,
    arrange(vector) {
      requireArrayLike('vector', 'an array of numbers', vector)
      if (vector.length !== columns)
        throw new RangeError(`"vector" expected ${columns} elements as the matrix has columns, got ${vector.length}`)
      return Array.from({ length: inputs }, (_, i) =>
        Float64Array.from({ length: slots }, (_, s) => vector[i * slots + column(s)] ?? 0),
      )
    },
    collect(values) {
      requireArrayLike('slots', 'the slots of every output ciphertext', values)
      if (values.length !== outputs)
        throw new RangeError(`"slots" expected those of ${outputs} ciphertexts, got ${values.length}`)
      return Float64Array.from({ length: rows }, (_, r) => values[Math.floor(r / slots)]![r % slots]!)
    },
  }
}

function powerOfTwo(value: number): number {
  let power = 1
  while (power < value) power *= 2
  return power
}
