import * as ort from 'onnxruntime-web'
import { describe, expect, test } from 'vitest'
import { buildModel, floats, longs, type ModelLiteral, mlNode, node, valueInfo } from '../../test/onnx.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { type Answer, runAfter } from '../model/after.ts'
import { runBefore } from '../model/before.ts'
import type { Model } from '../model/model.ts'
import type { Cell } from '../model/steps.ts'
import { runClear } from '../run/clear.ts'
import { importOnnx } from './onnx.ts'

function answerOf({ before, graph, after }: Model, cells: ArrayLike<Cell>): Answer {
  return runAfter(after, runClear(graph, runBefore(before, cells)))
}

/** onnxruntime's outputs for rows of numbers, one behind the other. */
async function ortOf(
  bytes: Uint8Array,
  rows: readonly (readonly number[])[],
): Promise<Record<string, ArrayLike<number>>> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  const results = await session.run({
    x: new ort.Tensor('float32', Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]),
  })
  await session.release()
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]))
}

const r = (seed: number, count: number) => ({ floats: randomNumbers(seed, count) })

describe('ai.onnx.ml on numbers equals onnxruntime', () => {
  const regressions: Record<string, ModelLiteral> = {
    'LinearRegressor with two targets': {
      input: ['n', 3],
      nodes: [mlNode('LinearRegressor', ['x'], 'y', { coefficients: r(1, 6), intercepts: r(2, 2), targets: 2 })],
    },
    'LinearRegressor with a link': {
      input: ['n', 3],
      nodes: [
        mlNode('LinearRegressor', ['x'], 'y', {
          coefficients: r(1, 6),
          targets: 2,
          post_transform: 'SOFTMAX',
        }),
      ],
    },
    'Scaler and LinearRegressor': {
      input: ['n', 3],
      nodes: [
        mlNode('Scaler', ['x'], 's', { offset: r(1, 3), scale: { floats: [0.5, 2, -3] } }),
        mlNode('LinearRegressor', ['s'], 'y', { coefficients: r(2, 3), intercepts: r(3, 1) }),
      ],
    },
    'Scaler twice, with one number and with one for each': {
      input: ['n', 3],
      nodes: [
        mlNode('Scaler', ['x'], 's', { offset: { floats: [0.25] }, scale: { floats: [4] } }),
        mlNode('Scaler', ['s'], 't', { offset: r(1, 3), scale: { floats: [0.5, 2, -3] } }),
        node('Neg', ['t'], 'y'),
      ],
    },
    'Scaler of computed values': {
      input: ['n', 3],
      nodes: [
        node('Mul', ['x', 'x'], 'q'),
        mlNode('Scaler', ['q'], 'y', { offset: r(1, 3), scale: { floats: [0.5, 2, -3] } }),
      ],
    },
    ...Object.fromEntries(
      ['L1', 'L2'].map((norm) => [
        `Normalizer ${norm} behind Scaler`,
        {
          input: ['n', 4],
          nodes: [
            mlNode('Scaler', ['x'], 's', { offset: r(1, 4), scale: { floats: [2, 2, 3, 1] } }),
            mlNode('Normalizer', ['s'], 't', { norm }),
            mlNode('LinearRegressor', ['t'], 'y', { coefficients: r(2, 4) }),
          ],
        } as ModelLiteral,
      ]),
    ),
    'ArrayFeatureExtractor of columns in another order': {
      input: ['n', 4],
      initializers: [longs('i', [2, 0])],
      nodes: [
        mlNode('ArrayFeatureExtractor', ['x', 'i'], 'f'),
        mlNode('LinearRegressor', ['f'], 'y', { coefficients: r(2, 2) }),
      ],
    },
    'Imputer of a mark, and of everything else nothing': {
      input: ['n', 3],
      nodes: [
        mlNode('Imputer', ['x'], 's', {
          imputed_value_floats: { floats: [5, 6, 7] },
          replaced_value_float: { float: 0.5 },
        }),
        mlNode('LinearRegressor', ['s'], 'y', { coefficients: r(2, 3) }),
      ],
    },
  }
  test.each(Object.entries(regressions))('%s', async (name, literal) => {
    const bytes = buildModel(literal)
    const row = [...randomNumbers(9, Number(literal.input[1]))]
    if (name.startsWith('Imputer')) row[1] = 0.5
    const { y } = await ortOf(bytes, [row])
    expect(largestDifference(answerOf(importOnnx(bytes), row).values, y!)).toBeLessThan(1e-6)
  })

  test.each([
    ['SOFTMAX', 3],
    ['LOGISTIC', 3],
    ['NONE', 3],
    ['LOGISTIC', 2],
    ['SOFTMAX', 2],
  ])('LinearClassifier %s of %i classes: label and scores', async (post_transform, classes) => {
    const bytes = buildModel({
      input: ['n', 4],
      outputs: [['label', 7], 'scores'],
      nodes: [
        mlNode('LinearClassifier', ['x'], ['label', 'scores'], {
          coefficients: r(1, 4 * classes),
          intercepts: r(2, classes),
          classlabels_ints: [7, 3, 5].slice(0, classes),
          post_transform,
        }),
      ],
    })
    const rows = Array.from({ length: 8 }, (_, seed) => [...randomNumbers(seed, 4)])
    const truth = await ortOf(bytes, rows)
    const [both, alone] = [importOnnx(bytes), importOnnx(bytes, { output: 'scores' })]
    rows.forEach((row, i) => {
      const { values, label } = answerOf(both, row)
      expect(label).toBe(String(truth.label![i]))
      const expected = Array.from({ length: classes }, (_, c) => truth.scores![i * classes + c]!)
      expect(largestDifference(values, expected)).toBeLessThan(1e-6)
      expect(answerOf(alone, row)).toMatchObject({ values })
      expect(answerOf(alone, row).label).toBeUndefined()
    })
  })
})

