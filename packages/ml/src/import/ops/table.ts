import { unsupported } from '../decode.ts'
import type { NodeProto } from '../schema.ts'
import type { Translation } from '../site.ts'
import * as activations from './activations.ts'
import { add, div, mean, mul, neg, sub, sum } from './arithmetic.ts'
import { concat } from './concat.ts'
import { conv } from './conv.ts'
import { gemm, matmul } from './dense.ts'
import { argMax, logSoftmax, softmax, zipMap } from './last.ts'
import { linearClassifier, linearRegressor } from './linear.ts'
import { batchNormalization, layerNormalization } from './normalise.ts'
import { cast, castLike, constantNode, dropout, identity } from './pass.ts'
import { averagePool, globalAveragePool } from './pool.ts'
import { pow } from './pow.ts'
import { arrayFeatureExtractor, imputer, labelEncoder, normalizer, oneHotEncoder, scaler } from './prepare.ts'
import { reduceMean, reduceSum } from './reduce.ts'
import { expand, gather, pad, slice, split, tile } from './select.ts'
import { constantOfShape, flatten, reshape, shapeNode, squeeze, transpose, unsqueeze } from './shape.ts'

/** Every ONNX op of the default operator set that can be imported. */
const standard: Readonly<Record<string, Translation>> = {
  Abs: activations.abs,
  Add: add,
  ArgMax: argMax,
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Cast: cast,
  CastLike: castLike,
  Celu: activations.celu,
  Clip: activations.clip,
  Concat: concat,
  Constant: constantNode,
  ConstantOfShape: constantOfShape,
  Conv: conv,
  Div: div,
  Dropout: dropout,
  Elu: activations.elu,
  Erf: activations.erf,
  Exp: activations.exp,
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  Gelu: activations.gelu,
  Gemm: gemm,
  GlobalAveragePool: globalAveragePool,
  HardSigmoid: activations.hardSigmoid,
  HardSwish: activations.hardSwish,
  Identity: identity,
  LayerNormalization: layerNormalization,
  LeakyRelu: activations.leakyRelu,
  LogSoftmax: logSoftmax,
  MatMul: matmul,
  Mean: mean,
  Mul: mul,
  Neg: neg,
  PRelu: activations.prelu,
  Pad: pad,
  Pow: pow,
  ReduceMean: reduceMean,
  ReduceSum: reduceSum,
  Relu: activations.relu,
  Reshape: reshape,
  Selu: activations.selu,
  Shape: shapeNode,
  Sigmoid: activations.sigmoid,
  Slice: slice,
  Softmax: softmax,
  Softplus: activations.softplus,
  Softsign: activations.softsign,
  Split: split,
  Squeeze: squeeze,
  Sub: sub,
  Sum: sum,
  Tanh: activations.tanh,
  Tile: tile,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
}

/** Of the domain ai.onnx.ml. */
const machineLearning: Readonly<Record<string, Translation>> = {
  ArrayFeatureExtractor: arrayFeatureExtractor,
  FeatureVectorizer: { ...concat, attributes: ['inputdimensions'] },
  Imputer: imputer,
  LabelEncoder: labelEncoder,
  LinearClassifier: linearClassifier,
  LinearRegressor: linearRegressor,
  Normalizer: normalizer,
  OneHotEncoder: oneHotEncoder,
  Scaler: scaler,
  ZipMap: zipMap,
}

const trees = 'Comparisons are not polynomial: train a linear model, a scorecard or a small network in its place'

/** What to do about the ops that people miss most. */
const advice: Readonly<Record<string, string>> = {
  MaxPool: 'Train with AveragePool in its place',
  GlobalMaxPool: 'Train with GlobalAveragePool in its place',
  InstanceNormalization: 'It divides by a value that depends on the input: train with BatchNormalization in its place',
  MeanVarianceNormalization:
    'It divides by a value that depends on the input: train with BatchNormalization in its place',
  Sqrt: 'It is not polynomial: leave it to the client where it comes last',
  Reciprocal: 'It is not polynomial: leave it to the client where it comes last',
  Max: 'Of two values it is not polynomial: use Relu or Clip where one is a constant',
  Min: 'Of two values it is not polynomial: use Clip where one is a constant',
  'ai.onnx.ml.TreeEnsembleClassifier': trees,
  'ai.onnx.ml.TreeEnsembleRegressor': trees,
  'ai.onnx.ml.SVMClassifier': 'Train a linear one, which exports as LinearClassifier',
  'ai.onnx.ml.SVMRegressor': 'Train a linear one, which exports as LinearRegressor',
}

/** How a node is translated. Throws GloveboxError `unsupported`. */
export function translationOf({ domain, opType }: NodeProto, name: string): Translation {
  const known = domain === '' || domain === 'ai.onnx' ? standard : domain === 'ai.onnx.ml' ? machineLearning : {}
  const translation = Object.hasOwn(known, opType) ? known[opType] : undefined
  if (translation) return translation
  const op = domain && domain !== 'ai.onnx' ? `${domain}.${opType}` : opType
  const supported = domain === 'ai.onnx.ml' ? machineLearning : standard
  throw unsupported(
    `op ${op} of node "${name}" is not supported; supported are ${Object.keys(supported).join(', ')}` +
      (Object.hasOwn(advice, op) ? `. ${advice[op]}` : ''),
  )
}
