import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { compareWithSklearn, type SklearnCase } from '../../test/sklearn-case.ts'

// Debian's Python has scikit-learn (python3-sklearn), others on the path may not.
const python = '/usr/bin/python3'
const version = spawnSync(python, ['-c', 'import sklearn; print(sklearn.__version__)'], { encoding: 'utf8' })
const present = version.status === 0
if (!present) console.warn(`skipped: ${python} has no scikit-learn (apt-get install python3-sklearn)`)

describe.skipIf(!present)(`models of scikit-learn ${present ? version.stdout.trim() : ''}`, () => {
  test('every supported type: decisions, probabilities and labels are as scikit-learn says, to 1e-9', () => {
    const script = new URL('../../test/sklearn_cases.py', import.meta.url).pathname
    const { stdout, stderr, status } = spawnSync(python, [script], { encoding: 'utf8', maxBuffer: 2 ** 28 })
    expect(status, stderr).toBe(0)
    const cases = JSON.parse(stdout) as SklearnCase[]
    expect(cases.length).toBeGreaterThan(80)
    for (const one of cases) {
      const { difference, labels } = compareWithSklearn(one)
      expect(difference, one.name).toBeLessThan(1e-9)
      expect(labels, one.name).toEqual([])
    }
    console.log(`${cases.length} models compared with scikit-learn ${version.stdout.trim()}`)
  })

  test.each([
    ['a forest', 'RandomForestClassifier().fit(x, y)', /RandomForestClassifier is not supported/],
    ['a radial kernel', 'SVC(kernel="rbf").fit(x, y)', /SVC: kernel = 'rbf'/],
    ['three classes of an SVC', 'SVC(kernel="linear").fit(x, z)', /SVC: 3 classes/],
    [
      'bins as numbers',
      'make_pipeline(KBinsDiscretizer(2, encode="ordinal"), Ridge()).fit(x, y)',
      /KBinsDiscretizer: encode/,
    ],
    ['wrong columns', 'Ridge().fit(x, y)', /columns: expected 2/, '["a"]'],
  ])('%s is refused when it is written', (_, estimator, message, columns = '["a", "b"]') => {
    const code = `
import sys; sys.path.insert(0, ${JSON.stringify(new URL('../../../../models', import.meta.url).pathname)})
import numpy as np
from export_sklearn import export
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.svm import SVC
x = np.arange(24.0).reshape(12, 2); y = np.arange(12) % 2; z = np.arange(12) % 3
export(${estimator}, ${columns}, None)`
    const { stderr, status } = spawnSync(python, ['-c', code], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toMatch(message)
  })

  test('large arrays are packed: dense, sparse, in single precision', () => {
    const code = `
import sys; sys.path.insert(0, ${JSON.stringify(new URL('../../../../models', import.meta.url).pathname)})
import json
import numpy as np
from export_sklearn import export
from sklearn.linear_model import Lasso, Ridge
x = np.random.default_rng(1).normal(size=(50, 400)); y = x[:, 3] - x[:, 300]
out = []
for model, single in ((Ridge(), False), (Lasso(0.05), False), (Ridge(), True)):
    model.fit(x, y)
    out.append({"name": type(model).__name__, "model": export(model, 400, None, float32=single),
                "samples": x[:3].tolist(), "predictions": model.predict(x[:3]).tolist()})
print(json.dumps(out))`
    const { stdout, stderr } = spawnSync(python, ['-c', code], { encoding: 'utf8', maxBuffer: 2 ** 26 })
    const [dense, sparse, single] = JSON.parse(stdout || 'null') ?? expect.fail(stderr)
    expect(compareWithSklearn(dense).difference).toBeLessThan(1e-9)
    expect(compareWithSklearn(sparse).difference).toBeLessThan(1e-9)
    expect(sparse.model.steps[0].coef_.index).toBeTypeOf('string')
    const rounded = compareWithSklearn(single).difference
    expect(rounded).toBeLessThan(1e-5)
    expect(rounded).toBeGreaterThan(1e-12)
    expect(JSON.stringify(single.model).length).toBeLessThan(0.6 * JSON.stringify(dense.model).length)
  })
})
