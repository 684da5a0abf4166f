import type { Activation } from '../../graph/activation.ts'
import type { Layer, Translate, Value } from './layer.ts'

const named: Readonly<Record<string, Activation>> = {
  relu: { kind: 'Relu' },
  relu6: { kind: 'Clip', low: 0, high: 6 },
  sigmoid: { kind: 'Sigmoid' },
  tanh: { kind: 'Tanh' },
  softplus: { kind: 'Softplus' },
  softsign: { kind: 'Softsign' },
  exponential: { kind: 'Exp' },
  elu: { kind: 'Elu', alpha: 1 },
  hard_sigmoid: { kind: 'HardSigmoid', alpha: 0.2, beta: 0.5 },
  leaky_relu: { kind: 'LeakyRelu', alpha: 0.2 },
  gelu: { kind: 'Gelu', approximate: 'none' },
  gelu_new: { kind: 'Gelu', approximate: 'tanh' },
}
const others = ['linear', 'swish', 'silu', 'softmax']

/** A function by its Keras name. */
export function activate(layer: Layer, x: Value, key = 'activation'): Value {
  // Also hardSigmoid, as TensorFlow.js calls it itself.
  const name = layer
    .text(key, 'linear')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
  if (name === 'linear') return x
  if (name === 'softmax') return softmax(layer, x)
  if (name === 'swish' || name === 'silu') {
    const gate = layer.graph.activate(x.node, { kind: 'Sigmoid' }, layer.name)
    return { ...x, node: layer.graph.multiply(x.node, gate, layer.name) }
  }
  const activation = Object.hasOwn(named, name) ? named[name] : undefined
  if (!activation) {
    throw layer.refuse(`activation "${name}"; supported are ${[...Object.keys(named), ...others].join(', ')}`)
  }
  return through(layer, x, activation)
}

function through(layer: Layer, x: Value, activation: Activation): Value {
  return { ...x, node: layer.graph.activate(x.node, activation, layer.name) }
}

/** Over the last axis. */
function softmax(layer: Layer, x: Value): Value {
  const length = x.shape.at(-1)
  if (length === undefined) throw layer.wrong('a sample is a single number')
  return { ...x, softmax: length }
}

export const activation: Translate = (layer, inputs) => activate(layer, layer.one(inputs))

/** f(x) = max_value above it, x above the threshold, slope · (x - threshold) below. */
export const relu: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const slope = layer.number('negative_slope', 0)
  if (layer.number('threshold', 0) !== 0) throw layer.refuse('"threshold" is not 0')
  if (!layer.has('max_value')) {
    return through(layer, x, slope === 0 ? { kind: 'Relu' } : { kind: 'LeakyRelu', alpha: slope })
  }
  if (slope !== 0) throw layer.refuse('both "max_value" and "negative_slope"')
  return through(layer, x, { kind: 'Clip', low: 0, high: layer.number('max_value', 6) })
}

export const leakyRelu: Translate = (layer, inputs) => {
  const alpha = layer.number(layer.has('negative_slope') ? 'negative_slope' : 'alpha', 0.3)
  return through(layer, layer.one(inputs), { kind: 'LeakyRelu', alpha })
}

export const elu: Translate = (layer, inputs) =>
  through(layer, layer.one(inputs), { kind: 'Elu', alpha: layer.number('alpha', 1) })

export const softmaxLayer: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const axis = layer.number('axis', -1)
  if (axis !== -1 && axis !== x.shape.length) throw layer.refuse(`"axis" = ${axis}; the last one is supported`)
  return softmax(layer, x)
}
