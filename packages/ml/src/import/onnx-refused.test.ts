import { describe, expect, test } from 'vitest'
import { buildModel, floats, longs, type ModelLiteral, node, valueInfo } from '../../test/onnx.ts'
import { randomNumbers } from '../../test/random.ts'
import { importOnnx } from './onnx.ts'

const weights = (name: string, ...dims: number[]) =>
  floats(
    name,
    dims,
    randomNumbers(
      name.charCodeAt(0),
      dims.reduce((a, b) => a * b, 1),
    ),
  )

describe('what cannot be imported is named', () => {
  const refused: [string, ModelLiteral, RegExp][] = [
    [
      'an unknown op',
      { input: ['n', 1, 4, 4], nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 2] })] },
      /op MaxPool of node "MaxPool_y" is not supported; supported are Abs, Add, .*Unsqueeze.* Train with AveragePool/,
    ],
    [
      'an op of another domain',
      { input: ['n', 4], nodes: [{ ...node('Add', ['x', 'x'], 'y'), domain: 'com.example' }] },
      /com\.example\.Add/,
    ],
    [
      'an op called like a property of objects',
      { input: ['n', 4], nodes: [node('constructor', ['x'], 'y')] },
      /op constructor/,
    ],
    [
      'an unknown attribute',
      { input: ['n', 4], nodes: [node('Flatten', ['x'], 'y', { order: 'C' })] },
      /attribute "order" of Flatten node "Flatten_y" is not supported; supported are axis/,
    ],
    [
      'an attribute with a value beyond what is supported',
      {
        input: ['n', 1, 4],
        initializers: [weights('w', 1)],
        nodes: [node('BatchNormalization', ['x', 'w', 'w', 'w', 'w'], 'y', { training_mode: 1 })],
      },
      /BatchNormalization node "BatchNormalization_y" is not supported: attribute "training_mode" = 1/,
    ],
    [
      'mixing samples',
      { input: ['n', 4], nodes: [node('Transpose', ['x'], 'y', { perm: [1, 0] })] },
      /moves the batch axis/,
    ],
    [
      'reducing over samples',
      { input: ['n', 4], nodes: [node('ReduceSum', ['x', 'a'], 'y')], initializers: [longs('a', [0])] },
      /ReduceSum node "ReduceSum_y" .* axis 0, which is the batch/,
    ],
    [
      'a constant for each sample',
      { input: [3, 4], nodes: [node('Add', ['x', 'a'], 'y')], initializers: [weights('a', 3, 1)] },
      /Add node "Add_y" .* shape \[3,1\] does not treat all samples of a batch alike/,
    ],
    [
      'an axis before the batch',
      { input: [3, 4], nodes: [node('Expand', ['x', 'a'], 'y')], initializers: [longs('a', [1, 1, 4])] },
      /Expand node "Expand_y" .* adds an axis before the batch/,
    ],
    [
      'integers that wrap around',
      { input: [], inputs: [valueInfo('x', ['n', 2], 2)], nodes: [node('Add', ['x', 'x'], 'y')] },
      /Add node "Add_y" .* input 0 has element type uint8; put a Cast to float before it/,
    ],
    [
      'integers that would be rounded',
      { input: [], inputs: [valueInfo('x', ['n', 2], 7)], nodes: [node('Relu', ['x'], 'y')] },
      /Relu node "Relu_y" .* input 0 has element type int64/,
    ],
    [
      'an operator set of the future',
      { input: ['n', 4], opset: 30, nodes: [node('Neg', ['x'], 'y')] },
      /operator set 30; 1 to 21 are known: export it with opset_version=21/,
    ],
    ['a division by a variable', { input: ['n', 4], nodes: [node('Div', ['x', 'x'], 'y')] }, /not polynomial/],
    [
      'an exponent that is not whole',
      { input: ['n', 4], initializers: [floats('e', [], [0.5])], nodes: [node('Pow', ['x', 'e'], 'y')] },
      /exponent is 0\.5/,
    ],
    [
      'a dynamic size beside the batch',
      { input: ['n', 1, 'height'], nodes: [node('Neg', ['x'], 'y')] },
      /axis 2 of input "x" of Neg node "Neg_y" has size "height"/,
    ],
    [
      'two outputs',
      { input: ['n', 2], nodes: [node('Neg', ['x'], 'y'), node('Neg', ['y'], 'z')], outputs: ['y', 'z'] },
      /2 outputs \("y", "z"\)/,
    ],
    [
      'external data',
      {
        input: ['n', 2],
        initializers: [{ ...weights('w', 2), dataLocation: 1 } as never],
        nodes: [node('Add', ['x', 'w'], 'y')],
      },
      /tensor "w" has external data/,
    ],
    [
      'a type without numbers',
      { input: ['n', 2], initializers: [{ name: 'w', dims: [0], dataType: 8 }], nodes: [node('Add', ['x', 'w'], 'y')] },
      /tensor "w" has element type string; supported are float32/,
    ],
  ]
  test.each(refused)('%s', (_, literal, message) => {
    expect(() => importOnnx(buildModel(literal))).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(message) }),
    )
  })
})

