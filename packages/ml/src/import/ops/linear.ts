import type { OutputStep } from '../../model/steps.ts'
import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { int64 } from '../element.ts'
import type { Variable } from '../operand.ts'
import {
  floatsAttribute,
  intAttribute,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  type Translation,
  textAttribute,
  variableInput,
  wrong,
} from '../site.ts'
import { classNames, followed, named } from './last.ts'

// ai.onnx.ml: linear models.

/** Rows of coefficients times the features of a sample, and intercepts. */
function scores(site: Site, rows: number): Variable {
  const x = variableInput(site, 0)
  const coefficients = floatsAttribute(site, 'coefficients') ?? []
  const intercepts = floatsAttribute(site, 'intercepts') ?? []
  const features = x.shape.at(-1) ?? 1
  const samples = x.shape.length === 2 ? x.shape[0]! : 1
  if (x.shape.length > 2 || (site.batched && x.shape.length < 2))
    throw wrong(site, `input 0 expected shape [batch, features], got [${x.shape}]`)
  if (coefficients.length !== rows * features)
    throw wrong(site, `attribute "coefficients" expected ${rows} x ${features} numbers, got ${coefficients.length}`)
  if (intercepts.length !== 0 && intercepts.length !== rows)
    throw wrong(site, `attribute "intercepts" expected ${rows} numbers, got ${intercepts.length}`)
  requireFinite(site, { coefficients, intercepts })
  const shape = [samples, rows]
  requireShape(site, shape)
  const matrix = buildSparse(samples * rows, samples * features, (out, add) => {
    const row = out % rows
    for (let k = 0; k < features; k++) add(Math.floor(out / rows) * features + k, coefficients[row * features + k]!)
  })
  const bias = Float64Array.from({ length: samples * rows }, (_, out) => intercepts[out % rows] ?? 0)
  return pushAffine(site, x, affine(matrix, bias), shape)
}

/** Attributes that are numbers must be. */
export function requireFinite(site: Site, attributes: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, values] of Object.entries(attributes)) {
    const bad = values.findIndex((v) => !Number.isFinite(v))
    if (bad >= 0) throw wrong(site, `attribute "${name}" has ${values[bad]} at element ${bad}`)
  }
}

/** What the client makes of the scores. */
function transform(site: Site): OutputStep[] {
  const name = textAttribute(site, 'post_transform', 'NONE')
  if (name === 'NONE') return []
  if (name === 'LOGISTIC') return [{ op: 'sigmoid' }]
  if (name === 'SOFTMAX') return [{ op: 'softmax' }]
  throw refuse(site, `attribute "post_transform" = ${name}; NONE, LOGISTIC and SOFTMAX are supported`)
}

export const linearRegressor: Translation = {
  attributes: ['coefficients', 'intercepts', 'post_transform', 'targets'],
  elements: 'whole',
  translate(site) {
    const steps = transform(site)
    const x = scores(site, intAttribute(site, 'targets', 1))
    if (steps.length === 0) return x
    return followed({ ...x, kind: 'answer', steps: [] }, ...perSample(site, steps))
  },
}

/** Softmax runs over the scores of one sample. */
function perSample(site: Site, steps: OutputStep[]): OutputStep[] {
  if (!site.batched && steps.some(({ op }) => op === 'softmax'))
    throw refuse(site, 'attribute "post_transform" = SOFTMAX needs axis 0 as the batch')
  return steps
}

/** Its outputs are the label and the scores. One row of coefficients with two labels is that of the second. */
export const linearClassifier: Translation = {
  attributes: [
    'classlabels_ints',
    'classlabels_strings',
    'coefficients',
    'intercepts',
    'multi_class',
    'post_transform',
  ],
  elements: 'whole',
  translate(site) {
    const names = classNames(site, 'classlabels_ints', 'classlabels_strings')
    if (!names) throw wrong(site, 'it has no attribute "classlabels_ints" or "classlabels_strings"')
    const steps = perSample(site, transform(site))
    const features = variableInput(site, 0).shape.at(-1) ?? 1
    const rows = (floatsAttribute(site, 'coefficients') ?? []).length / features
    if (rows === 1 && names.length === 2) {
      const x = { ...scores(site, 1), kind: 'answer', steps: [] } as const
      // A sigmoid is above a half where its argument is above 0.
      const threshold = steps.length === 1 ? 0.5 : 0
      if (steps[0]?.op === 'softmax')
        throw refuse(site, 'attribute "post_transform" = SOFTMAX with one row of coefficients')
      // The scores too: the names say that there are two classes.
      const label = followed(x, ...steps, { op: 'labels', names, threshold })
      return [{ ...label, type: int64 }, label]
    }
    const x = { ...scores(site, names.length), kind: 'answer', steps: [] } as const
    return [{ ...followed(x, ...steps, { op: 'labels', names }), type: int64 }, followed(x, ...steps)]
  },
}

/** Of a list of classes the one at the index that ArgMax found. */
export function classAt(site: Site, classes: ArrayLike<number>): ReturnType<typeof named> {
  const x = site.inputs[1]
  if (x?.kind !== 'answer') throw refuse(site, 'input 1 expected a constant, or the index of a class')
  return named(site, x, Array.from(classes, String))
}
