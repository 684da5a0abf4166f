import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { sampleRows } from './linear-model.ts'
import { trainLogistic } from './logistic.ts'
import { trainRidge } from './ridge.ts'
import { trainSoftmax } from './softmax.ts'

// Debian's Python has scikit-learn (python3-sklearn), others on the path may not.
const python = '/usr/bin/python3'
const present = spawnSync(python, ['-c', 'import sklearn']).status === 0
if (!present) console.warn(`skipped: ${python} has no scikit-learn (apt-get install python3-sklearn)`)

// C of scikit-learn is 1 / (decay · rows), as its loss is a sum.
const script = `
import json, warnings
import numpy as np
from sklearn.datasets import load_iris, load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
out = []
for name, data in [('softmax', load_iris()), ('logistic', load_breast_cancer()), ('ridge', load_diabetes())]:
    x, y = StandardScaler().fit_transform(data.data), data.target
    if name == 'ridge': fitted = Ridge(alpha=2.0, tol=1e-12).fit(x, y)
    else: fitted = LogisticRegression(C=1 / (0.01 * len(x)), tol=1e-10, max_iter=10000).fit(x, y)
    out.append({'name': name, 'x': x.tolist(), 'y': y.tolist(), 'weights': np.ravel(fitted.coef_).tolist(), 'bias': np.ravel(fitted.intercept_).tolist()})
print(json.dumps(out))
`

interface Case {
  readonly name: string
  readonly x: number[][]
  readonly y: number[]
  readonly weights: number[]
  readonly bias: number[]
}

test.skipIf(!present)('weights are those of scikit-learn on its own data sets', () => {
  const { stdout, stderr, status } = spawnSync(python, ['-c', script], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  expect(status, stderr).toBe(0)
  for (const { name, x, y, weights, bias } of JSON.parse(stdout) as Case[]) {
    const inputs = sampleRows(x)
    const options = { decay: 0.01, tolerance: 1e-9 }
    const model =
      name === 'ridge'
        ? trainRidge(inputs, y, 2)
        : name === 'logistic'
          ? trainLogistic({ inputs, labels: y }, options)
          : trainSoftmax({ inputs, labels: y, classes: 3 }, options)
    const scale = Math.max(...weights.map(Math.abs))
    weights.forEach((w, i) => expect(Math.abs(w - model.weights[i]!) / scale, `${name} ${i}`).toBeLessThan(1e-4))
    // Only differences of the biases of classes are determined.
    bias.forEach((b, i) => expect(Math.abs(b - bias[0]! - (model.bias[i]! - model.bias[0]!)), name).toBeLessThan(1e-3))
    if (bias.length === 1) expect(model.bias[0]).toBeCloseTo(bias[0]!, 3)
  }
})
