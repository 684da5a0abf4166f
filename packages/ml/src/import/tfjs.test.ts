import { describe, expect, test } from 'vitest'
import {
  json,
  type KerasFiles,
  type KerasLayer,
  type KerasWeight,
  kerasFiles,
  layer,
  sequential,
  transposed,
} from '../../test/keras.ts'
import { buildModel, floats, type NodeLiteral, node } from '../../test/onnx.ts'
import { runOrt } from '../../test/ort.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { runAfter } from '../model/after.ts'
import { runClear } from '../run/clear.ts'
import { importTfjs } from './tfjs.ts'

const random = (seed: number, ...shape: number[]): KerasWeight => ({
  shape,
  data: randomNumbers(
    seed,
    shape.reduce((a, b) => a * b, 1),
  ),
})
const run = (files: KerasFiles, x: readonly number[]): number[] => [
  ...runClear(importTfjs(files).graph, Float64Array.from(x)),
]
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

/** A Keras layer and ONNX nodes that say the same on [channels, …pixels] from `c` to `d`, with weights for both. */
interface Same {
  readonly shape: readonly number[]
  readonly layer: KerasLayer
  readonly weights: Readonly<Record<string, KerasWeight>>
  readonly nodes: readonly NodeLiteral[]
  /** By ONNX name: which Keras weight, and its axes there. */
  readonly tensors: Readonly<Record<string, readonly [string, readonly number[]]>>
}
const kernel = [3, 2, 0, 1]
const bounds = [floats('low', [], [0]), floats('high', [], [6])]
const cases: Record<string, Same> = {
  'Conv2D, same, strides, bias, relu6': {
    shape: [7, 6, 2],
    layer: layer('Conv2D', { filters: 3, kernel_size: [3, 2], strides: [2, 1], padding: 'same', activation: 'relu6' }),
    weights: { 'l0/kernel': random(1, 3, 2, 2, 3), 'l0/bias': random(2, 3) },
    nodes: [
      node('Conv', ['c', 'w', 'b'], 'e', { strides: [2, 1], auto_pad: 'SAME_UPPER' }),
      node('Clip', ['e', 'low', 'high'], 'd'),
    ],
    tensors: { w: ['l0/kernel', kernel], b: ['l0/bias', [0]] },
  },
  'Conv2D in groups, dilated, valid': {
    shape: [6, 5, 4],
    layer: layer('Conv2D', { filters: 6, kernel_size: 2, groups: 2, dilation_rate: [2, 1], use_bias: false }),
    weights: { 'l0/kernel': random(3, 2, 2, 2, 6) },
    nodes: [node('Conv', ['c', 'w'], 'd', { group: 2, dilations: [2, 1] })],
    tensors: { w: ['l0/kernel', kernel] },
  },
  'DepthwiseConv2D with 2 maps a channel': {
    shape: [5, 5, 3],
    layer: layer('DepthwiseConv2D', { kernel_size: [3, 3], depth_multiplier: 2, padding: 'same', use_bias: false }),
    weights: { 'l0/depthwise_kernel': random(4, 3, 3, 3, 2) },
    // [tap, tap, channel, multiplier] -> [channel, multiplier, tap, tap], which are 6 maps of 1 channel.
    nodes: [node('Conv', ['c', 'w'], 'd', { group: 3, auto_pad: 'SAME_UPPER' })],
    tensors: { w: ['l0/depthwise_kernel', [2, 3, 0, 1]] },
  },
  SeparableConv2D: {
    shape: [4, 5, 2],
    layer: layer('SeparableConv2D', { filters: 3, kernel_size: [2, 2], strides: [2, 2] }),
    weights: {
      'l0/depthwise_kernel': random(5, 2, 2, 2, 1),
      'l0/pointwise_kernel': random(6, 1, 1, 2, 3),
      'l0/bias': random(7, 3),
    },
    nodes: [node('Conv', ['c', 'w'], 'e', { group: 2, strides: [2, 2] }), node('Conv', ['e', 'p', 'b'], 'd')],
    tensors: { w: ['l0/depthwise_kernel', [2, 3, 0, 1]], p: ['l0/pointwise_kernel', kernel], b: ['l0/bias', [0]] },
  },
  'Conv1D, causal, dilated': {
    shape: [9, 2],
    layer: layer('Conv1D', { filters: 3, kernel_size: [3], padding: 'causal', dilation_rate: [2] }),
    weights: { 'l0/kernel': random(8, 3, 2, 3), 'l0/bias': random(9, 3) },
    nodes: [node('Conv', ['c', 'w', 'b'], 'd', { pads: [4, 0], dilations: [2] })],
    tensors: { w: ['l0/kernel', [2, 1, 0]], b: ['l0/bias', [0]] },
  },
  'AveragePooling2D, same: padding does not count': {
    shape: [5, 6, 2],
    layer: layer('AveragePooling2D', { pool_size: [3, 2], strides: [2, 2], padding: 'same' }),
    weights: {},
    nodes: [node('AveragePool', ['c'], 'd', { kernel_shape: [3, 2], strides: [2, 2], auto_pad: 'SAME_UPPER' })],
    tensors: {},
  },
  'BatchNormalization over the last axis': {
    shape: [3, 2, 4],
    layer: layer('BatchNormalization', { axis: [3], epsilon: 0.01 }),
    weights: {
      'l0/gamma': random(10, 4),
      'l0/beta': random(11, 4),
      'l0/moving_mean': random(12, 4),
      'l0/moving_variance': { shape: [4], data: [0.5, 1, 2, 0] },
    },
    nodes: [node('BatchNormalization', ['c', 'g', 's', 'm', 'v'], 'd', { epsilon: { float: 0.01 } })],
    tensors: {
      g: ['l0/gamma', [0]],
      s: ['l0/beta', [0]],
      m: ['l0/moving_mean', [0]],
      v: ['l0/moving_variance', [0]],
    },
  },
}

