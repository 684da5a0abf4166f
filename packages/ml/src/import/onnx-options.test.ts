import { describe, expect, test } from 'vitest'
import { buildModel, floats, longs, type ModelLiteral, node, valueInfo } from '../../test/onnx.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { runClear } from '../run/clear.ts'
import { importOnnx } from './onnx.ts'

const tensor = (shape: readonly number[], data: readonly number[]) => ({ shape, data: Float64Array.from(data) })

describe('which inputs, which axis is the batch, which output', () => {
  const sum: ModelLiteral = {
    input: [],
    inputs: [valueInfo('a', [2, 3]), valueInfo('b', [3])],
    nodes: [node('Sub', ['a', 'b'], 'y')],
  }

  test('an input that is bound is a constant', () => {
    const { graph } = importOnnx(buildModel(sum), { constants: { b: tensor([3], [1, 2, 3]) } })
    expect([graph.inputName, graph.inputShape]).toEqual(['a', [3]])
    expect([...runClear(graph, Float64Array.of(5, 5, 5))]).toEqual([4, 3, 2])
  })

  test('without a batch axis the whole input is one sample, and axis 0 is like any other', () => {
    const model = importOnnx(
      buildModel({
        input: [2, 3],
        nodes: [node('Transpose', ['x'], 't'), node('ReduceSum', ['t'], 'y', { keepdims: 0 })],
        outputs: ['t'],
      }),
      { batch: 'none' },
    )
    expect([model.graph.inputShape, model.graph.outputShape]).toEqual([
      [2, 3],
      [3, 2],
    ])
    expect([...runClear(model.graph, Float64Array.of(1, 2, 3, 4, 5, 6))]).toEqual([1, 4, 2, 5, 3, 6])
  })

  test('of several outputs one is chosen', () => {
    const bytes = buildModel({
      input: ['n', 4],
      nodes: [node('Split', ['x'], ['a', 'b'], { axis: 1 })],
      outputs: ['a', 'b'],
    })
    expect([...runClear(importOnnx(bytes, { output: 'b' }).graph, Float64Array.of(1, 2, 3, 4))]).toEqual([3, 4])
    expect(() => importOnnx(bytes)).toThrow(/2 outputs \("a", "b"\); choose one by "output"/)
    expect(() => importOnnx(bytes, { output: 'c' })).toThrow(
      new RangeError('"output" expected one of "a", "b", got "c"'),
    )
  })

  test('options that do not fit are refused', () => {
    const bytes = buildModel(sum)
    expect(() => importOnnx(bytes)).toThrow(/2 inputs \("a" of Sub node "Sub_y", .* Bind the others by "constants"/)
    expect(() => importOnnx(bytes, { constants: { c: tensor([1], [1]) } })).toThrow(
      /names of inputs \("a", "b"\), got "c"/,
    )
    expect(() => importOnnx(bytes, { constants: { b: tensor([3], [1]) } })).toThrow(/"constants.b" expected 3 numbers/)
    expect(() => importOnnx(bytes, { batch: 'last' as never })).toThrow(/"batch" expected 'first' or 'none', got last/)
    const both = { a: tensor([2, 3], [1, 2, 3, 4, 5, 6]), b: tensor([3], [1, 2, 3]) }
    expect(() => importOnnx(bytes, { constants: both })).toThrow(/Sub node "Sub_y" computes is always the same/)
  })

  test('a batch of fixed size stays apart from what follows', () => {
    const reshaped = (shape: readonly number[]) =>
      importOnnx(
        buildModel({ input: [3, 2, 2], initializers: [longs('s', shape)], nodes: [node('Reshape', ['x', 's'], 'y')] }),
      ).graph.outputShape
    expect(
      [
        [3, 4],
        [0, -1],
        [-1, 4],
      ].map(reshaped),
    ).toEqual([[4], [4], [4]])
    expect(() => reshaped([1, -1])).toThrow(/Reshape node "Reshape_y" .* changes the batch of 3/)
  })
})

describe("the end of a model is the client's", () => {
  const ending = (...nodes: ModelLiteral['nodes']) =>
    importOnnx(
      buildModel({
        input: ['n', 2, 3],
        initializers: [floats('w', [3, 3], randomNumbers(1, 9))],
        nodes: [node('MatMul', ['x', 'w'], 'm'), ...nodes],
      }),
    )

  test.each([
    ['Softmax over the last axis', [node('Softmax', ['m'], 'y')], [{ op: 'softmax', along: { length: 3, stride: 1 } }]],
    [
      'Softmax over another',
      [node('Softmax', ['m'], 'y', { axis: 1 })],
      [{ op: 'softmax', along: { length: 2, stride: 3 } }],
    ],
    ['Softmax of everything', [node('Flatten', ['m'], 'f'), node('Softmax', ['f'], 'y')], [{ op: 'softmax' }]],
    ['LogSoftmax', [node('Flatten', ['m'], 'f'), node('LogSoftmax', ['f'], 'y')], [{ op: 'softmax', log: true }]],
    ['a last Sigmoid', [node('Sigmoid', ['m'], 's'), node('Flatten', ['s'], 'y')], [{ op: 'sigmoid' }]],
    ['a last Exp', [node('Exp', ['m'], 'y')], [{ op: 'exp' }]],
  ])('%s', (_, nodes, after) => {
    const model = ending(...nodes)
    expect(model.after).toEqual(after)
    expect(model.graph.nodes[model.graph.output]!.op).toBe('affine')
  })

  test('before operator set 13 Softmax runs over all axes behind its own', () => {
    const nodes = [node('Softmax', ['x'], 'y', { axis: 2 })]
    const after = (input: readonly (number | string)[]) => importOnnx(buildModel({ input, opset: 11, nodes })).after
    expect(after(['n', 2, 3])).toEqual([{ op: 'softmax', along: { length: 3, stride: 1 } }])
    expect(after(['n', 2, 3, 4])).toEqual([{ op: 'softmax', along: { length: 12, stride: 1 } }])
  })

  test('a Sigmoid in the middle is an activation of the graph', () => {
    const { graph, after } = ending(node('Sigmoid', ['m'], 's'), node('Neg', ['s'], 'y'))
    expect(after).toEqual([])
    expect(graph.nodes.map(({ op, activation }) => activation?.kind ?? op)).toEqual([
      'input',
      'affine',
      'Sigmoid',
      'affine',
    ])
  })

  test('nothing can be computed encrypted behind it', () => {
    expect(() => ending(node('Softmax', ['m'], 's'), node('MatMul', ['s', 'w'], 'y'))).toThrow(
      /MatMul node "MatMul_y" is not supported: it comes behind softmax, which the client computes after decryption/,
    )
  })
})

describe('small files that ask for much', () => {
  const hostile: [string, ModelLiteral][] = [
    [
      'windows',
      {
        input: ['n', 1, 2, 2],
        nodes: [
          node('AveragePool', ['x'], 'y', {
            kernel_shape: [2 ** 30, 2 ** 30],
            pads: [2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30],
            strides: [2 ** 31, 2 ** 31],
          }),
        ],
      },
    ],
    ['padding', { input: ['n', 2], opset: 10, nodes: [node('Pad', ['x'], 'y', { pads: [0, 0, 0, 2 ** 40] })] }],
    ['copies', { input: ['n', 2], initializers: [longs('r', [1, 2 ** 40])], nodes: [node('Tile', ['x', 'r'], 'y')] }],
    ['shapes', { input: ['n', 1], initializers: [longs('r', [1, 2 ** 31])], nodes: [node('Expand', ['x', 'r'], 'y')] }],
    ['products', { input: ['n', 1, 2 ** 11, 2 ** 11], nodes: [node('MatMul', ['x', 'x'], 'y')] }],
    [
      'one value in many places',
      {
        input: ['n', 2 ** 12],
        nodes: [node('Concat', new Array<string>(200).fill('x'), 'y', { axis: 1 }), node('Neg', ['y'], 'z')],
        outputs: ['z'],
      },
    ],
    [
      'axes',
      {
        input: ['n', 1],
        initializers: [
          longs(
            'u',
            Array.from({ length: 40 }, (_, i) => i + 2),
          ),
        ],
        nodes: [node('Unsqueeze', ['x', 'u'], 'y')],
      },
    ],
  ]
  test.each(hostile)('%s', (name, literal) => {
    const made = (): unknown => importOnnx(buildModel(literal))
    // The windows are as many as the padding leaves: one, with four numbers in it.
    if (name === 'windows') expect(made()).toMatchObject({ graph: { outputShape: [1, 1, 1] } })
    else if (name === 'axes') expect(made).toThrow(/Unsqueeze node "Unsqueeze_y" .* has 42 axes, more than 32/)
    else expect(made).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  test('a slice that reaches far', () => {
    const { graph } = importOnnx(
      buildModel({
        input: ['n', 3],
        initializers: [longs('s', [-(2 ** 53)]), longs('e', [2 ** 53]), longs('a', [1]), longs('t', [2])],
        nodes: [node('Slice', ['x', 's', 'e', 'a', 't'], 'y')],
      }),
    )
    expect(largestDifference(runClear(graph, Float64Array.of(1, 2, 3)), [1, 3])).toBe(0)
  })
})
