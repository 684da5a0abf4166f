import { affine } from '../../tensor/affine.ts'
import { buildSparse, pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, broadcastShape, sizeOf } from '../../tensor/tensor.ts'
import { constant, type Operand, type Variable } from '../operand.ts'
import {
  floatAttribute,
  input,
  intAttribute,
  optionalConstant,
  pushAffine,
  pushBinary,
  refuse,
  requireAlike,
  requireShape,
  type Site,
  type Translation,
  wrong,
} from '../site.ts'
import { combine } from './arithmetic.ts'

/** Products of matrices: c[b][i][j] = Σ a[b][i][t] · c[b][t][j], where elements of a and b are. */
interface Product {
  readonly shape: readonly number[]
  readonly inner: number
  readonly columns: number
  readonly rows: number
  readonly a: (block: number, row: number, t: number) => number
  readonly b: (block: number, t: number, column: number) => number
}

const overBatch = 'the product runs over axis 0, which is the batch: samples are independent of each other'

function multiply(site: Site, a: Operand, b: Operand, p: Product): Operand {
  requireShape(site, p.shape)
  const at = (out: number): [number, number, number] => {
    const block = Math.floor(out / (p.rows * p.columns))
    return [block, Math.floor(out / p.columns) % p.rows, out % p.columns]
  }
  if (a.kind === 'variable' && b.kind === 'constant') {
    const matrix = buildSparse(sizeOf(p.shape), sizeOf(a.shape), (out, add) => {
      const [block, row, column] = at(out)
      for (let t = 0; t < p.inner; t++) add(p.a(block, row, t), b.tensor.data[p.b(block, t, column)]!)
    })
    return pushAffine(site, a, affine(matrix), p.shape)
  }
  if (a.kind === 'constant' && b.kind === 'variable') {
    const matrix = buildSparse(sizeOf(p.shape), sizeOf(b.shape), (out, add) => {
      const [block, row, column] = at(out)
      for (let t = 0; t < p.inner; t++) add(p.b(block, t, column), a.tensor.data[p.a(block, row, t)]!)
    })
    return pushAffine(site, b, affine(matrix), p.shape)
  }
  if (a.kind === 'constant' && b.kind === 'constant') {
    // A multiplication takes less than a weight does.
    site.spend((sizeOf(p.shape) * p.inner) / 16)
    const data = Float64Array.from({ length: sizeOf(p.shape) }, (_, out) => {
      const [block, row, column] = at(out)
      let sum = 0
      for (let t = 0; t < p.inner; t++)
        sum += a.tensor.data[p.a(block, row, t)]! * b.tensor.data[p.b(block, t, column)]!
      return sum
    })
    return constant(p.shape, data, a.type)
  }
  if (a.kind !== 'variable' || b.kind !== 'variable') throw wrong(site, 'expected two inputs')
  // Every product of two elements, then sums of them.
  const full = [...p.shape, p.inner]
  requireShape(site, full)
  const count = sizeOf(full)
  const pick = (x: Variable, from: (out: number, t: number) => number): Variable => {
    const picks = Int32Array.from({ length: count }, (_, i) => from(Math.floor(i / p.inner), i % p.inner))
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape))), full)
  }
  const left = pick(a, (out, t) => p.a(at(out)[0], at(out)[1], t))
  const right = pick(b, (out, t) => p.b(at(out)[0], t, at(out)[2]))
  const sums = buildSparse(sizeOf(p.shape), count, (out, add) => {
    for (let t = 0; t < p.inner; t++) add(out * p.inner + t, 1)
  })
  return pushAffine(site, pushBinary(site, 'multiply', left, right), affine(sums), p.shape)
}

function shapeOfInput(site: Site, operand: Operand): readonly number[] {
  if (operand.kind === 'constant') return operand.tensor.shape
  if (operand.kind === 'variable') return operand.shape
  throw wrong(site, 'expected two inputs')
}

