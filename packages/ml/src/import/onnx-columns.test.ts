import { describe, expect, test } from 'vitest'
import { buildModel, longs, type ModelLiteral, mlNode, node, valueInfo } from '../../test/onnx.ts'
import { type Answer, runAfter } from '../model/after.ts'
import { runBefore } from '../model/before.ts'
import type { Model } from '../model/model.ts'
import type { Cell } from '../model/steps.ts'
import { runClear } from '../run/clear.ts'
import { importOnnx } from './onnx.ts'

function answerOf({ before, graph, after }: Model, cells: ArrayLike<Cell>): Answer {
  return runAfter(after, runClear(graph, runBefore(before, cells)))
}

describe('columns of a table', () => {
  const table: ModelLiteral = {
    input: [],
    inputs: [
      valueInfo('age', ['n', 1]),
      valueInfo('sex', ['n', 1], 8),
      valueInfo('stage', ['n', 1], 7),
      valueInfo('size', ['n', 2]),
    ],
    nodes: [
      mlNode('Imputer', ['age'], 'known', {
        imputed_value_floats: { floats: [50] },
        replaced_value_float: { float: Number.NaN },
      }),
      node('Concat', ['known', 'size'], 'numbers', { axis: 1 }),
      mlNode('Scaler', ['numbers'], 'scaled', { offset: { floats: [40, 1, 2] }, scale: { floats: [0.1, 1, 2] } }),
      mlNode('OneHotEncoder', ['sex'], 'hot', { cats_strings: { strings: ['f', 'm'] } }),
      node('Reshape', ['hot', 'flat'], 'sexes'),
      mlNode('LabelEncoder', ['stage'], 'coded', {
        keys_int64s: [1, 2],
        values_floats: { floats: [0.5, 4] },
        default_float: { float: -1 },
      }),
      node('Concat', ['scaled', 'sexes', 'coded'], 'all', { axis: 1 }),
      mlNode('LinearRegressor', ['all'], 'y', { coefficients: { floats: [1, 10, 100, 1000, 2000, 1e4] } }),
    ],
    initializers: [longs('flat', [-1, 2])],
  }

  test('are prepared by the client, and joined', () => {
    const model = importOnnx(buildModel(table))
    expect(model.before.map(({ op }) => op)).toEqual(['columns', 'impute', 'encode', 'scale'])
    expect(model.before[0]).toMatchObject({
      columns: [
        { name: 'age' },
        { name: 'sex', values: ['f', 'm'], open: true },
        { name: 'stage' },
        { name: 'size[0]' },
        { name: 'size[1]' },
      ],
    })
    expect(answerOf(model, [60, 'm', 2, 3, 4]).values[0]).toBeCloseTo(2 + 20 + 400 + 2000 + 40_000, 4)
    expect(answerOf(model, [null, 'f', 1, 1, 2]).values[0]).toBeCloseTo(1 + 1000 + 5000, 4)
    expect(answerOf(model, [40, 'other', 9, 1, 2]).values[0]).toBeCloseTo(-10_000, 4)
  })

  test('a column that the model does not look at is marked', () => {
    const { before } = importOnnx(
      buildModel({
        input: [],
        inputs: [valueInfo('a', ['n', 1]), valueInfo('b', ['n', 1], 8)],
        nodes: [mlNode('LinearRegressor', ['a'], 'y', { coefficients: { floats: [1] } })],
      }),
    )
    expect(before[0]).toEqual({ op: 'columns', columns: [{ name: 'a' }, { name: 'b', unused: true }] })
  })

  const refused: [string, Partial<ModelLiteral>, RegExp][] = [
    [
      'computing with a text',
      { inputs: [valueInfo('x', ['n', 2], 8)], nodes: [node('Neg', ['x'], 'y')] },
      /Neg node "Neg_y" is not supported: its input is text; OneHotEncoder and LabelEncoder/,
    ],
    [
      'computing with a text among numbers',
      {
        inputs: [valueInfo('a', ['n', 1]), valueInfo('b', ['n', 1], 8)],
        nodes: [node('Concat', ['a', 'b'], 'c', { axis: 1 }), node('Neg', ['c'], 'y')],
      },
      /Neg node "Neg_y" is not supported: its input is text/,
    ],
    [
      'using the input both plain and prepared',
      {
        inputs: [valueInfo('x', ['n', 2])],
        nodes: [
          node('Neg', ['x'], 'a'),
          mlNode('Scaler', ['x'], 's', { offset: { floats: [1] } }),
          node('Add', ['a', 's'], 'y'),
        ],
      },
      /Add node "Add_y" is not supported: it takes the input prepared in another way/,
    ],
    [
      'a norm of computed values',
      {
        inputs: [valueInfo('x', ['n', 2])],
        nodes: [node('Neg', ['x'], 'a'), mlNode('Normalizer', ['a'], 'y', { norm: 'L2' })],
      },
      /Normalizer node .* divides by a value that depends on the input/,
    ],
    [
      'categories of computed values',
      {
        inputs: [valueInfo('x', ['n', 2])],
        nodes: [node('Neg', ['x'], 'a'), mlNode('OneHotEncoder', ['a'], 'y', { cats_int64s: [1, 2] })],
      },
      /OneHotEncoder node .* applied to a computed value; on the input itself the client does it/,
    ],
    [
      'an unknown link',
      {
        inputs: [valueInfo('x', ['n', 2])],
        nodes: [mlNode('LinearRegressor', ['x'], 'y', { coefficients: { floats: [1, 2] }, post_transform: 'PROBIT' })],
      },
      /LinearRegressor node .* attribute "post_transform" = PROBIT; NONE, LOGISTIC and SOFTMAX/,
    ],
    [
      'trees',
      { inputs: [valueInfo('x', ['n', 2])], nodes: [mlNode('TreeEnsembleClassifier', ['x'], 'y')] },
      /op ai\.onnx\.ml\.TreeEnsembleClassifier of node .* supported are ArrayFeatureExtractor, .*Comparisons are not polynomial/,
    ],
  ]
  test.each(refused)('%s is refused', (_, literal, message) => {
    expect(() => importOnnx(buildModel({ input: [], nodes: [], ...literal }))).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(message) }),
    )
  })
})
