import { activation, elu, leakyRelu, relu, softmaxLayer } from './activations.ts'
import type { Translate } from './layer.ts'
import {
  add,
  averagePooling,
  concatenate,
  flatten,
  globalAveragePooling,
  mean,
  multiply,
  pass,
  permute,
  rescaling,
  reshape,
  subtract,
  zeroPadding,
} from './plain.ts'
import { batchNormalization, conv, dense, depthwiseConv, separableConv } from './weighted.ts'

/** Every Keras layer that can be imported. Those that only train do nothing. */
export const translations: Readonly<Record<string, Translate>> = {
  Activation: activation,
  ActivityRegularization: pass,
  Add: add,
  AlphaDropout: pass,
  Average: mean,
  AveragePooling1D: averagePooling(1),
  AveragePooling2D: averagePooling(2),
  BatchNormalization: batchNormalization,
  Concatenate: concatenate,
  Conv1D: conv(1),
  Conv2D: conv(2),
  Dense: dense,
  DepthwiseConv2D: depthwiseConv,
  Dropout: pass,
  ELU: elu,
  Flatten: flatten,
  GaussianDropout: pass,
  GaussianNoise: pass,
  GlobalAveragePooling1D: globalAveragePooling(1),
  GlobalAveragePooling2D: globalAveragePooling(2),
  InputLayer: pass,
  LeakyReLU: leakyRelu,
  Multiply: multiply,
  Permute: permute,
  ReLU: relu,
  Rescaling: rescaling,
  Reshape: reshape,
  SeparableConv2D: separableConv,
  Softmax: softmaxLayer,
  SpatialDropout1D: pass,
  SpatialDropout2D: pass,
  Subtract: subtract,
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
}

/** What to do about the layers that people miss most. */
export const advice: Readonly<Record<string, string>> = {
  MaxPooling1D: 'Train with AveragePooling1D in its place',
  MaxPooling2D: 'Train with AveragePooling2D in its place',
  GlobalMaxPooling2D: 'Train with GlobalAveragePooling2D in its place',
  LayerNormalization: 'Train with BatchNormalization in its place: it is an affine map after training',
}
