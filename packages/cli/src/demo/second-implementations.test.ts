import { runBefore } from '@glovebox/ml'
import { expect, test } from 'vitest'
import { readModel } from '../model-file.ts'
import { resampledColumns, resampledSnps, snps, syntheticGenotypes } from './genotypes.ts'
import { gini } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { referenceOf } from './reference.ts'
import { textReference } from './text-reference.ts'
import { cleanTweet } from './tweets.ts'

interface Written {
  readonly samples: readonly { readonly text: string; readonly logit: number }[]
}
interface Plants {
  readonly samples: readonly { readonly days53859: number; readonly days200000: number }[]
}

test('texts have the log-odds that scikit-learn gave them, and the hashes of the client', async () => {
  const json = await readModelJson('sentiment', 'model.json')
  const logit = textReference(json)
  const { before, graph } = await readModel(await modelFile('sentiment', 'model.json'))
  const { matrix, bias } = graph.nodes[1]!.map!
  for (const sample of (await readModelJson<Written>('sentiment', 'synthetic.json')).samples) {
    const text = cleanTweet(sample.text)
    expect(logit(text)).toBeCloseTo(sample.logit, 3)
    const x = runBefore(before, [text])
    const sum = matrix.index.reduce((total, at, k) => total + x[at]! * matrix.value[k]!, bias[0]!)
    expect(sum).toBeCloseTo(logit(text), 9)
  }
  expect(logit('')).toBeCloseTo(-0.419, 3)
})

test('genotypes are those of the training script: same columns, same days', async () => {
  const columns = resampledColumns()
  expect([columns[0], columns[100], columns[200]]).toEqual([6631, 18184, 11255])
  expect(columns.reduce((sum, at) => sum + at, 0)).toBe(5_358_784_400)
  const { samples } = await readModelJson<Plants>('flowering', 'synthetic.json')
  const plants = await syntheticGenotypes(samples.length)
  const narrow = referenceOf(await readModelJson('flowering', 'model.json'), [])
  const wide = referenceOf(await readModelJson('flowering', `model-${resampledSnps}.json`), [])
  plants.forEach(({ alleles }, i) => {
    expect(alleles).toHaveLength(snps)
    expect(narrow([...alleles])[0]).toBeCloseTo(samples[i]!.days53859, 3)
    expect(wide(Array.from(columns, (at) => alleles[at]!))[0]).toBeCloseTo(samples[i]!.days200000, 3)
  })
})

test('bins reach from edge to edge and beyond the outermost', () => {
  const model = {
    format: 'glovebox-sklearn',
    steps: [
      { type: 'KBinsDiscretizer', bin_edges_: [[0, 10, 20, 30]] },
      { type: 'Ridge', coef_: [1, 2, 4], intercept_: 0.5 },
    ],
  }
  const of = referenceOf(model, [{ name: 'x' }])
  expect([-5, 0, 9.9, 10, 19, 20, 99].map((x) => of([x])[0])).toEqual([1.5, 1.5, 1.5, 2.5, 2.5, 4.5, 4.5])
})

test('without contributions a scorecard adds up, with its intercept', () => {
  const card = {
    format: 'glovebox-scorecard',
    intercept: -1,
    features: [
      { name: 'a', edges: [1], weights: [10, 20], missing: 5 },
      { name: 'b', categories: ['u', 'v'], weights: [100, 200] },
    ],
  }
  const columns = [{ name: 'b', values: ['u', 'v'] }, { name: 'a' }]
  expect(referenceOf(card, columns)(['v', 1])).toEqual([20, 200])
  expect(referenceOf(card, columns, { contributions: false })(['v', null])).toEqual([204])
})

test('the index of Gini is that of the area between the curve of events and the diagonal', () => {
  // A quarter of the exposure has no event, the rest all of them: the curve goes from (0, 0) by (1/4, 0) to (1, 1).
  expect(gini([3, 1, 2], [2, 0, 2], [1.5, 1, 1.5])).toBeCloseTo(1 / 4, 12)
  expect(gini([1, 2], [1, 0], [1, 1])).toBeCloseTo(-1 / 2, 12)
  expect(gini([1, 2], [3, 3], [2, 2])).toBeCloseTo(0, 12)
})
