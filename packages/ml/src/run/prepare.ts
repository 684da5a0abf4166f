import {
  type Ckks,
  type CombinationRow,
  createParams,
  createScope,
  encodeLinear,
  encodeWeights,
  GloveboxError,
  type LinearTransform,
  type Plaintext,
  type Scope,
  type Weights,
} from '@glovebox/he'
import type { Block } from '../layout/diagonals.ts'
import { repeat } from '../layout/layout.ts'
import type { PolynomialMap, RotationMap, ScalarMap } from '../layout/linear-map.ts'
import { integerStep } from '../program/integers.ts'
import { type Program, type ProgramStep, registersOf } from '../program/program.ts'
import { buildSparse, type SparseMatrix } from '../tensor/sparse.ts'
import { isBfv, requireCkks, type Scheme, type SchemeContext, schemeOf } from './scheme.ts'

/** A program with its weights encoded for a context. Dispose it to give the memory back. */
export interface Prepared extends Disposable {
  /** What was prepared. */
  readonly program: Program
  /** The context that its weights live in. */
  readonly scheme: Scheme
  /** By step; undefined for products and sums. */
  readonly weights: readonly (EncodedLinear | undefined)[]
}

/** The weights of a linear step as its packing needs them; `bias` has a plaintext for every ciphertext of the result, or none where it is 0. */
export type EncodedLinear = { readonly bias: readonly (Plaintext | undefined)[] } & (
  | { readonly kind: 'rotations'; readonly transforms: readonly LinearTransform[] }
  | { readonly kind: 'polynomials'; readonly weights: Weights }
  | { readonly kind: 'scalars'; readonly rows: readonly CombinationRow[]; readonly scale: number }
)

/** Encodes all weights once. The context must have the program's parameters, of CKKS or BFV. */
export function prepare(program: Program, context: SchemeContext): Prepared {
  const params = createParams(program.params)
  if (params.digest !== context.params.digest) {
    throw new GloveboxError(
      'parameters-mismatch',
      `the program "${program.name}" was compiled for other parameters than those of the context`,
    )
  }
  const registers = registersOf(program, params)
  const scheme = schemeOf(context)
  const weights: (EncodedLinear | undefined)[] = []
  const made = createScope()
  try {
    for (const step of program.steps) {
      weights.push(
        step.op === 'linear' ? encodeStep(scheme, program, step, registers[step.input]!.scale, made) : undefined,
      )
    }
  } catch (error) {
    made.dispose()
    throw error
  }
  return { program, scheme, weights, [Symbol.dispose]: () => made.dispose() }
}

type Linear = Extract<ProgramStep, { op: 'linear' }>

function encodeStep(
  scheme: Scheme,
  { encoding }: Program,
  step: Linear,
  inputScale: number,
  made: Scope,
): EncodedLinear {
  const { context } = scheme
  const exact = isBfv(context)
  const { level } = step
  // Of integers the scale is in the weights already.
  const scale = exact ? 1 : step.scale
  const { map, bias } = exact ? inIntegers(step, inputScale) : step
  const at = { level, scale: exact ? 1 : inputScale * scale }
  const plain = (values: Float64Array): Plaintext | undefined =>
    values.every((v) => v === 0) ? undefined : made.use(scheme.encode(values, at, encoding))
  if (map.kind === 'rotations') return rotations(requireCkks(context), map, bias, { level, scale }, plain, made)
  if (map.kind === 'polynomials') return polynomials(context, map, bias, { level, scale }, plain, made)
  // The same number in all samples.
  const places = encoding === 'slots' ? context.params.slots : context.ring.n
  const constants = Array.from({ length: map.matrix.rows }, (_, row) =>
    bias && bias[row] !== 0 ? plain(new Float64Array(places).fill(bias[row]!)) : undefined,
  )
  return { kind: 'scalars', rows: rowsOf(exact ? map.matrix : visible(map, scale)), scale, bias: constants }
}

function inIntegers(step: Linear, inputScale: number): Pick<Linear, 'map' | 'bias'> {
  const { matrix, bias } = integerStep(step, inputScale)
  return { map: step.map.kind === 'rotations' ? step.map : { ...step.map, matrix }, bias }
}

interface Form {
  readonly level: number
  readonly scale: number
}
type Encode = (values: Float64Array) => Plaintext | undefined