test.each(Object.entries(cases))('%s is what onnxruntime computes', async (_, one) => {
  const rank = one.shape.length + 1
  const first = [0, rank - 1, ...count(rank - 2)]
  const last = [0, ...count(rank - 1).slice(1), 1]
  const initializers = Object.entries(one.tensors).map(([name, [weight, axes]]) => {
    const { shape, data } = transposed(one.weights[weight]!, axes)
    const depthwise = weight.endsWith('depthwise_kernel')
    return floats(name, depthwise ? [shape[0]! * shape[1]!, 1, ...shape.slice(2)] : shape, data)
  })
  const bytes = buildModel({
    input: ['n', ...one.shape],
    initializers: one.nodes.some(({ opType }) => opType === 'Clip') ? [...initializers, ...bounds] : initializers,
    nodes: [
      node('Transpose', ['x'], 'c', { perm: first }),
      ...one.nodes,
      node('Transpose', ['d'], 'y', { perm: last }),
    ],
  })
  const samples = randomNumbers(77, 2 * one.shape.reduce((a, b) => a * b, 1)).map((v) => 4 * v)
  const expected = await runOrt(bytes, one.shape, samples)
  const { graph } = importTfjs(sequential(one.shape, [one.layer], one.weights))
  expect(largestDifference(runClear(graph, samples), expected)).toBeLessThan(1e-5)
})

