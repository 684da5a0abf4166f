import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compareWithSklearn, type SklearnCase } from '../../test/sklearn-case.ts'
import { runAfter } from '../model/after.ts'
import { runBefore } from '../model/before.ts'
import { inputStepsSchema, outputStepsSchema } from '../model/schema.ts'
import { runClear } from '../run/clear.ts'
import { importSklearn } from './sklearn.ts'

const cases: SklearnCase[] = JSON.parse(
  readFileSync(new URL('../../../../vectors/sklearn/cases.json', import.meta.url), 'utf8'),
)
const ridge = { type: 'Ridge', coef_: [2, -1], intercept_: 0.5 }
const fileOf = (...steps: object[]): object => ({
  format: 'glovebox-sklearn',
  version: 1,
  name: 'm',
  columns: [{ name: 'a' }, { name: 'b' }],
  steps,
})

describe('models that scikit-learn fitted', () => {
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    const { difference, labels, compared } = compareWithSklearn(one)
    expect(difference).toBeLessThan(1e-9)
    expect(labels).toEqual([])
    expect(compared + one.predictions.length).toBeGreaterThan(one.samples.length)
  })

  test('the steps of the client are plain JSON that the schemas take', () => {
    for (const one of cases) {
      const { before, after } = importSklearn(one.model)
      expect(inputStepsSchema.parse(JSON.parse(JSON.stringify(before)))).toEqual(before)
      expect(outputStepsSchema.parse(JSON.parse(JSON.stringify(after)))).toEqual(after)
    }
  })
})

test('scalers in front are the client’s, behind a projection they are encrypted', () => {
  const scaler = { type: 'StandardScaler', mean_: [1, 2], scale_: [2, 4] }
  const pca = {
    type: 'PCA',
    components_: [
      [1, 0],
      [0.6, 0.8],
    ],
    mean_: [0, 1],
    whiten: false,
  }
  const front = importSklearn(fileOf(scaler, pca, ridge))
  expect(front.before.map(({ op }) => op)).toEqual(['columns', 'scale'])
  expect(front.graph.nodes.map(({ name }) => name)).toEqual(['x', 'PCA', 'Ridge'])
  const behind = importSklearn(fileOf(pca, scaler, ridge))
  expect(behind.before.map(({ op }) => op)).toEqual(['columns'])
  expect(behind.graph.nodes.map(({ name }) => name)).toEqual(['x', 'PCA', 'StandardScaler', 'Ridge'])
  // (3, 2): minus the mean (3, 1); components 3 and 2.6; scaled 1 and 0.15.
  expect(runClear(behind.graph, Float64Array.of(3, 2))[0]).toBeCloseTo(2 - 0.15 + 0.5, 12)
})

test('columns: categories, texts, open ones and those that nothing looks at', () => {
  const encoder = { type: 'OneHotEncoder', categories_: [['f', 'm']], handle_unknown: 'ignore' }
  const hashing = {
    type: 'HashingVectorizer',
    n_features: 8,
    ngram_range: [1, 1],
    norm: 'l2',
  }
  const transformers = [
    { columns: [0], steps: [{ type: 'SimpleImputer', statistics_: ['m'] }, encoder] },
    { columns: [2], steps: [hashing] },
  ]
  const { before } = importSklearn({
    ...fileOf({ type: 'ColumnTransformer', transformers }, { ...ridge, coef_: new Array(10).fill(1) }),
    columns: [{ name: 'sex', values: ['f', 'm'] }, { name: 'id' }, { name: 'note' }],
  })
  expect(before[0]).toEqual({
    op: 'columns',
    columns: [
      { name: 'sex', values: ['f', 'm'], open: true },
      { name: 'id', unused: true },
      { name: 'note', text: true },
    ],
  })
  expect(runBefore(before, [null, 'anything', 'so so']).slice(0, 2)).toEqual(Float64Array.of(0, 1))
  expect(runBefore(before, ['x', null, '']).every((v) => v === 0)).toBe(true)
})

test('a polynomial kernel takes the smaller of two forms', () => {
  const svr = (degree: number, vectors: number[][]): object => ({
    ...{ type: 'SVR', kernel: 'poly', degree, gamma: 0.5, coef0: 2, intercept_: [1] },
    support_vectors_: vectors,
    dual_coef_: [vectors.map((_, i) => i + 1)],
  })
  const few = [[1, 3]]
  const many = [...few, [0, 1], [2, -1], [1, 1]]
  const products = (degree: number, vectors: number[][]): number[] => {
    const { graph } = importSklearn(fileOf(svr(degree, vectors)))
    const x = [1.5, -2]
    const kernel = (v: number[]): number => (0.5 * (v[0]! * x[0]! + v[1]! * x[1]!) + 2) ** degree
    const expected = vectors.reduce((sum, v, i) => sum + (i + 1) * kernel(v), 1)
    expect(runClear(graph, Float64Array.from(x))[0]).toBeCloseTo(expected, 10)
    return graph.nodes.filter(({ op }) => op === 'multiply').map(({ size }) => size)
  }
  expect(products(1, many)).toEqual([])
  expect(products(2, few)).toEqual([1])
  expect(products(2, many)).toEqual([2])
  expect(products(3, few)).toEqual([1, 1])
  expect(products(3, many)).toEqual([3, 2])
})

