import type { Cell, Column } from '@glovebox/ml'

// A second implementation of the small models, straight from the files that training wrote, in plain loops. It shares no code with the importers.

interface Step {
  readonly type: string
  readonly [attribute: string]: unknown
}
interface Scorecard {
  readonly features: readonly {
    readonly name: string
    readonly edges?: readonly number[]
    readonly categories?: readonly string[]
    readonly weights: readonly number[]
    readonly missing?: number
  }[]
}

/** The outputs of a model of scikit-learn or of a scorecard, before links and classes, for a row of cells. */
export function referenceOf(model: unknown, columns: readonly Column[], row: readonly Cell[]): number[] {
  const { format, steps } = model as { readonly format: string; readonly steps: readonly Step[] }
  if (format === 'glovebox-scorecard') return scorecard(model as Scorecard, columns, row)
  return steps.reduce<readonly Cell[]>(applyStep, row).map(Number)
}

function scorecard({ features }: Scorecard, columns: readonly Column[], row: readonly Cell[]): number[] {
  return features.map(({ name, edges, categories, weights, missing = 0 }) => {
    const cell = row[columns.findIndex((column) => column.name === name)]!
    if (cell === null) return missing
    if (categories) return weights[categories.indexOf(String(cell))] ?? 0
    return weights[edges!.filter((edge) => Number(cell) >= edge).length]!
  })
}

function applyStep(cells: readonly Cell[], step: Step): readonly Cell[] {
  const numbers = (attribute: string): readonly number[] => array(step[attribute])
  const numeric = cells.map(Number)
  switch (step.type) {
    case 'SimpleImputer':
      return cells.map((cell, i) => (cell === null ? (step.statistics_ as readonly Cell[])[i]! : cell))
    case 'StandardScaler':
      return numeric.map((x, i) => (x - numbers('mean_')[i]!) / numbers('scale_')[i]!)
    case 'OneHotEncoder':
      return (step.categories_ as readonly (readonly Cell[])[]).flatMap((known, i) =>
        known.map((value) => (value === cells[i] ? 1 : 0)),
      )
    case 'ColumnTransformer':
      return (step.transformers as readonly { columns: readonly number[]; steps: readonly Step[] }[]).flatMap(
        ({ columns, steps }) =>
          steps.reduce<readonly Cell[]>(
            applyStep,
            columns.map((i) => cells[i]!),
          ),
      )
    case 'LogisticRegression':
    case 'LinearRegression':
    case 'Ridge':
    case 'PoissonRegressor':
      return dense(matrix(step.coef_), array(step.intercept_), numeric)
    case 'MLPClassifier':
    case 'MLPRegressor':
      return mlp(step, numeric)
    default:
      throw new TypeError(`there is no second implementation of ${step.type}`)
  }
}

function mlp({ coefs_, intercepts_, activation }: Step, input: readonly number[]): number[] {
  const layers = coefs_ as readonly unknown[]
  return layers.reduce<number[]>(
    (x, layer, i) => {
      const weights = matrix(layer)
      const bias = array((intercepts_ as readonly unknown[])[i])
      const y = bias.map((b, j) => b + x.reduce((sum, v, k) => sum + v * weights[k]![j]!, 0))
      if (i === layers.length - 1 || activation === 'identity') return y
      if (activation === 'square') return y.map((v) => v * v)
      throw new TypeError(`there is no second implementation of the activation ${activation}`)
    },
    [...input],
  )
}

function dense(rows: readonly (readonly number[])[], bias: readonly number[], x: readonly number[]): number[] {
  return rows.map((row, j) => row.reduce((sum, w, k) => sum + w * x[k]!, bias[j] ?? bias[0]!))
}

function array(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value]
  return Array.isArray(value) ? value : unpack(value).flat()
}

function matrix(value: unknown): readonly (readonly number[])[] {
  if (!Array.isArray(value)) return unpack(value)
  return Array.isArray(value[0]) ? value : [value]
}

/** Arrays in base64, as export_sklearn.py packs large ones: float32 or float64, little-endian, row by row. */
function unpack(value: unknown): number[][] {
  const { dtype, shape, base64 } = value as { dtype: string; shape: readonly number[]; base64: string }
  const bytes = Buffer.from(base64, 'base64')
  const width = dtype === 'float64' ? 8 : 4
  const at = (i: number): number => (width === 8 ? bytes.readDoubleLE(8 * i) : bytes.readFloatLE(4 * i))
  const columns = shape.length > 1 ? shape[1]! : bytes.length / width
  const rows = shape.length > 1 ? shape[0]! : 1
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => at(r * columns + c)))
}