describe('by hand', () => {
  test('Dense works on the last axis', () => {
    const weights = { 'l0/kernel': { shape: [2, 1], data: [10, 1] }, 'l0/bias': { shape: [1], data: [0.5] } }
    expect(run(sequential([3, 2], [layer('Dense', { units: 1 })], weights), count(6))).toEqual([12.5, 34.5, 56.5])
  })

  test('Reshape, Permute, Flatten', () => {
    const layers = [layer('Reshape', { target_shape: [2, -1] }), layer('Permute', { dims: [2, 1] }), layer('Flatten')]
    expect(run(sequential([6], layers), count(6))).toEqual([1, 4, 2, 5, 3, 6])
  })

  test('zeros around an image and a signal', () => {
    const image = layer('ZeroPadding2D', {
      padding: [
        [1, 0],
        [0, 2],
      ],
    })
    expect(run(sequential([2, 1, 2], [image]), count(4))).toEqual([
      0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0,
    ])
    expect(run(sequential([2, 1], [layer('ZeroPadding1D', { padding: [1, 2] })]), [5, 6])).toEqual([0, 5, 6, 0, 0])
    expect(run(sequential([1, 1], [layer('ZeroPadding1D', { padding: 1 })]), [5])).toEqual([0, 5, 0])
  })

  test('means of pixels, channel by channel', () => {
    const mean = layer('GlobalAveragePooling2D')
    expect(run(sequential([2, 2, 2], [mean]), [1, 10, 2, 20, 3, 30, 6, 40])).toEqual([3, 25])
    expect(
      importTfjs(sequential([2, 2, 2], [layer('GlobalAveragePooling2D', { keepdims: true })])).graph.outputShape,
    ).toEqual([1, 1, 2])
    expect(
      run(sequential([4, 1], [layer('AveragePooling1D', { pool_size: [2], strides: null })]), [1, 3, 5, 9]),
    ).toEqual([2, 7])
    const first = layer('GlobalAveragePooling1D', { data_format: 'channels_first' })
    expect(run(sequential([2, 3], [first]), count(6))).toEqual([2, 5])
  })

  test.each<[string, KerasLayer, number[], number[]]>([
    ['relu', layer('Activation', { activation: 'relu' }), [-1, 2], [0, 2]],
    ['hardSigmoid, as TensorFlow.js spells it', layer('Activation', { activation: 'hardSigmoid' }), [0, 9], [0.5, 1]],
    ['swish', layer('Activation', { activation: 'swish' }), [0, 1], [0, 1 / (1 + Math.exp(-1))]],
    ['linear', layer('Activation', { activation: 'linear' }), [3, -3], [3, -3]],
    ['ReLU to 6', layer('ReLU', { max_value: 6 }), [-2, 9], [0, 6]],
    ['ReLU with a slope', layer('ReLU', { max_value: null, negative_slope: 0.5 }), [-2, 9], [-1, 9]],
    ['LeakyReLU', layer('LeakyReLU', { alpha: 0.25 }), [-4, 4], [-1, 4]],
    ['ELU', layer('ELU', { alpha: 2 }), [-1, 1], [2 * Math.expm1(-1), 1]],
    ['Rescaling', layer('Rescaling', { scale: 2, offset: -1 }), [0, 3], [-1, 5]],
    ['Dropout', layer('Dropout', { rate: 0.5 }), [1, 2], [1, 2]],
  ])('%s', (_, one, x, expected) => {
    expect(largestDifference(run(sequential([2], [one]), x), expected)).toBeLessThan(1e-12)
  })

  test('what ends in a softmax or a logistic function leaves that to the client', () => {
    const weights = { 'l0/kernel': { shape: [2, 2], data: [1, 0, 0, 1] } }
    const two = layer('Dense', { units: 2, use_bias: false, activation: 'softmax' })
    const model = importTfjs(sequential([2], [two, layer('Dropout')], weights), { labels: ['cat', 'dog'] })
    expect(runAfter(model.after, runClear(model.graph, Float64Array.of(0, Math.log(3))))).toMatchObject({
      label: 'dog',
      probabilities: true,
      values: [expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)],
    })
    const one = layer('Dense', { units: 1, use_bias: false, activation: 'sigmoid' })
    const binary = importTfjs(sequential([1], [one], { 'l0/kernel': { shape: [1, 1], data: [2] } }), {
      labels: ['no', 'yes'],
    })
    expect(binary.graph.nodes.map(({ op }) => op)).toEqual(['input', 'affine'])
    expect(runAfter(binary.after, [-1]).label).toBe('no')
    const rows = importTfjs(sequential([2, 2], [layer('Softmax'), layer('Flatten')]))
    expect(rows.after).toEqual([{ op: 'softmax', along: { length: 2, stride: 1 } }])
    expect(rows.graph.outputShape).toEqual([4])
    const inside = importTfjs(
      sequential([2], [layer('Activation', { activation: 'sigmoid' }), layer('Rescaling', { scale: 2 })]),
    )
    expect(inside.after).toEqual([])
    expect(inside.graph.nodes.map(({ op }) => op)).toEqual(['input', 'activation', 'affine'])
  })
})

