import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, broadcastShape, sizeOf, type Tensor } from '../../tensor/tensor.ts'
import {
  constant,
  constantInput,
  type Operand,
  pushAffine,
  pushBinary,
  refuse,
  requireShape,
  type Site,
  type Translation,
  type Variable,
  variableInput,
  wrong,
} from '../site.ts'

/** Pow is by repeated squaring; higher powers than this have no precision left. */
const maxExponent = 64

type Arithmetic = 'add' | 'sub' | 'mul' | 'div'

const plain: Readonly<Record<Arithmetic, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
}

function binary(arithmetic: Arithmetic): Translation {
  return {
    attributes: [],
    translate(site) {
      const [a, b] = site.inputs
      if (!a || !b) throw wrong(site, 'expected two inputs')
      if (a.kind === 'constant' && b.kind === 'constant') return fold(site, a.tensor, b.tensor, plain[arithmetic])
      if (a.kind === 'variable' && b.kind === 'variable') return combine(site, arithmetic, a, b)
      if (a.kind === 'variable' && b.kind === 'constant') return withConstant(site, arithmetic, a, b.tensor, false)
      if (a.kind === 'constant' && b.kind === 'variable') return withConstant(site, arithmetic, b, a.tensor, true)
      throw wrong(site, 'expected two inputs')
    },
  }
}

export const add: Translation = binary('add')
export const sub: Translation = binary('sub')
export const mul: Translation = binary('mul')
export const div: Translation = binary('div')

function fold(site: Site, a: Tensor, b: Tensor, f: (a: number, b: number) => number): Operand {
  const shape = broadcastShape(a.shape, b.shape)
  if (!shape) throw wrong(site, `shapes [${a.shape}] and [${b.shape}] do not fit`)
  requireShape(site, shape)
  const j = broadcastIndex(b.shape, shape)
  return constant(
    shape,
    Array.from(broadcastIndex(a.shape, shape), (i, k) => f(a.data[i]!, b.data[j[k]!]!)),
  )
}

/** The shape that a sample takes, and for each of its elements the one of x. */
function spread(site: Site, x: readonly number[], other: readonly number[]): { shape: number[]; picks: Int32Array } {
  const shape = broadcastShape(x, other)
  if (!shape) throw wrong(site, `a sample of shape [${x}] and [${other}] do not fit`)
  requireShape(site, shape)
  return { shape, picks: broadcastIndex(x, shape) }
}

function withConstant(
  site: Site,
  arithmetic: Arithmetic,
  x: Variable,
  tensor: Tensor,
  constantFirst: boolean,
): Operand {
  // The constant's own batch axis, where it has one, must be 1.
  const extra = tensor.shape.length - x.shape.length
  if (extra > 1 || (extra === 1 && tensor.shape[0] !== 1)) {
    throw refuse(site, `a constant of shape [${tensor.shape}] does not treat all samples of a batch alike`)
  }
  const { shape, picks } = spread(site, x.shape, extra === 1 ? tensor.shape.slice(1) : tensor.shape)
  const values = Float64Array.from(
    broadcastIndex(tensor.shape, extra === 1 ? [1, ...shape] : shape),
    (i) => tensor.data[i]!,
  )
  if (arithmetic === 'div' && constantFirst)
    throw refuse(site, 'division by a value that depends on the input is not polynomial')
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

function combine(site: Site, arithmetic: Arithmetic, a: Variable, b: Variable): Operand {
  if (arithmetic === 'div') throw refuse(site, 'division by a value that depends on the input is not polynomial')
  if (a.shape.length !== b.shape.length) {
    throw refuse(
      site,
      `samples of shapes [${a.shape}] and [${b.shape}] have different ranks, so the batch axes do not align`,
    )
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

export const neg: Translation = {
  attributes: [],
  translate(site) {
    const x = site.inputs[0]
    if (x?.kind === 'constant')
      return constant(
        x.tensor.shape,
        x.tensor.data.map((v) => -v),
      )
    const y = variableInput(site, 0)
    const matrix = pickMatrix(broadcastIndex(y.shape, y.shape), sizeOf(y.shape), () => -1)
    return pushAffine(site, y, affine(matrix), y.shape)
  },
}

/** x^n for a whole n >= 1, by repeated squaring. */
export const pow: Translation = {
  attributes: [],
  translate(site) {
    const x = variableInput(site, 0)
    const { data } = constantInput(site, 1)
    const exponent = data[0]
    if (exponent === undefined || data.some((v) => v !== exponent))
      throw refuse(site, 'the exponent differs between elements')
    if (!Number.isInteger(exponent) || exponent < 1 || exponent > maxExponent) {
      throw refuse(site, `the exponent is ${exponent}; whole numbers from 1 to ${maxExponent} are supported`)
    }
    const power = (n: number): Variable => {
      if (n === 1) return x
      const half = power(Math.floor(n / 2))
      const square = pushBinary(site, 'multiply', half, half)
      return n % 2 === 0 ? square : pushBinary(site, 'multiply', square, x)
    }
    return power(exponent)
  },
}