describe('what is not a model is refused', () => {
  const broken: [string, ModelLiteral, RegExp][] = [
    [
      'a missing tensor',
      { input: ['n', 2], nodes: [node('Add', ['x', 'w'], 'y')] },
      /input "w" of Add node "Add_y" is neither/,
    ],
    ['a missing output', { input: ['n', 2], nodes: [node('Neg', ['x'], 'z')] }, /"y" is computed by no node/],
    [
      'too little data',
      {
        input: ['n', 2],
        initializers: [floats('w', [1000000, 1000000], [1, 2])],
        nodes: [node('Add', ['x', 'w'], 'y')],
      },
      /tensor "w" of shape 1000000x1000000 needs 1000000000000 elements of float32, it has 2/,
    ],
    [
      'weights that are not numbers',
      { input: ['n', 2], initializers: [floats('w', [2], [1, Number.NaN])], nodes: [node('Add', ['x', 'w'], 'y')] },
      /has NaN at element 1/,
    ],
    [
      'sizes that disagree',
      { input: ['n', 5], initializers: [weights('w', 4, 3)], nodes: [node('Gemm', ['x', 'w'], 'y')] },
      /weights for 4 inputs do not fit 5 numbers/,
    ],
    [
      'channels that disagree',
      { input: ['n', 3, 4, 4], initializers: [weights('w', 2, 2, 3, 3)], nodes: [node('Conv', ['x', 'w'], 'y')] },
      /2 maps over 2 channels in 1 groups do not fit an input of 3 channels/,
    ],
    [
      'a kernel larger than the image',
      { input: ['n', 1, 2, 2], initializers: [weights('w', 1, 1, 3, 3)], nodes: [node('Conv', ['x', 'w'], 'y')] },
      /would have shape/,
    ],
  ]
  test.each(broken)('%s', (_, literal, message) => {
    expect(() => importOnnx(buildModel(literal))).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringMatching(message) }),
    )
  })

  test('absurd sizes are refused before memory is taken', () => {
    const literal: ModelLiteral = { input: ['n', 2 ** 40], nodes: [node('Neg', ['x'], 'y')] }
    expect(() => importOnnx(buildModel(literal))).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  test('truncated and damaged files', () => {
    const bytes = buildModel({
      input: ['n', 5],
      initializers: [weights('w', 3, 5), weights('c', 3)],
      nodes: [node('Gemm', ['x', 'w', 'c'], 'y', { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } })],
    })
    const known = expect.objectContaining({ name: 'GloveboxError' })
    for (let length = 0; length < bytes.length; length++)
      expect(() => importOnnx(bytes.subarray(0, length))).toThrow(known)
    for (let i = 0; i < bytes.length; i++) {
      const damaged = bytes.slice()
      damaged[i]! ^= 1 << (i % 8)
      try {
        importOnnx(damaged)
      } catch (error) {
        expect(error).toEqual(known)
      }
    }
  })
})
