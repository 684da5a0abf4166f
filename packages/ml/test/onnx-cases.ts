// Models of one op, or a few, that the importer and onnxruntime must agree on.
import { floats, longs, type ModelLiteral, node } from './onnx.ts'
import { randomNumbers } from './random.ts'

const weights = (name: string, ...dims: number[]) =>
  floats(
    name,
    dims,
    randomNumbers(
      name.charCodeAt(0),
      dims.reduce((a, b) => a * b, 1),
    ),
  )

export const moreCases: Readonly<Record<string, ModelLiteral>> = {
  'Conv and AveragePool over three axes': {
    input: ['n', 2, 4, 5, 6],
    initializers: [weights('w', 3, 2, 2, 3, 2)],
    nodes: [
      node('Conv', ['x', 'w'], 'c', { strides: [1, 2, 1], pads: [1, 0, 1, 0, 1, 1] }),
      node('AveragePool', ['c'], 'y', { kernel_shape: [2, 1, 3] }),
    ],
  },
  ...Object.fromEntries(
    [0, 1].map((count) => [
      `AveragePool with ceil_mode, count_include_pad ${count}`,
      {
        input: ['n', 2, 8, 7],
        nodes: [
          node('AveragePool', ['x'], 'y', {
            kernel_shape: [3, 3],
            strides: [2, 3],
            pads: [1, 1, 0, 1],
            ceil_mode: 1,
            count_include_pad: count,
          }),
        ],
      } as ModelLiteral,
    ]),
  ),
  ...Object.fromEntries(
    [0, 1].map((count) => [
      `AveragePool with ceil_mode over the edge, count_include_pad ${count}`,
      {
        input: ['n', 2, 5, 6],
        nodes: [
          node('AveragePool', ['x'], 'y', {
            kernel_shape: [2, 3],
            strides: [3, 2],
            pads: [0, 0, 1, 0],
            ceil_mode: 1,
            count_include_pad: count,
          }),
        ],
      } as ModelLiteral,
    ]),
  ),
  'integers of constants divide towards 0': {
    input: ['n', 6],
    initializers: [longs('a', [-1, 7, 5]), longs('b', [1, 2, 2])],
    nodes: [node('Div', ['a', 'b'], 's'), node('Reshape', ['x', 's'], 'y')],
  },
  'AveragePool with dilations': {
    input: ['n', 2, 8, 7],
    opset: 19,
    nodes: [node('AveragePool', ['x'], 'y', { kernel_shape: [3, 2], dilations: [2, 3] })],
  },
  'MatMul of two variables, and with stacks of matrices': {
    input: ['n', 2, 3, 4],
    initializers: [weights('w', 2, 3, 5), weights('v', 5)],
    nodes: [
      node('Transpose', ['x'], 't', { perm: [0, 1, 3, 2] }),
      node('MatMul', ['x', 't'], 'a'),
      node('MatMul', ['a', 'w'], 'b'),
      node('MatMul', ['t', 'b'], 'c'),
      node('MatMul', ['c', 'v'], 'y'),
    ],
  },
  'Sum and Mean of variables and constants': {
    input: ['n', 3, 4],
    initializers: [weights('a', 4), weights('b', 3, 1)],
    nodes: [node('Sum', ['x', 'a', 'x'], 'p'), node('Mean', ['p', 'b', 'x'], 'y')],
  },
  'Pow with an exponent for each element': {
    input: ['n', 2, 3],
    initializers: [floats('e', [3], [0, 3, 2])],
    nodes: [node('Pow', ['x', 'e'], 'y')],
  },
  ...Object.fromEntries(
    ['reflect', 'edge', 'wrap'].map((mode) => [
      `Pad ${mode}`,
      {
        input: ['n', 3, 4],
        opset: 19,
        initializers: [longs('p', [1, 3, 2, 2]), longs('a', [1, -1])],
        nodes: [node('Pad', ['x', 'p', '', 'a'], 'y', { mode })],
      } as ModelLiteral,
    ]),
  ),
  'Split, Gather, Tile and Expand': {
    input: ['n', 5, 4],
    opset: 18,
    initializers: [
      longs('i', [3, -1, 0, 0], [2, 2]),
      longs('r', [1, 1, 2, 1]),
      longs('two', [1, 1, 1, 1, 2]),
      longs('one', [-1]),
    ],
    nodes: [
      node('Split', ['x'], ['a', 'b', 'c'], { axis: 1, num_outputs: 3 }),
      node('Concat', ['c', 'a'], 'd', { axis: 1 }),
      node('Gather', ['d', 'i'], 'f', { axis: 2 }),
      node('Tile', ['f', 'r'], 'g'),
      node('Unsqueeze', ['g', 'one'], 'h'),
      node('Expand', ['h', 'two'], 'y'),
    ],
  },
  'constants through ops of their own': {
    input: ['n', 4],
    initializers: [weights('w', 3, 4), weights('b', 6), longs('s', [3]), longs('t', [6]), weights('f', 1, 3)],
    nodes: [
      node('Transpose', ['w'], 'v', { perm: [1, 0] }),
      node('Relu', ['v'], 'u'),
      node('Slice', ['b', 's', 't'], 'c'),
      node('MatMul', ['f', 'w'], 'g'),
      node('MatMul', ['x', 'u'], 'm'),
      node('Concat', ['c', 'c'], 'd', { axis: 0 }),
      node('ReduceSum', ['d'], 'e'),
      node('Add', ['m', 'c'], 'p'),
      node('Mul', ['p', 'e'], 'q'),
      node('ReduceMean', ['g'], 'h', { keepdims: 0 }),
      node('Sub', ['q', 'h'], 'y'),
    ],
  },
  ...Object.fromEntries(
    (
      [
        ['Relu'],
        ['Tanh'],
        ['Softplus'],
        ['Softsign'],
        ['Erf'],
        ['Abs'],
        ['HardSwish'],
        ['Selu'],
        ['LeakyRelu', { alpha: { float: 0.3 } }],
        ['Elu', { alpha: { float: 0.7 } }],
        ['Celu', { alpha: { float: 0.7 } }],
        ['HardSigmoid', { alpha: { float: 0.3 } }],
        ['Gelu'],
        ['Gelu', { approximate: 'tanh' }],
      ] as const
    ).map(([op, attributes = {}]) => [
      `${op} ${Object.keys(attributes)}`,
      {
        input: ['n', 8],
        opset: 20,
        initializers: [floats('s', [], [8])],
        nodes: [node('Mul', ['x', 's'], 'z'), node(op, ['z'], 'y', attributes)],
      } as ModelLiteral,
    ]),
  ),
  'PRelu per channel, Clip with one bound and with two': {
    input: ['n', 3, 4],
    initializers: [weights('s', 3, 1), floats('low', [], [-0.25]), floats('high', [], [0.125])],
    nodes: [
      node('PRelu', ['x', 's'], 'a'),
      node('Clip', ['a', 'low'], 'b'),
      node('Clip', ['b', '', 'high'], 'c'),
      node('Clip', ['c', 'low', 'high'], 'y'),
    ],
  },
  'LayerNormalization of single values': {
    input: ['n', 3, 1],
    initializers: [floats('s', [1], [2]), floats('b', [1], [0.5])],
    nodes: [node('LayerNormalization', ['x', 's', 'b'], 'z'), node('Add', ['x', 'z'], 'y')],
  },
  'float16 weights': {
    input: ['n', 3],
    initializers: [{ name: 'h', dims: [3], dataType: 10, int32Data: [0x3c00, 0xb555, 0x0001] } as never],
    nodes: [node('Cast', ['h'], 'f', { to: 1 }), node('Mul', ['x', 'f'], 'y')],
  },
}
