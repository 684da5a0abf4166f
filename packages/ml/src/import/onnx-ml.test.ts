import * as ort from 'onnxruntime-web'
import { describe, expect, test } from 'vitest'
import { buildModel, floats, longs, type ModelLiteral, mlNode, node } from '../../test/onnx.ts'
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
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 3 })
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

test.each([
  ['LOGISTIC', 3, 3],
  ['SOFTMAX', 3, 3],
  ['LOGISTIC', 2, 2],
  ['LOGISTIC', 2, 1],
])(
  'the graph of scikit-learn exporters: %s of %i classes by %i rows, normalised',
  async (post_transform, classes, rows) => {
    const classifier = [
      mlNode('LinearClassifier', ['x'], ['l', 'scores'], {
        coefficients: r(1, 4 * rows),
        intercepts: r(2, rows),
        classlabels_ints: [7, 3, 5].slice(0, classes),
        post_transform,
      }),
      node('Cast', ['l'], 'label', { to: 7 }),
      mlNode('Normalizer', ['scores'], 'p', { norm: 'L1' }),
    ]
    const literal: ModelLiteral = { input: ['n', 4], outputs: [['label', 7], 'p'], nodes: classifier }
    const named = mlNode('ZipMap', ['p'], 'z', { classlabels_int64s: [7, 3, 5].slice(0, classes) })
    const model = importOnnx(buildModel({ ...literal, outputs: [['label', 7], 'z'], nodes: [...classifier, named] }))
    const samples = Array.from({ length: 8 }, (_, seed) => [...randomNumbers(seed, 4)])
    const truth = await ortOf(buildModel(literal), samples)
    samples.forEach((row, i) => {
      const { values, label } = answerOf(model, row)
      expect(label).toBe(String(truth.label![i]))
      const expected = Array.from({ length: classes }, (_, c) => truth.p![i * classes + c]!)
      expect(largestDifference(values, expected)).toBeLessThan(1e-6)
    })
  },
)
