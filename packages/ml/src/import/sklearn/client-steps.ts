import { GloveboxError } from '@glovebox/he'
import type { Cell, Column, ColumnEncoding, InputStep } from '../../model/steps.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { SklearnModel } from './schema.ts'
import type { Step, StepOf } from './step.ts'

/** More terms of PolynomialFeatures than this are computed on ciphertexts. */
const maxTerms = 2 ** 16

/** What a step does on the client, and how many columns come out; undefined where it is none of the client's. */
export function clientSteps(
  step: Step,
  width: number,
  where: string,
): { steps: InputStep[]; width: number } | undefined {
  switch (step.type) {
    case 'StandardScaler':
    case 'MinMaxScaler':
    case 'MaxAbsScaler':
    case 'RobustScaler':
      return { steps: [scaling(step, width, where)], width }
    case 'Normalizer':
      return { steps: [{ op: 'normalise', norm: step.norm }], width }
    case 'SimpleImputer':
      return { steps: [imputing(step, width, where)], width }
    case 'OneHotEncoder':
      requireWidth(step.categories_.length, width, where)
      return encoding(step.categories_.map((_, i) => oneHot(step, i)))
    case 'OrdinalEncoder':
      requireWidth(step.categories_.length, width, where)
      return encoding(step.categories_.map((_, i) => ordinal(step, i, where)))
    case 'KBinsDiscretizer':
      requireWidth(step.bin_edges_.length, width, where)
      return encoding(
        step.bin_edges_.map(({ data }, from) => {
          // The outermost edges bound nothing: numbers beyond them are in the first and the last bin.
          return { kind: 'bins', from, edges: [...data.slice(1, -1)], missing: false }
        }),
      )
    case 'PolynomialFeatures': {
      const terms = termsOf(step, width, where)
      return terms.length > maxTerms ? undefined : { steps: [{ op: 'products', terms }], width: terms.length }
    }
    case 'HashingVectorizer': {
      requireWidth(1, width, where)
      const { n_features: size, ngram_range: ngrams, norm, lowercase, min_length, alternate_sign, binary } = step
      const hashing: InputStep = {
        op: 'hash-text',
        size,
        ngrams,
        norm: norm ?? 'none',
        ...(!lowercase && { keepCase: true }),
        ...(min_length === 1 && { shortest: 1 }),
        ...(!alternate_sign && { unsigned: true }),
        ...(binary && { binary: true }),
      }
      return { steps: [hashing], width: size }
    }
    case 'ColumnTransformer':
      return branches(step, width, where)
    default:
      return undefined
  }
}

function branches(
  step: StepOf<'ColumnTransformer'>,
  width: number,
  where: string,
): { steps: InputStep[]; width: number } {
  let total = 0
  const branches = step.transformers.map(({ columns, steps }, i) => {
    if (columns.some((column) => column >= width)) {
      throw malformed(`${where}.transformers.${i}.columns: expected indices below ${width}`)
    }
    const out: InputStep[] = []
    let inner = columns.length
    steps.forEach((one, j) => {
      const place = `${where}.transformers.${i}.steps.${j} (${one.type})`
      const client = clientSteps(one, inner, place)
      if (!client) {
        throw new GloveboxError(
          'unsupported',
          `${place}: within a ColumnTransformer only scalers, imputers and encoders are supported; move it behind`,
        )
      }
      out.push(...client.steps)
      inner = client.width
    })
    total += inner
    return { from: columns, steps: out }
  })
  return { steps: [{ op: 'branches', branches }], width: total }
}

function malformed(message: string): GloveboxError {
  return new GloveboxError('malformed', `the scikit-learn model is not valid: ${message}`)
}

export function requireWidth(got: number, width: number, where: string): void {
  if (got !== width) throw malformed(`${where} is for ${got} columns, ${width} come in`)
}

/** Any scaler as (x - offset) · factor. */
export function scaling(
  step: StepOf<'StandardScaler' | 'MinMaxScaler' | 'MaxAbsScaler' | 'RobustScaler'>,
  width: number,
  where: string,
): Extract<InputStep, { op: 'scale' }> {
  const list = (tensor: Tensor | null, otherwise: number): number[] => {
    if (tensor) requireWidth(tensor.data.length, width, where)
    return tensor ? [...tensor.data] : new Array<number>(width).fill(otherwise)
  }
  const scale = list(step.scale_, 1)
  if (scale.includes(0)) throw malformed(`${where}: "scale_" has a 0`)
  if (step.type === 'MinMaxScaler') {
    // x · scale + min
    return { op: 'scale', offset: list(step.min_, 0).map((min, i) => -min / scale[i]!), factor: scale }
  }
  const centre = step.type === 'StandardScaler' ? step.mean_ : step.type === 'RobustScaler' ? step.center_ : null
  return { op: 'scale', offset: list(centre, 0), factor: scale.map((s) => 1 / s) }
}

