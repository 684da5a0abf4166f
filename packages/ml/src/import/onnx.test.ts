import { describe, expect, test } from 'vitest'
import { buildModel, floats, longs, type ModelLiteral, node, rawFloats } from '../../test/onnx.ts'
import { moreCases } from '../../test/onnx-cases.ts'
import { runOrt } from '../../test/ort.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { runClear } from '../run/clear.ts'
import { importOnnx } from './onnx.ts'

const r = (seed: number, ...dims: number[]): Float64Array =>
  randomNumbers(
    seed,
    dims.reduce((a, b) => a * b, 1),
  )
const weights = (name: string, ...dims: number[]) => floats(name, dims, r(name.charCodeAt(0), ...dims))
const positive = (name: string, n: number) =>
  floats(
    name,
    [n],
    r(7, n).map((v) => Math.abs(v) + 0.5),
  )

/** One op, or a few; each is compared with onnxruntime on three samples. */
const cases: Record<string, ModelLiteral> = {
  'Conv with stride, pads, dilation and bias': {
    input: ['n', 2, 9, 8],
    initializers: [weights('w', 3, 2, 3, 2), weights('b', 3)],
    nodes: [
      node('Conv', ['x', 'w', 'b'], 'y', {
        strides: [2, 1],
        pads: [1, 0, 2, 1],
        dilations: [2, 3],
        kernel_shape: [3, 2],
      }),
    ],
  },
  'Conv in groups': {
    input: ['n', 4, 5, 5],
    initializers: [weights('w', 6, 2, 3, 3)],
    nodes: [node('Conv', ['x', 'w'], 'y', { group: 2 })],
  },
  'Conv depthwise, auto_pad SAME_UPPER': {
    input: ['n', 3, 6, 7],
    initializers: [weights('w', 3, 1, 4, 2)],
    nodes: [node('Conv', ['x', 'w'], 'y', { group: 3, auto_pad: 'SAME_UPPER', strides: [2, 2] })],
  },
  'Conv auto_pad SAME_LOWER': {
    input: ['n', 1, 6, 7],
    initializers: [weights('w', 2, 1, 4, 2)],
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'SAME_LOWER' })],
  },
  'Conv auto_pad VALID': {
    input: ['n', 1, 6, 7],
    initializers: [weights('w', 2, 1, 4, 2)],
    nodes: [node('Conv', ['x', 'w'], 'y', { auto_pad: 'VALID' })],
  },
  'Conv over one axis': {
    input: ['n', 2, 9],
    initializers: [weights('w', 3, 2, 4)],
    nodes: [node('Conv', ['x', 'w'], 'y', { strides: [2], pads: [1, 2] })],
  },
  'Gemm with transB, alpha, beta': {
    input: ['n', 5],
    initializers: [weights('w', 3, 5), weights('c', 3)],
    nodes: [node('Gemm', ['x', 'w', 'c'], 'y', { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } })],
  },
  'Gemm plain, C a row': {
    input: [1, 5],
    initializers: [weights('w', 5, 3), weights('c', 1, 3)],
    nodes: [node('Gemm', ['x', 'w', 'c'], 'y')],
  },
  'MatMul with a constant on the right': {
    input: ['n', 4, 5],
    initializers: [weights('w', 5, 3)],
    nodes: [node('MatMul', ['x', 'w'], 'y')],
  },
  'MatMul with a constant on the left': {
    input: ['n', 2, 4, 5],
    initializers: [weights('w', 3, 4)],
    nodes: [node('MatMul', ['w', 'x'], 'y')],
  },
  'Add, Sub, Mul, Div of constants that broadcast': {
    input: ['n', 2, 3, 4],
    initializers: [weights('a', 2, 1, 1), weights('b', 4), weights('c', 1, 1, 3, 1), positive('d', 1)],
    nodes: [
      node('Add', ['x', 'a'], 'p'),
      node('Sub', ['b', 'p'], 'q'),
      node('Mul', ['q', 'c'], 's'),
      node('Sub', ['s', 'a'], 't'),
      node('Div', ['t', 'd'], 'y'),
    ],
  },
  'a constant that widens the sample': {
    input: ['n', 2, 1],
    initializers: [weights('a', 5)],
    nodes: [node('Mul', ['x', 'a'], 'y')],
  },
  'arithmetic of two variables': {
    input: ['n', 3, 4],
    initializers: [weights('w', 4, 1)],
    nodes: [
      node('MatMul', ['x', 'w'], 'm'),
      node('Mul', ['x', 'm'], 'p'),
      node('Sub', ['m', 'p'], 'q'),
      node('Neg', ['q'], 's'),
      node('Add', ['s', 'x'], 'y'),
    ],
  },
  ...Object.fromEntries(
    [1, 2, 3, 5, 6].map((n) => [
      `Pow ${n}`,
      { input: ['n', 4], initializers: [floats('e', [], [n])], nodes: [node('Pow', ['x', 'e'], 'y')] } as ModelLiteral,
    ]),
  ),
  'AveragePool without and with counted padding': {
    input: ['n', 2, 7, 6],
    nodes: [
      node('AveragePool', ['x'], 'p', { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 1, 1, 0] }),
      node('AveragePool', ['p'], 'y', { kernel_shape: [2, 2], pads: [1, 0, 0, 1], count_include_pad: 1 }),
    ],
  },
  GlobalAveragePool: { input: ['n', 3, 4, 5], nodes: [node('GlobalAveragePool', ['x'], 'y')] },
  BatchNormalization: {
    input: ['n', 3, 2, 2],
    initializers: [weights('s', 3), weights('b', 3), weights('m', 3), positive('v', 3)],
    nodes: [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], 'y', { epsilon: { float: 1e-3 } })],
  },
  Pad: {
    input: ['n', 2, 3, 4],
    initializers: [longs('p', [0, 1, 2, 0, 0, 0, -1, 3]), floats('v', [], [0.25])],
    nodes: [node('Pad', ['x', 'p', 'v'], 'y', { mode: 'constant' })],
  },
  'Pad of an old operator set': {
    input: ['n', 2, 3],
    opset: 10,
    nodes: [node('Pad', ['x'], 'y', { pads: [0, 1, 2, 0, 0, 3], value: { float: 0.5 } })],
  },
  'Flatten, Reshape, Transpose, Squeeze, Unsqueeze': {
    input: ['n', 2, 3, 4],
    initializers: [longs('s', [0, 4, -1]), longs('u', [1, 3]), longs('t', [-1])],
    nodes: [
      node('Transpose', ['x'], 'a', { perm: [0, 3, 1, 2] }),
      node('Flatten', ['a'], 'b'),
      node('Reshape', ['b', 's'], 'c'),
      node('Unsqueeze', ['c', 'u'], 'd'),
      node('Squeeze', ['d', 'u'], 'e'),
      node('Unsqueeze', ['e', 't'], 'y'),
    ],
  },
  'Flatten at the axis before the last two': {
    input: ['n', 1, 2, 3],
    nodes: [node('Flatten', ['x'], 'y', { axis: -2 })],
  },
  'Flatten of vectors at their only axis, counted from the end': {
    input: ['n', 5],
    nodes: [node('Flatten', ['x'], 'y', { axis: -1 })],
  },
  'Reshape with a target computed from the batch size': {
    input: ['n', 2, 3],
    initializers: [longs('zero', [0], []), longs('first', [0]), longs('rest', [-1])],
    nodes: [
      node('Shape', ['x'], 'a'),
      node('Gather', ['a', 'zero'], 'b', { axis: 0 }),
      node('Unsqueeze', ['b', 'first'], 'c'),
      node('Concat', ['c', 'rest'], 'd', { axis: 0 }),
      node('Reshape', ['x', 'd'], 'y'),
    ],
  },
  'Slice forwards and backwards': {
    input: ['n', 5, 6],
    initializers: [longs('s', [1, -1]), longs('e', [2 ** 53, -7]), longs('a', [1, 2]), longs('t', [2, -2])],
    nodes: [node('Slice', ['x', 's', 'e', 'a', 't'], 'y')],
  },
  'Concat of variables and a constant with a batch axis of 1': {
    input: [1, 2, 3],
    initializers: [weights('c', 1, 1, 3)],
    nodes: [node('Neg', ['x'], 'm'), node('Concat', ['m', 'c', 'x'], 'y', { axis: 1 })],
  },
  'ReduceMean and ReduceSum': {
    input: ['n', 2, 3, 4],
    initializers: [longs('a', [-1])],
    nodes: [
      node('ReduceMean', ['x'], 'm', { axes: [1, 3], keepdims: 1 }),
      node('ReduceSum', ['m', 'a'], 'y', { keepdims: 0 }),
    ],
  },
  'Identity, Cast, Dropout, Constant': {
    input: ['n', 3],
    nodes: [
      node('Constant', [], 'c', { value: rawFloats('', [3], [1, 2, 3]) }),
      node('Constant', [], 'e', { value_float: { float: 2 } }),
      node('Identity', ['c'], 'd'),
      node('Mul', ['x', 'd'], 'p'),
      node('Cast', ['p'], 'q', { to: 1 }),
      node('Dropout', ['q'], 's'),
      node('Pow', ['s', 'e'], 'y'),
    ],
  },
  ...moreCases,
}

describe('every op equals onnxruntime', () => {
  test.each(Object.entries(cases))('%s', async (_, literal) => {
    const bytes = buildModel(literal)
    const { graph } = importOnnx(bytes)
    const count = literal.input[0] === 1 ? 1 : 3
    const samples = randomNumbers(1, count * graph.nodes[0]!.size)
    const clear = runClear(graph, samples)
    expect(largestDifference(clear, await runOrt(bytes, graph.inputShape, samples))).toBeLessThan(1e-5)
    expect(clear.length).toBe(count * graph.outputShape.reduce((a, b) => a * b, 1))
  })
})
