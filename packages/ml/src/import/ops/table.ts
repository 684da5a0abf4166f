import type { Translation } from '../site.ts'
import { conv } from './conv.ts'
import { gemm, matmul } from './dense.ts'
import { add, div, mul, neg, pow, sub } from './elementwise.ts'
import { batchNormalization, reduceMean, reduceSum } from './normalise.ts'
import { cast, constantNode, dropout, identity } from './pass.ts'
import { averagePool, globalAveragePool } from './pool.ts'
import { pad, slice } from './select.ts'
import { concat, flatten, gather, reshape, shapeOf, squeeze, transpose, unsqueeze } from './shape.ts'

/** Every ONNX op of the default operator set that can be imported. */
export const translations: Readonly<Record<string, Translation>> = {
  Add: add,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  Concat: concat,
  Constant: constantNode,
  Conv: conv,
  Div: div,
  Dropout: dropout,
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  Identity: identity,
  MatMul: matmul,
  Mul: mul,
  Neg: neg,
  Pad: pad,
  Pow: pow,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  Reshape: reshape,
  Shape: shapeOf,
  Slice: slice,
  Squeeze: squeeze,
  Sub: sub,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}
