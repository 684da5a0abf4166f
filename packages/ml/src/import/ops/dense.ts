import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { broadcastIndex, broadcastShape, sizeOf } from '../../tensor/tensor.ts'
import {
  constantInput,
  floatAttribute,
  intAttribute,
  type Operand,
  optionalConstant,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'

/** alpha · x · B + beta · C. */
export const gemm: Translation = { attributes: ['alpha', 'beta', 'transA', 'transB'], translate: translateGemm }

function translateGemm(site: Site): Operand {
  const x = variableInput(site, 0)
  const weight = constantInput(site, 1)
  const c = optionalConstant(site, 2)
  if (intAttribute(site, 'transA', 0) !== 0) throw refuse(site, 'attribute "transA" = 1 mixes the samples of a batch')
  const transposed = intAttribute(site, 'transB', 0) !== 0
  const [p, q] = weight.shape
  if (weight.shape.length !== 2 || x.shape.length !== 1) {
    throw wrong(site, `expected two matrices, got weights of shape [${weight.shape}] and samples of shape [${x.shape}]`)
  }
  const [inner, columns] = transposed ? [q!, p!] : [p!, q!]
  if (inner !== x.shape[0]) throw wrong(site, `weights for ${inner} inputs do not fit samples of ${x.shape[0]} numbers`)
  const alpha = floatAttribute(site, 'alpha', 1)
  const beta = floatAttribute(site, 'beta', 1)
  requireShape(site, [columns])
  const matrix = buildSparse(columns, inner, (row, add) => {
    for (let k = 0; k < inner; k++) add(k, alpha * weight.data[transposed ? row * inner + k : k * columns + row]!)
  })
  const bias = new Float64Array(columns)
  if (c) {
    if (broadcastShape(c.shape, [1, columns])?.join() !== `1,${columns}`) {
      throw wrong(site, `input C of shape [${c.shape}] cannot be added to ${columns} outputs of a sample`)
    }
    broadcastIndex(c.shape, [1, columns]).forEach((from, i) => {
      bias[i] = beta * c.data[from]!
    })
  }
  return pushAffine(site, x, affine(matrix, bias), [columns])
}

/** x · W over the last axis of a sample, or W · x over its last but one. */
export const matmul: Translation = { attributes: [], translate: translateMatmul }

function translateMatmul(site: Site): Operand {
  const left = site.inputs[0]?.kind === 'constant'
  const x = variableInput(site, left ? 1 : 0)
  const weight = constantInput(site, left ? 0 : 1)
  const rank = x.shape.length
  const [p, q] = weight.shape
  if (weight.shape.length !== 2 || p === undefined || q === undefined) {
    throw refuse(site, `the constant has shape [${weight.shape}]; a matrix is supported`)
  }
  if (rank < (left ? 2 : 1))
    throw refuse(site, 'the product runs over axis 0, which is the batch: samples are independent of each other')
  const inner = x.shape[left ? rank - 2 : rank - 1]!
  if (inner !== (left ? q : p)) {
    throw wrong(site, `a constant of shape [${weight.shape}] does not fit samples of shape [${x.shape}]`)
  }
  // A sample is blocks of inner x tail numbers; tail is 1 where the last axis is summed over.
  const tail = left ? x.shape[rank - 1]! : 1
  const count = left ? p : q
  const shape = left ? [...x.shape.slice(0, -2), count, tail] : [...x.shape.slice(0, -1), count]
  requireShape(site, shape)
  const matrix = buildSparse(sizeOf(shape), sizeOf(x.shape), (out, add) => {
    const block = Math.floor(out / (count * tail))
    const row = Math.floor(out / tail) % count
    for (let k = 0; k < inner; k++) {
      add((block * inner + k) * tail + (out % tail), weight.data[left ? row * inner + k : k * count + row]!)
    }
  })
  return pushAffine(site, x, affine(matrix), shape)
}
