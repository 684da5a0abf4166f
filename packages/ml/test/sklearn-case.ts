import { importSklearn } from '../src/import/sklearn.ts'
import { runAfter } from '../src/model/after.ts'
import { runBefore } from '../src/model/before.ts'
import type { Cell } from '../src/model/steps.ts'
import { runClear } from '../src/run/clear.ts'

/** What packages/ml/test/sklearn_cases.py prints of one model. */
export interface SklearnCase {
  readonly name: string
  readonly model: object
  readonly samples: readonly (readonly Cell[])[]
  readonly predictions: readonly (number | string | readonly number[])[]
  readonly decision_function?: readonly (readonly number[])[]
  readonly predict_proba?: readonly (readonly number[])[]
}

/** The largest difference to scikit-learn's numbers, relative to their size where that is above 1, and the labels that differ. */
export function compareWithSklearn(one: SklearnCase): { difference: number; labels: string[]; compared: number } {
  const { before, graph, after } = importSklearn(JSON.stringify(one.model))
  let difference = 0
  let compared = 0
  const labels: string[] = []
  const compare = (got: ArrayLike<number>, expected: readonly number[]): void => {
    const same = got.length === expected.length
    expected.forEach((v, i) => {
      compared++
      difference = Math.max(difference, same ? Math.abs(got[i]! - v) / Math.max(1, Math.abs(v)) : Infinity)
    })
  }
  one.samples.forEach((sample, i) => {
    const output = runClear(graph, runBefore(before, sample))
    const answer = runAfter(after, output)
    const decision = one.decision_function?.[i]
    const probabilities = one.predict_proba?.[i]
    const prediction = one.predictions[i]!
    if (decision) compare(output, decision)
    if (probabilities) compare(answer.values, probabilities)
    if (after.some(({ op }) => op === 'labels')) {
      if (answer.label !== String(prediction)) labels.push(`${answer.label} instead of ${prediction}`)
    } else {
      compare(answer.values, typeof prediction === 'number' ? [prediction] : (prediction as readonly number[]))
    }
    if (answer.probabilities !== (probabilities !== undefined)) labels.push('probabilities')
  })
  return { difference, labels, compared }
}