function imputing(step: StepOf<'SimpleImputer'>, width: number, where: string): InputStep {
  requireWidth(step.statistics_.length, width, where)
  const gap = step.statistics_.indexOf(null)
  if (gap >= 0) throw malformed(`${where}: "statistics_" has no value for column ${gap}: drop it before training`)
  const { missing_values: missing } = step
  return { op: 'impute', values: step.statistics_, ...(missing !== null && { missing }) }
}

function encoding(columns: ColumnEncoding[]): { steps: InputStep[]; width: number } {
  const width = columns.reduce((sum, column) => {
    if (column.kind === 'one-hot') return sum + column.values.length
    return sum + (column.kind === 'bins' ? column.edges.length + 1 : 1)
  }, 0)
  return { steps: [{ op: 'encode', columns }], width }
}

function oneHot({ categories_, drop_idx_, handle_unknown }: StepOf<'OneHotEncoder'>, from: number): ColumnEncoding {
  const dropped = drop_idx_?.[from] ?? -1
  const all = categories_[from]!
  return {
    kind: 'one-hot',
    from,
    values: all.filter((_, i) => i !== dropped),
    ...(dropped >= 0 && { silent: [all[dropped]!] }),
    ...(handle_unknown === 'error' && { strict: true }),
  }
}

function ordinal(step: StepOf<'OrdinalEncoder'>, from: number, where: string): ColumnEncoding {
  const { categories_, handle_unknown, unknown_value, encoded_missing_value } = step
  const pairs: [Cell, number][] = []
  categories_[from]!.forEach((value, code) => {
    if (value !== null) pairs.push([value, code])
    else if (encoded_missing_value !== null) pairs.push([null, encoded_missing_value])
  })
  if (handle_unknown === 'use_encoded_value' && unknown_value === null) {
    throw new GloveboxError('unsupported', `${where}: "unknown_value" expected a number`)
  }
  return {
    kind: 'ordinal',
    from,
    values: pairs.map(([value]) => value),
    codes: pairs.map(([, code]) => code),
    ...(handle_unknown === 'use_encoded_value' && { otherwise: unknown_value! }),
  }
}

/** Which columns each output multiplies, in scikit-learn's order: by degree, then by indices. */
export function termsOf(step: StepOf<'PolynomialFeatures'>, width: number, where: string): number[][] {
  const { degree, interaction_only, include_bias } = step
  let count = 1
  for (let d = 1; d <= degree; d++) count = (count * (width + d)) / d
  if (count > 2 ** 24) throw new GloveboxError('too-large', `${where} has ${count} terms of ${width} columns`)
  const terms: number[][] = include_bias ? [[]] : []
  let last: number[][] = [[]]
  for (let d = 1; d <= degree; d++) {
    last = last.flatMap((term) => {
      const first = term.length === 0 ? 0 : term.at(-1)! + (interaction_only ? 1 : 0)
      return Array.from({ length: Math.max(0, width - first) }, (_, i) => [...term, first + i])
    })
    for (const term of last) terms.push(term)
  }
  return terms
}

/** The columns as the client sees them: texts, categories and what is not looked at are marked. */
export function columnsOf({ columns, steps }: SklearnModel): Column[] {
  if (typeof columns === 'number') return []
  const text = new Set<number>()
  const open = new Set<number>()
  const used = new Set<number>()
  const visit = (steps: readonly Step[], indices: readonly number[]): void => {
    for (const step of steps) {
      if (step.type === 'ColumnTransformer') {
        for (const branch of step.transformers) {
          visit(
            branch.steps,
            branch.columns.map((i) => indices[i]!),
          )
        }
        return
      }
      for (const i of indices) {
        used.add(i)
        if (step.type === 'HashingVectorizer') text.add(i)
        const encoder = step.type === 'OneHotEncoder' || step.type === 'OrdinalEncoder'
        if (encoder && step.handle_unknown !== 'error') open.add(i)
      }
      if (step.type !== 'SimpleImputer') return
    }
    for (const i of indices) used.add(i)
  }
  visit(steps, [...columns.keys()])
  return columns.map(({ name, values }, i) => ({
    name,
    ...(values && used.has(i) && !text.has(i) && { values }),
    ...(values && open.has(i) && { open: true }),
    ...(text.has(i) && { text: true }),
    ...(!used.has(i) && { unused: true }),
  }))
}