test('a classifier of two classes with one row of coefficients chooses by a threshold', () => {
  const classifier = (post_transform: string) =>
    importOnnx(
      buildModel({
        input: ['n', 1],
        outputs: [['label', 7], 'scores'],
        nodes: [
          mlNode('LinearClassifier', ['x'], ['label', 'scores'], {
            coefficients: { floats: [2] },
            classlabels_strings: { strings: ['no', 'yes'] },
            post_transform,
          }),
        ],
      }),
    )
  expect(classifier('NONE').after).toEqual([{ op: 'labels', names: ['no', 'yes'], threshold: 0 }])
  expect([-1, 1].map((x) => answerOf(classifier('LOGISTIC'), [x]).label)).toEqual(['no', 'yes'])
})

test('the graph of scikit-learn exporters: ZipMap and a label by ArgMax become names of the classes', () => {
  const model = importOnnx(
    buildModel({
      input: ['n', 2],
      initializers: [floats('w', [2, 3], randomNumbers(4, 6)), longs('classes', [4, 8, 6])],
      outputs: [['label', 7], 'p'],
      nodes: [
        node('MatMul', ['x', 'w'], 'm'),
        node('Softmax', ['m'], 'p', { axis: 1 }),
        node('ArgMax', ['p'], 'i', { axis: 1 }),
        mlNode('ArrayFeatureExtractor', ['classes', 'i'], 'c'),
        node('Cast', ['c'], 'd', { to: 7 }),
        node('Reshape', ['d', 'flat'], 'label'),
      ].toSpliced(4, 0, node('Constant', [], 'flat', { value: longs('', [-1]) })),
    }),
  )
  expect(model.after).toEqual([{ op: 'softmax' }, { op: 'labels', names: ['4', '8', '6'] }])
  expect(model.graph.outputShape).toEqual([3])
  const zipped = importOnnx(
    buildModel({
      input: ['n', 2],
      nodes: [
        node('Softmax', ['x'], 'p'),
        mlNode('ZipMap', ['p'], 'y', { classlabels_strings: { strings: ['a', 'b'] } }),
      ],
    }),
  )
  expect(zipped.after).toEqual([{ op: 'softmax' }, { op: 'labels', names: ['a', 'b'] }])
})

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