/** a -> [half, twice] -> join -> out, wired as Keras 2 or 3 writes it. */
function wired(use: (name: string, ...more: string[]) => unknown): object {
  const call = (class_name: string, name: string, config: object, ...inputs: string[]): object => ({
    class_name,
    name,
    config: { name, ...config },
    inbound_nodes: inputs.length === 0 ? [] : [use(inputs[0]!, ...inputs.slice(1))],
  })
  return {
    class_name: 'Functional',
    config: {
      name: 'f',
      layers: [
        call('InputLayer', 'a', { batch_shape: [null, 2] }),
        call('Rescaling', 'half', { scale: 0.5 }, 'a'),
        call('Rescaling', 'twice', { scale: 2 }, 'a'),
        call('Rescaling', 'unused', { scale: 0 }, 'a'),
        call('Concatenate', 'join', { axis: -1 }, 'half', 'twice'),
        call('Add', 'sum', {}, 'join', 'join', 'join'),
        call('Multiply', 'square', {}, 'sum', 'sum'),
        call('Subtract', 'difference', {}, 'square', 'join'),
        call('Average', 'out', {}, 'difference', 'join'),
      ],
      input_layers: [['a', 0, 0]],
      output_layers: [['out', 0, 0]],
    },
  }
}

test.each<[string, (name: string, ...more: string[]) => unknown]>([
  ['2', (...names) => names.map((name) => [name, 0, 0, {}])],
  [
    '3',
    (...names) => {
      const tensors = names.map((name) => ({ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } }))
      return { args: tensors.length === 1 ? tensors : [tensors], kwargs: {} }
    },
  ],
])('layers wired as Keras %s writes it', (_, use) => {
  // x = 2 and 4: join 1 2 4 8, three times of it squared, minus it, and the mean with it.
  const expected = [1, 2, 4, 8].map((v) => (9 * v * v - v + v) / 2)
  expect(run(kerasFiles({ model_config: wired(use) }), [2, 4])).toEqual(expected)
  // Also without model_config, and as a layer of a model.
  expect(run(kerasFiles(wired(use)), [2, 4])).toEqual(expected)
  const outer = { class_name: 'Sequential', config: [wired(use), layer('Rescaling', { scale: 2 })] }
  expect(run(kerasFiles(outer), [2, 4])).toEqual(expected.map((v) => 2 * v))
})