test('a model without names of columns takes plain numbers', () => {
  const { before, graph, after } = importSklearn({ ...fileOf(ridge), columns: 2 })
  expect(before).toEqual([])
  expect(runAfter(after, runClear(graph, Float64Array.of(1, 3))).values).toEqual([-0.5])
})

const packed = { dtype: 'float64', shape: [1, 2], base64: 'AAAAAAAAAEAAAAAAAADwvw==' }

test('packed arrays', () => {
  const { graph } = importSklearn(fileOf({ ...ridge, coef_: packed }))
  expect(runClear(graph, Float64Array.of(1, 3))[0]).toBe(-0.5)
  const sparse = { dtype: 'float32', shape: [1, 2], index: 'AQAAAA==', base64: 'AACAvw==' }
  const bytes = { dtype: 'int8', shape: [1, 2], base64: 'BP4=', scale: 0.5 }
  expect(runClear(importSklearn(fileOf({ ...ridge, coef_: bytes })).graph, Float64Array.of(1, 3))[0]).toBe(-0.5)
  expect(runClear(importSklearn(fileOf({ ...ridge, coef_: sparse })).graph, Float64Array.of(1, 3))[0]).toBe(-2.5)
})

test.each<[string, unknown, RegExp]>([
  ['no JSON', '{', /expected JSON/],
  ['another format', { ...fileOf(ridge), format: 'x' }, /format/],
  ['no steps', fileOf(), /steps/],
  [
    'an unknown type',
    fileOf(ridge, { type: 'KNeighborsClassifier' }),
    /steps\.1: type KNeighborsClassifier is not supported/,
  ],
  ['an attribute that is missing', fileOf({ type: 'Ridge', intercept_: 1 }), /steps\.0 \(Ridge\)\.coef_/],
  [
    'numbers that are none',
    fileOf({ ...ridge, coef_: ['1', 2] }),
    /steps\.0 \(Ridge\)\.coef_: expected a number, lists/,
  ],
  [
    'weights for other columns',
    fileOf({ ...ridge, coef_: [1, 2, 3] }),
    /steps\.0 \(Ridge\) is for 3 columns, 2 come in/,
  ],
  ['a scale of 0', fileOf({ type: 'MaxAbsScaler', scale_: [1, 0] }, ridge), /MaxAbsScaler\): "scale_" has a 0/],
  ['an estimator in the middle', fileOf(ridge, ridge), /steps\.0 \(Ridge\): an estimator must be the last/],
  ['no estimator', fileOf({ type: 'MaxAbsScaler', scale_: [1, 2] }), /expected to end in an estimator/],
  [
    'a norm of ciphertexts',
    fileOf(
      {
        type: 'TruncatedSVD',
        components_: [
          [1, 0],
          [0, 1],
        ],
      },
      { type: 'Normalizer', norm: 'l2' },
      ridge,
    ),
    /steps\.1 \(Normalizer\): it cannot be computed on ciphertexts/,
  ],
  [
    'a projection in a branch',
    fileOf(
      {
        type: 'ColumnTransformer',
        transformers: [{ columns: [0], steps: [{ type: 'TruncatedSVD', components_: [[1]] }] }],
      },
      ridge,
    ),
    /transformers\.0\.steps\.0 \(TruncatedSVD\): within a ColumnTransformer/,
  ],
  [
    'a branch of columns that are not there',
    fileOf({ type: 'ColumnTransformer', transformers: [{ columns: [2], steps: [] }] }, ridge),
    /transformers\.0\.columns: expected indices below 2/,
  ],
  [
    'classes that do not fit',
    fileOf({ type: 'LinearSVC', coef_: [[1, 2]], intercept_: [0], classes_: [1, 2, 3] }),
    /3 classes do not fit 1 outputs/,
  ],
  [
    'too few bytes',
    fileOf({ ...ridge, coef_: { ...packed, shape: [1, 3] } }),
    /expected 3 numbers of float64, got 16 bytes/,
  ],
  ['an absurd shape', fileOf({ ...ridge, coef_: { ...packed, shape: [1, 2 ** 40] } }), /at most 33554432 numbers/],
  [
    'an index that does not ascend',
    fileOf({ ...ridge, coef_: { ...packed, index: 'AQAAAAEAAAA=' } }),
    /ascending "index" below 2, got 1/,
  ],
  [
    'an index beyond the end',
    fileOf({ ...ridge, coef_: { ...packed, index: 'AQAAAAIAAAA=' } }),
    /ascending "index" below 2, got 2/,
  ],
])('%s is an error', (_, json, message) => {
  expect(() => importSklearn(json)).toThrow(message)
})

test('a network of squares, which scikit-learn cannot fit, is affine maps and products', () => {
  const { graph } = importSklearn(
    fileOf({
      type: 'MLPRegressor',
      coefs_: [
        [
          [1, 2],
          [3, -1],
        ],
        [[0.5], [2]],
      ],
      intercepts_: [[1, 0], [-3]],
      activation: 'square',
      out_activation_: 'identity',
    }),
  )
  expect(graph.nodes.map(({ op }) => op)).toEqual(['input', 'affine', 'multiply', 'affine'])
  expect([...runClear(graph, Float64Array.of(2, -1, 1, 1))]).toEqual([47, 11.5])
})
