import { requireArray, requireArrayLike, requireContext, requireObject } from '../base/require.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, type Plaintext, requireLevel, requireRing, requireScale } from '../rlwe/ciphertext.ts'
import type { EvaluationKeys } from '../rlwe/keys.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import { tracedFunction } from '../schemes/trace.ts'
import { applyTerms, isStill, requireKeys } from './double-hoisting.ts'
import { type MatrixLayout, matrixLayout } from './matrix-layout.ts'
import { type LinearPlan, planLinear, planRotations, type RotationWork, rotationWork } from './plan.ts'
import type { Term } from './weighted-sums.ts'

/** A real matrix of any size with its weights encoded, for vectors laid out as `layout` says. Dispose it to give the memory back. */
export interface MatrixTransform extends Disposable {
  /** The ring of its context. */
  readonly ring: Ring
  /** Of the ciphertexts that it is applied to, 0 to `params.maxLevel`. */
  readonly level: number
  /** Of the weights, at least 1: the scale of a result is that of the ciphertext times it. */
  readonly scale: number
  /** Where the vectors lie before and after. */
  readonly layout: MatrixLayout
  /** The split into babies and giants, one for all tiles. */
  readonly plan: LinearPlan
  /** Rotation steps, in slots from 1 to N/2 - 1, that it needs Galois keys for, at its level. */
  readonly rotations: readonly number[]
  /** Weights by output ciphertext, by giant of the plan: each for a baby of an input. */
  readonly terms: readonly (readonly (readonly Term[])[])[]
}

/** Where and how a matrix is encoded. */
export interface MatrixOptions {
  /** Of the ciphertexts that it will be applied to, 0 to `params.maxLevel`. */
  readonly level: number
  /** Of the weights, from 1 to half the modulus of the level; the prime of the level leaves a ciphertext at its scale when it is rescaled afterwards. */
  readonly scale: number
  /** Prices that choose between babies and giants; default: `rotationWork` at the level. */
  readonly work?: RotationWork
  /** Whether inputs are laid out in staggered copies, which saves diagonals where the ring has room; default: false. See {@link MatrixLayout}. */
  readonly staggered?: boolean
}