/** NumPy's product: over the last axis of the first and the last but one of the second. */
export const matmul: Translation = {
  attributes: [],
  elements: 'whole',
  folds: true,
  translate(site) {
    const [a, b] = [input(site, 0), input(site, 1)]
    const [left, right] = [shapeOfInput(site, a), shapeOfInput(site, b)]
    if (left.length === 0 || right.length === 0) throw wrong(site, 'an input is a scalar')
    requireSamples(site, a, b, left, right)
    const [m, k] = left.length === 1 ? [1, left[0]!] : [left.at(-2)!, left.at(-1)!]
    const [inner, n] = right.length === 1 ? [right[0]!, 1] : [right.at(-2)!, right.at(-1)!]
    const [outerLeft, outerRight] = [left.slice(0, -2), right.slice(0, -2)]
    const outer = broadcastShape(outerLeft, outerRight)
    if (k !== inner || !outer) throw wrong(site, `shapes [${left}] and [${right}] cannot be multiplied`)
    const shape = [...outer, ...(left.length > 1 ? [m] : []), ...(right.length > 1 ? [n] : [])]
    requireShape(site, shape)
    const blocksLeft = broadcastIndex(outerLeft, outer)
    const blocksRight = broadcastIndex(outerRight, outer)
    return multiply(site, a, b, {
      shape,
      inner: k,
      rows: m,
      columns: n,
      a: (block, row, t) => (blocksLeft[block]! * m + row) * k + t,
      b: (block, t, column) => (blocksRight[block]! * k + t) * n + column,
    })
  },
}

/** The batch is an axis of rows of the first input, or the first of the outer axes. */
function requireSamples(site: Site, a: Operand, b: Operand, left: readonly number[], right: readonly number[]): void {
  if (!site.batched || (a.kind === 'constant' && b.kind === 'constant')) return
  if (a.kind === 'variable' && b.kind === 'variable') {
    if (left.length < 3 || left.length !== right.length) throw refuse(site, overBatch)
  } else if (a.kind === 'variable') {
    if (left.length < 2) throw refuse(site, overBatch)
    requireAlike(site, left.length === 2 && right.length === 2 ? [1] : right, left)
  } else {
    if (right.length < 3) throw refuse(site, overBatch)
    requireAlike(site, left, right)
  }
}

/** alpha · A · B + beta · C. */
export const gemm: Translation = {
  attributes: ['alpha', 'beta', 'broadcast', 'transA', 'transB'],
  elements: 'whole',
  folds: true,
  translate(site) {
    const [a, b] = [input(site, 0), input(site, 1)]
    const [left, right] = [shapeOfInput(site, a), shapeOfInput(site, b)]
    if (left.length !== 2 || right.length !== 2)
      throw wrong(site, `expected two matrices, got shapes [${left}] and [${right}]`)
    const transA = intAttribute(site, 'transA', 0) !== 0
    const transB = intAttribute(site, 'transB', 0) !== 0
    if (site.batched && transA && a.kind === 'variable')
      throw refuse(site, 'attribute "transA" = 1 mixes the samples of a batch')
    if (site.batched && b.kind === 'variable') throw refuse(site, overBatch)
    const [m, k] = transA ? [left[1]!, left[0]!] : [left[0]!, left[1]!]
    const [inner, n] = transB ? [right[1]!, right[0]!] : [right[0]!, right[1]!]
    if (inner !== k) throw wrong(site, `weights for ${inner} inputs do not fit ${k} numbers`)
    const alpha = floatAttribute(site, 'alpha', 1)
    const beta = floatAttribute(site, 'beta', 1)
    const product = multiply(site, a, b, {
      shape: [m, n],
      inner: k,
      rows: m,
      columns: n,
      a: (_, row, t) => (transA ? t * m + row : row * k + t),
      b: (_, t, column) => (transB ? column * k + t : t * n + column),
    })
    const c = site.inputs[2]
    if (c?.kind === 'variable' || product.kind !== 'variable') {
      const times = (x: Operand, factor: number): Operand => combine(site, 'mul', x, constant([], [factor]))
      const scaled = times(product, alpha)
      return c ? combine(site, 'add', scaled, times(c, beta)) : scaled
    }
    const bias = new Float64Array(m * n)
    const tensor = optionalConstant(site, 2)
    if (tensor) {
      requireAlike(site, tensor.shape, product.shape)
      if (broadcastShape(tensor.shape, [m, n])?.join() !== `${m},${n}`)
        throw wrong(site, `input C of shape [${tensor.shape}] cannot be added to a result of shape [${m},${n}]`)
      broadcastIndex(tensor.shape, [m, n]).forEach((from, i) => {
        bias[i] = beta * tensor.data[from]!
      })
    }
    return withBias(site, product, alpha, bias)
  },
}

/** The node that was pushed last, with other numbers: one map, not two. */
function withBias(site: Site, product: Variable, alpha: number, bias: Float64Array): Variable {
  const last = site.nodes.at(-1)!
  const matrix = { ...last.map!.matrix, value: last.map!.matrix.value.map((v) => alpha * v) }
  site.nodes[site.nodes.length - 1] = { ...last, map: affine(matrix, bias) }
  return product
}
