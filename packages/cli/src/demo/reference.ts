import type { Cell, Column } from '@glovebox/ml'

// A second implementation of the small models, straight from the files that training wrote, in plain loops. It shares no code with the importers.

interface Step {
  readonly type: string
  readonly [attribute: string]: unknown
}
interface Scorecard {
  readonly intercept: number
  readonly features: readonly {
    readonly name: string
    readonly edges?: readonly number[]
    readonly categories?: readonly string[]
    readonly weights: readonly number[]
    readonly missing?: number
  }[]
}

/**
 * Gives the outputs of a model of scikit-learn or of a scorecard, before links and classes, for rows of cells. Without `contributions` a scorecard has
 * one output, the sum and the intercept.
 */
export function referenceOf(
  model: unknown,
  columns: readonly Column[],
  { contributions = true }: { readonly contributions?: boolean } = {},
): (row: readonly Cell[]) => number[] {
  const { format, steps } = model as { readonly format: string; readonly steps: readonly Step[] }
  if (format !== 'glovebox-scorecard') return (row) => steps.reduce<readonly Cell[]>(applyStep, row).map(Number)
  const card = model as Scorecard
  return (row) => {
    const parts = scorecard(card, columns, row)
    return contributions ? parts : [parts.reduce((sum, part) => sum + part, card.intercept)]
  }
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
    case 'KBinsDiscretizer':
      // The outermost edges bind nothing: what lies beyond them is in the outermost bins.
      return (step.bin_edges_ as readonly (readonly number[])[]).flatMap((edges, i) => {
        const bin = edges.slice(1, -1).filter((edge) => numeric[i]! >= edge).length
        return edges.slice(1).map((_, k) => (k === bin ? 1 : 0))
      })
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
  return Array.isArray(value) ? value : unpackOnce(value as object).flat()
}

function matrix(value: unknown): readonly (readonly number[])[] {
  if (!Array.isArray(value)) return unpackOnce(value as object)
  return Array.isArray(value[0]) ? value : [value]
}

const unpacked = new WeakMap<object, readonly (readonly number[])[]>()

function unpackOnce(value: object): readonly (readonly number[])[] {
  const known = unpacked.get(value) ?? unpack(value)
  unpacked.set(value, known)
  return known
}

/** Arrays in base64, as export_sklearn.py packs large ones, row by row: float32 or float64, little-endian, or signed bytes times a scale. */
function unpack(value: object): number[][] {
  const {
    dtype,
    shape,
    base64,
    scale = 1,
  } = value as {
    readonly dtype: string
    readonly shape: readonly number[]
    readonly base64: string
    readonly scale?: number
  }
  const bytes = Buffer.from(base64, 'base64')
  const width = dtype === 'float64' ? 8 : dtype === 'float32' ? 4 : 1
  const at = (i: number): number =>
    scale * (width === 8 ? bytes.readDoubleLE(8 * i) : width === 4 ? bytes.readFloatLE(4 * i) : bytes.readInt8(i))
  const columns = shape.length > 1 ? shape[1]! : bytes.length / width
  const rows = shape.length > 1 ? shape[0]! : 1
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => at(r * columns + c)))
}