function encode(
  context: { readonly ring: Ring },
  rows: readonly ArrayLike<number>[],
  options: MatrixOptions,
): MatrixTransform {
  requireContext('context', context)
  requireArray('rows', 'an array of rows', rows)
  requireObject('options', '{ level, scale }', options)
  const { ring } = context
  const { level, scale } = options
  requireLevel(ring, level)
  requireScale(ring, level, scale)
  const slots = ring.n / 2
  const columns = rows[0]?.length ?? 0
  rows.forEach((row, r) => {
    requireArrayLike(`rows[${r}]`, 'an array of numbers', row)
    if (row.length !== columns)
      throw new RangeError(`"rows[${r}]" expected ${columns} entries as the first row has, got ${row.length}`)
  })
  const layout = matrixLayout(rows.length, columns, slots, options.staggered)
  const tiles = layout.outputs * layout.inputs
  const present = Array.from({ length: tiles }, (_, t) => tileDiagonals(rows, layout, t))
  const wanted = [...new Set(present.flat())]
  const plan =
    wanted.length === 0
      ? { babies: [0], giants: [0] }
      : planLinear(wanted, slots, options.work ?? rotationWork(ring.params, level))
  const special = !isStill(plan) || layout.folds.length > 0
  const made: Plaintext[] = []
  const dispose = (): void => {
    for (const plaintext of made) plaintext[Symbol.dispose]()
  }
  const weights = new Float64Array(slots)
  try {
    const terms = Array.from({ length: layout.outputs }, (_, output) =>
      plan.giants.map((giant) => {
        const list: Term[] = []
        for (let input = 0; input < layout.inputs; input++) {
          const here = new Set(present[output * layout.inputs + input]!)
          plan.babies.forEach((steps, baby) => {
            if (!here.has(giant + steps)) return
            // Rotated back by the giant, as it comes after the product.
            for (let s = 0; s < slots; s++)
              weights[(s + giant) % slots] = entryAt(rows, layout, output, input, s, giant + steps)
            const encoded = encodeSlots(ring, weights, level, scale, special)
            made.push(encoded)
            list.push({ input, baby, weights: encoded })
          })
        }
        return list
      }),
    )
    const rotations = [...new Set([...planRotations(plan), ...layout.folds])]
    return { ring, level, scale, layout, plan, rotations, terms, [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/**
 * Encodes a real matrix given by its rows, at least one, all of one length from 1. Diagonals of zeros are left out; a wide one keeps as few diagonals as it
 * has rows (up to a power of two) and is folded; what is larger than N/2 slots is cut into tiles, one ciphertext each. The layouts of vectors are those of
 * {@link matrixLayout}. Diagonals: Halevi and Shoup 2014 (eprint 2014/106).
 * @throws RangeError for no rows, rows of different lengths, entries that are not finite or do not fit the modulus, a level or scale out of range;
 * GloveboxError `scale-mismatch` for a scale above half the modulus; TypeError for what is no context or array of rows.
 */
export const encodeMatrix: typeof encode = tracedFunction('circuits', 'encodeMatrix', encode)

/** The matrix entry that meets slot s + d of an input in slot s of an output; 0 outside the matrix. */
function entryAt(
  rows: readonly ArrayLike<number>[],
  { slots, rows: height, columns, outputPeriod, column }: MatrixLayout,
  output: number,
  input: number,
  s: number,
  d: number,
): number {
  const row = output * slots + (s % outputPeriod)
  const at = input * slots + column((s + d) % slots)
  return row < height && at < columns ? rows[row]![at]! : 0
}

/** The diagonals of a tile that are not all zeros. */
function tileDiagonals(rows: readonly ArrayLike<number>[], layout: MatrixLayout, tile: number): number[] {
  const { inputs, slots, rows: height, columns, inputPeriod, diagonals } = layout
  const [output, input] = [Math.floor(tile / inputs), tile % inputs]
  const found = new Set<number>()
  for (let row = output * slots; row < Math.min(height, (output + 1) * slots); row++) {
    for (let column = input * slots; column < Math.min(columns, (input + 1) * slots); column++) {
      const value = rows[row]![column]!
      if (!Number.isFinite(value))
        throw new RangeError(`"rows[${row}][${column}]" expected a finite number, got ${value}`)
      if (value !== 0) found.add(((((column - row) % inputPeriod) + inputPeriod) % inputPeriod) % diagonals)
    }
  }
  return [...found]
}

/** Refuses what encodeMatrix did not make. */
export function requireMatrix(ring: Ring, matrix: MatrixTransform): void {
  requireRing(ring, 'matrix', matrix)
  if (matrix.layout === undefined) throw new TypeError('"matrix" expected what encodeMatrix makes, got another object')
}

function apply(
  context: { readonly ring: Ring },
  inputs: readonly Ciphertext[],
  matrix: MatrixTransform,
  keys: EvaluationKeys,
): Ciphertext[] {
  requireContext('context', context)
  const { ring } = context
  requireArray('inputs', 'an array of ciphertexts', inputs)
  requireMatrix(ring, matrix)
  requireKeys(keys)
  const { layout, level, scale, plan, terms } = matrix
  if (inputs.length !== layout.inputs)
    throw new RangeError(
      `"inputs" expected ${layout.inputs} ciphertexts for ${layout.columns} columns, got ${inputs.length}`,
    )
  const name = (i: number): string => `inputs[${i}]`
  return applyTerms(ring, inputs, terms, plan, { level, scale, folds: layout.folds, name }, keys)
}

/**
 * The matrix times the vector in `inputs`, as many ciphertexts as `layout.inputs`, all at the matrix's level and of one scale; the results are
 * `layout.outputs` ciphertexts. Scales multiply, nothing is rescaled. Every input is decomposed once, every output divided by P once. Needs the Galois keys
 * of `matrix.rotations`.
 * @throws RangeError for another number of inputs; GloveboxError `level-exhausted`, `missing-key`, `scale-mismatch` (also among inputs), `unsupported`,
 * `parameters-mismatch` and TypeError as {@link applyLinear}.
 */
export const applyMatrix: typeof apply = tracedFunction('circuits', 'applyMatrix', apply)
