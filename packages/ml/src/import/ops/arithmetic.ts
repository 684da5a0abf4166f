import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, broadcastShape, sizeOf, type Tensor } from '../../tensor/tensor.ts'
import { constant, type Operand, type Variable } from '../operand.ts'
import {
  input,
  intAttribute,
  pushAffine,
  pushBinary,
  refuse,
  requireAlike,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'

type Arithmetic = 'add' | 'sub' | 'mul' | 'div'

const plain: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
}

const notPolynomial = 'division by a value that depends on the input is not polynomial'

function binary(arithmetic: Arithmetic): Translation {
  return {
    // Both are of operator sets before 7.
    attributes: ['axis', 'broadcast'],
    folds: true,
    ...(arithmetic !== 'div' && { elements: 'whole' }),
    translate: (site) => combine(site, arithmetic, input(site, 0), legacyShape(site, input(site, 1))),
  }
}

export const add: Translation = binary('add')
export const sub: Translation = binary('sub')
export const mul: Translation = binary('mul')
export const div: Translation = binary('div')

/** Before operator set 7, `axis` said where the second shape begins in the first. */
function legacyShape(site: Site, b: Operand): Operand {
  const a = input(site, 0)
  if (!site.attributes.has('axis') || b.kind !== 'constant' || a.kind === 'absent') return b
  const rank = a.kind === 'constant' ? a.tensor.shape.length : a.shape.length
  const axis = intAttribute(site, 'axis', 0)
  const behind = rank - (axis < 0 ? axis + rank : axis) - b.tensor.shape.length
  if (!(behind >= 0 && behind <= rank)) throw wrong(site, `attribute "axis" = ${axis} does not fit rank ${rank}`)
  return { ...b, tensor: { ...b.tensor, shape: [...b.tensor.shape, ...new Array<number>(behind).fill(1)] } }
}

/** Of constants and variables in any order. */
export function combine(site: Site, arithmetic: Arithmetic, a: Operand, b: Operand): Operand {
  if (a.kind === 'constant' && b.kind === 'constant') {
    // Integers divide towards 0.
    const whole = arithmetic === 'div' && a.type.kind !== 'float'
    if (arithmetic === 'div' && b.tensor.data.includes(0)) throw wrong(site, 'it divides by 0')
    const f = plain[arithmetic]
    const tensor = fold(site, a.tensor, b.tensor, whole ? (x, y) => Math.trunc(x / y) : f)
    return { ...a, tensor }
  }
  if (a.kind === 'variable' && b.kind === 'variable') return combineVariables(site, arithmetic, a, b)
  if (a.kind === 'variable' && b.kind === 'constant') return withConstant(site, arithmetic, a, b.tensor, false)
  if (a.kind === 'constant' && b.kind === 'variable') return withConstant(site, arithmetic, b, a.tensor, true)
  throw wrong(site, 'expected two inputs')
}

function fold(site: Site, a: Tensor, b: Tensor, f: (a: number, b: number) => number): Tensor {
  const shape = broadcastShape(a.shape, b.shape)
  if (!shape) throw wrong(site, `shapes [${a.shape}] and [${b.shape}] do not fit`)
  requireShape(site, shape)
  const j = broadcastIndex(b.shape, shape)
  const data = Float64Array.from(broadcastIndex(a.shape, shape), (i, k) => f(a.data[i]!, b.data[j[k]!]!))
  return { shape, data }
}

/** The shape that x takes, and for each of its elements the one of x. */
function spread(site: Site, x: readonly number[], other: readonly number[]): { shape: number[]; picks: Int32Array } {
  const shape = broadcastShape(x, other)
  if (!shape) throw wrong(site, `shapes [${x}] and [${other}] do not fit`)
  requireShape(site, shape)
  return { shape, picks: broadcastIndex(x, shape) }
}

/** x with the constant, or the constant with x; each element of x · factor + bias. */
export function withConstant(
  site: Site,
  arithmetic: Arithmetic,
  x: Variable,
  tensor: Tensor,
  constantFirst: boolean,
): Variable {
  requireAlike(site, tensor.shape, x.shape)
  const { shape, picks } = spread(site, x.shape, tensor.shape)
  const values = Float64Array.from(broadcastIndex(tensor.shape, shape), (i) => tensor.data[i]!)
  if (arithmetic === 'div' && constantFirst) throw refuse(site, notPolynomial)
  if (arithmetic === 'div' && values.includes(0)) throw wrong(site, 'it divides by 0')
  const factor = (i: number): number => {
    if (arithmetic === 'mul') return values[i]!
    if (arithmetic === 'div') return 1 / values[i]!
    return arithmetic === 'sub' && constantFirst ? -1 : 1
  }
  const matrix = pickMatrix(picks, sizeOf(x.shape), factor)
  if (arithmetic === 'mul' || arithmetic === 'div') return pushAffine(site, x, affine(matrix), shape)
  const bias = arithmetic === 'sub' && !constantFirst ? values.map((v) => -v) : values
  return pushAffine(site, x, affine(matrix, bias), shape)
}

function combineVariables(site: Site, arithmetic: Arithmetic, a: Variable, b: Variable): Variable {
  if (arithmetic === 'div') throw refuse(site, notPolynomial)
  if (site.batched && a.shape.length !== b.shape.length) {
    throw refuse(site, `shapes [${a.shape}] and [${b.shape}] have different ranks, so the batch axes do not align`)
  }
  const expand = (x: Variable, other: Variable, sign: number): Variable => {
    const { shape, picks } = spread(site, x.shape, other.shape)
    if (sign === 1 && shape.join() === x.shape.join()) return x
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape), () => sign)), shape)
  }
  return pushBinary(
    site,
    arithmetic === 'mul' ? 'multiply' : 'add',
    expand(a, b, 1),
    expand(b, a, arithmetic === 'sub' ? -1 : 1),
  )
}

/** Each element · factor + offset. */
export function scaled(site: Site, x: Variable, factor: number, offset = 0): Variable {
  const matrix = pickMatrix(broadcastIndex(x.shape, x.shape), sizeOf(x.shape), () => factor)
  return pushAffine(site, x, affine(matrix, new Float64Array(matrix.rows).fill(offset)), x.shape)
}

export const neg: Translation = {
  attributes: [],
  elements: 'whole',
  translate: (site) => scaled(site, variableInput(site, 0), -1),
}

/** Of any number of inputs. */
export const sum: Translation = { attributes: [], folds: true, translate: addUp }
export const mean: Translation = {
  attributes: [],
  folds: true,
  translate: (site) => combine(site, 'div', addUp(site), constant([], [site.inputs.length])),
}

function addUp(site: Site): Operand {
  const [first, ...others] = site.inputs.map((_, i) => input(site, i))
  return others.reduce((a, b) => combine(site, 'add', a, b), first ?? input(site, 0))
}