describe('weights', () => {
  const topology = {
    class_name: 'Sequential',
    config: { layers: [layer('Dense', { name: 'd', units: 2, use_bias: false, batch_input_shape: [null, 1] })] },
  }
  const filesOf = (weight: object, ...shards: Uint8Array[]): KerasFiles => ({
    'model.json': json({
      modelTopology: topology,
      weightsManifest: [
        {
          paths: shards.map((_, i) => `${i}.bin`),
          weights: [{ name: 'm/d/kernel:0', shape: [1, 2], dtype: 'float32', ...weight }],
        },
      ],
    }),
    ...Object.fromEntries(shards.map((bytes, i) => [`${i}.bin`, bytes])),
  })

  test.each<[string, object, number[], number[]]>([
    ['float32', {}, [0, 0, 192, 63, 0, 0, 0, 192], [1.5, -2]],
    ['uint8', { quantization: { dtype: 'uint8', scale: 0.5, min: -1 } }, [0, 200], [-1, 99]],
    ['uint16', { quantization: { dtype: 'uint16', scale: 0.25, min: 1 } }, [4, 0, 0, 1], [2, 65]],
    ['float16', { quantization: { dtype: 'float16' } }, [0x00, 0xbe, 0x01, 0x00], [-1.5, 2 ** -24]],
    ['int32', { dtype: 'int32' }, [1, 0, 0, 0, 255, 255, 255, 255], [1, -1]],
  ])('of %s, in one file or cut anywhere', (_, weight, bytes, expected) => {
    expect(run(filesOf(weight, Uint8Array.from(bytes)), [1])).toEqual(expected)
    expect(run(filesOf(weight, Uint8Array.from(bytes.slice(0, 1)), Uint8Array.from(bytes.slice(1))), [1])).toEqual(
      expected,
    )
  })

  test.each<[string, KerasFiles, RegExp]>([
    [
      'a file that is missing',
      { 'model.json': filesOf({}, new Uint8Array(8))['model.json']! },
      /weight file "0\.bin" of/,
    ],
    ['too few bytes', filesOf({}, new Uint8Array(7)), /ends at byte 8, its files have 7/],
    ['too many bytes', filesOf({}, new Uint8Array(9)), /have 1 bytes too many/],
    ['a type that is unknown', filesOf({ dtype: 'complex64' }, new Uint8Array(8)), /has type complex64; supported are/],
    ['a number that is none', filesOf({}, Uint8Array.from([0, 0, 192, 127, 0, 0, 0, 0])), /not finite/],
    [
      'another shape',
      filesOf({ shape: [2, 1] }, new Uint8Array(8)),
      /Dense layer "d": "kernel" expected shape 1x2, got 2x1/,
    ],
    ['another name', filesOf({ name: 'e/kernel' }, new Uint8Array(8)), /the weights have no "kernel" for it/],
    ['an absurd shape', filesOf({ shape: [2 ** 30, 2 ** 30] }, new Uint8Array(8)), /its files have 8/],
  ])('%s is an error', (_, files, message) => {
    expect(() => importTfjs(files)).toThrow(message)
  })
})

const self = wired((...names) => names.map((name) => [name === 'a' ? 'out' : name, 0, 0]))

test.each<[string, KerasFiles, RegExp]>([
  ['no model.json', {}, /"files" expected the bytes of "model.json"/],
  ['no JSON', { 'model.json': Uint8Array.of(1) }, /model\.json: expected JSON/],
  ['no topology', { 'model.json': json({ modelTopology: null, weightsManifest: [] }) }, /modelTopology/],
  ['a graph model', kerasFiles({ node: [], library: {} }), /expected a Sequential or Functional layers model/],
  [
    'max pooling',
    sequential([4, 4, 1], [layer('MaxPooling2D')]),
    /layer type MaxPooling2D of "l0" is not supported.*AveragePooling2D in its place/,
  ],
  [
    'an unknown function',
    sequential([4], [layer('Activation', { activation: 'mish' })]),
    /Activation layer "l0" is not supported: activation "mish"/,
  ],
  [
    'a softmax in the middle',
    sequential([4], [layer('Softmax'), layer('Rescaling')]),
    /Rescaling layer "l1" is not supported: it follows a softmax/,
  ],
  [
    'an open shape',
    sequential([null, null, 3], [layer('Flatten')]),
    /got \[any,any,3\]: give it as the option "inputShape"/,
  ],
  ['an image for a signal', sequential([4, 4, 1], [layer('ZeroPadding1D')]), /expected samples of 2 axes, got 4x4x1/],
  [
    'a kernel that is larger than the image',
    sequential([2, 2, 1], [layer('AveragePooling2D', { pool_size: 3 })]),
    /would have shape 0x0x1/,
  ],
  ['a reshape to more', sequential([4], [layer('Reshape', { target_shape: [5] })]), /shape 4 cannot take shape 5/],
  [
    'a field of another kind',
    sequential([4], [layer('Rescaling', { scale: 'x' })]),
    /Rescaling layer "l0": "scale" expected a number/,
  ],
  ['a circle', kerasFiles(self), /is part of a circle/],
])('%s is an error', (_, files, message) => {
  expect(() => importTfjs(files)).toThrow(message)
})

test('the shape of samples may be given', () => {
  const files = sequential([null, null, 1], [layer('GlobalAveragePooling2D')])
  expect(importTfjs(files, { inputShape: [2, 3, 1] }).graph.inputShape).toEqual([2, 3, 1])
})