function rotations(
  ckks: Ckks,
  { diagonals, plan }: RotationMap,
  bias: Float64Array | undefined,
  form: Form,
  plain: Encode,
  made: Scope,
): EncodedLinear {
  const { slots } = ckks.params
  const tiny = ({ values }: Block): boolean => values.every((v) => v.every((w) => Math.abs(w) * form.scale < 0.5))
  const transforms = diagonals.blocks.map((block, k) => {
    const { to, offsets } = block
    // A ciphertext of nothing but zeros would hide nothing: the least weights there are, far below the rounding of others.
    const first = diagonals.blocks[k - 1]?.to !== to
    const nothing = first && diagonals.blocks.every((other) => other.to !== to || tiny(other))
    const values = nothing ? block.values.map((v) => new Float64Array(v.length).fill(1 / form.scale)) : block.values
    const full = new Map(offsets.map((offset, k) => [offset, repeat(values[k]!, slots)]))
    return made.use(encodeLinear(ckks, full, plan, form))
  })
  const all = bias && repeat(bias, slots)
  const parts = Array.from({ length: diagonals.targets }, (_, to) =>
    all ? plain(all.subarray(to * slots, (to + 1) * slots)) : undefined,
  )
  return { kind: 'rotations', transforms, bias: parts }
}

/** The polynomials of layout/linear-map.ts. */
function polynomials(
  context: SchemeContext,
  { matrix, chunk, perTile }: PolynomialMap,
  bias: Float64Array | undefined,
  form: Form,
  plain: Encode,
  made: Scope,
): EncodedLinear {
  const { n } = context.ring
  const inputs = Math.ceil(matrix.columns / chunk)
  const outputs = Math.ceil(matrix.rows / perTile)
  const rows: Float64Array[][] = Array.from({ length: outputs }, () =>
    Array.from({ length: inputs }, () => new Float64Array(n)),
  )
  const biases = Array.from({ length: outputs }, () => new Float64Array((perTile - 1) * chunk + 1))
  for (let j = 0; j < matrix.rows; j++) {
    const own = rows[Math.floor(j / perTile)]!
    const place = (j % perTile) * chunk
    for (let k = matrix.start[j]!; k < matrix.start[j + 1]!; k++) {
      const column = matrix.index[k]!
      const at = place - (column % chunk)
      own[Math.floor(column / chunk)]![at < 0 ? at + n : at]! += at < 0 ? -matrix.value[k]! : matrix.value[k]!
    }
    if (bias) biases[Math.floor(j / perTile)]![place] = bias[j]!
  }
  if (isBfv(context)) {
    // Exact: a sum of nothing stays one, and is hidden by the mask of its reply.
    const some = rows.map((row) => row.map((polynomial) => (polynomial.some((w) => w !== 0) ? polynomial : null)))
    const weights = made.use(context.encodeWeights(some, { of: 'coefficients', level: form.level }))
    return { kind: 'polynomials', weights, bias: biases.map(plain) }
  }
  const smallest = 1 / form.scale
  const present = rows.map((row) => {
    const some = row.map((polynomial) => (polynomial.some((v) => Math.abs(v) >= smallest / 2) ? polynomial : null))
    // A sum of nothing would be no ciphertext: the least weight there is, at a coefficient that is not read or does no harm.
    return some.every((polynomial) => polynomial === null) ? [Float64Array.of(smallest), ...some.slice(1)] : some
  })
  const weights = made.use(encodeWeights(context, present, form))
  return { kind: 'polynomials', weights, bias: biases.map(plain) }
}

function rowsOf({ rows, start, index, value }: SparseMatrix): CombinationRow[] {
  return Array.from({ length: rows }, (_, row) => ({
    indices: index.subarray(start[row]!, start[row + 1]!),
    values: value.subarray(start[row]!, start[row + 1]!),
  }))
}

/** Rows that round to nothing get the least weight there is, as a sum of nothing would be no ciphertext. */
function visible({ matrix }: ScalarMap, scale: number): SparseMatrix {
  const { start, index, value, rows, columns } = matrix
  const empty = (row: number): boolean =>
    value.subarray(start[row]!, start[row + 1]!).every((w) => Math.abs(w) * scale < 0.5)
  if (!Array.from({ length: rows }, (_, row) => row).some(empty)) return matrix
  return buildSparse(rows, columns, (row, add) => {
    for (let k = start[row]!; k < start[row + 1]!; k++) add(index[k]!, value[k]!)
    if (empty(row)) add(start[row]! < start[row + 1]! ? index[start[row]!]! : 0, 1 / scale)
  })
}
