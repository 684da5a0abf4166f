import type { Cell } from '../../model/steps.ts'
import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, sizeOf } from '../../tensor/tensor.ts'
import { entriesOf } from '../columns.ts'
import { float32, int64 } from '../element.ts'
import type { Answer, ColumnEntry, Columns, Operand } from '../operand.ts'
import {
  constantInput,
  entered,
  floatAttribute,
  floatsAttribute,
  input,
  intAttribute,
  intsAttribute,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  type Translation,
  textAttribute,
  textsAttribute,
  variableInput,
  wrong,
} from '../site.ts'
import { followed, named } from './last.ts'
import { classAt, requireFinite } from './linear.ts'

// ai.onnx.ml: what is done to the columns of a table before a model. On the input it is the client's.

/** The columns of input 0, or undefined where it is a variable, or divided by its norm. */
function columnsOf(site: Site): { columns: Columns; entries: readonly ColumnEntry[] } | undefined {
  const x = input(site, 0)
  if (x.kind !== 'columns' || x.norm) return undefined
  // An entry takes as much as some 16 numbers.
  site.spend(16 * sizeOf(x.shape))
  return { columns: x, entries: entriesOf(x) }
}

function onlyInput(site: Site): ReturnType<typeof refuse> {
  return refuse(site, 'it is applied to a computed value; on the input itself the client does it')
}

function isRaw({ oneHot, codes, offset, factor }: ColumnEntry): boolean {
  return !oneHot && !codes && offset === 0 && factor === 1
}

/** One number for all features, or one for each. */
function perFeature(site: Site, name: string, features: number, otherwise?: number): number[] {
  const given = numbersAttribute(site, name)
  if (given.length !== 1 && given.length !== features && (given.length > 0 || otherwise === undefined))
    throw wrong(site, `attribute "${name}" expected 1 or ${features} numbers, got ${given.length}`)
  requireFinite(site, { [name]: given })
  return Array.from({ length: features }, (_, i) => given[given.length === 1 ? 0 : i] ?? otherwise!)
}

function numbersAttribute(site: Site, name: string): readonly number[] {
  const whole = intsAttribute(site, name) ?? []
  return whole.length > 0 ? whole : (floatsAttribute(site, name) ?? [])
}

/** (x - offset) · scale. */
export const scaler: Translation = {
  attributes: ['offset', 'scale'],
  elements: 'whole',
  client: true,
  translate(site) {
    const found = columnsOf(site)
    const numbers = found?.entries.every(({ oneHot, factor }) => !oneHot && factor !== 0)
    if (found && numbers && found.columns.type.kind !== 'text') {
      const { columns, entries } = found
      const offsets = perFeature(site, 'offset', entries.length, 0)
      const factors = perFeature(site, 'scale', entries.length, 1)
      const scaled = entries.map((entry, i) => ({
        ...entry,
        offset: entry.offset + offsets[i]! / entry.factor,
        factor: entry.factor * factors[i]!,
      }))
      return { ...columns, entries: scaled, type: float32 }
    }
    const x = variableInput(site, 0)
    const features = x.shape.at(-1) ?? 1
    const offsets = perFeature(site, 'offset', features, 0)
    const factors = perFeature(site, 'scale', features, 1)
    const matrix = pickMatrix(broadcastIndex(x.shape, x.shape), sizeOf(x.shape), (i) => factors[i % features]!)
    const bias = Float64Array.from({ length: matrix.rows }, (_, i) => -offsets[i % features]! * factors[i % features]!)
    return pushAffine(site, x, affine(matrix, bias), x.shape)
  },
}

/** Numbers in the place of missing ones. */
export const imputer: Translation = {
  attributes: ['imputed_value_floats', 'imputed_value_int64s', 'replaced_value_float', 'replaced_value_int64'],
  client: true,
  elements: 'whole',
  translate(site) {
    const found = columnsOf(site)
    if (!found?.entries.every(isRaw)) throw onlyInput(site)
    const { columns, entries } = found
    const whole = intsAttribute(site, 'imputed_value_int64s') ?? []
    const marked =
      whole.length > 0 ? intAttribute(site, 'replaced_value_int64', 0) : floatAttribute(site, 'replaced_value_float', 0)
    const name = whole.length > 0 ? 'imputed_value_int64s' : 'imputed_value_floats'
    const values = perFeature(site, name, entries.length)
    const missing = Number.isNaN(marked) ? {} : { missing: marked }
    return { ...columns, entries: entries.map((entry, i) => ({ ...entry, ...missing, impute: values[i]! })) }
  },
}

/** Every sample divided by its norm. */
export const normalizer: Translation = {
  attributes: ['norm'],
  client: true,
  translate(site) {
    const x = input(site, 0)
    if (x.kind === 'answer') return shares(site, x)
    if (x.kind !== 'columns' || x.norm || x.shape.length !== 2 || !site.batched || x.type.kind === 'text')
      throw refuse(
        site,
        'it divides by a value that depends on the input, which is not polynomial; on rows of the input itself the client does it',
      )
    const norm = textAttribute(site, 'norm', 'MAX')
    if (norm !== 'L1' && norm !== 'L2')
      throw refuse(
        site,
        `attribute "norm" = ${norm}, which runtimes read differently for negative numbers; L1 and L2 are supported`,
      )
    return { ...x, entries: entriesOf(x), norm: norm === 'L1' ? 'l1' : 'l2', type: float32 }
  },
}

/** Probabilities that become 1 together; those of a softmax are so already. */
function shares(site: Site, x: Answer): Answer {
  const last = x.steps.at(-1)
  const norm = textAttribute(site, 'norm', 'MAX')
  if (norm === 'L1' && last?.op === 'softmax' && !last.along && !last.log) return x
  if (norm === 'L1' && (last?.op === 'sigmoid' || last?.op === 'exp')) return followed(x, { op: 'share' })
  // Two classes of one score have been named already, and their shares are 1.
  if (norm === 'L1' && last?.op === 'labels' && last.threshold === 0.5) return x
  throw refuse(site, `attribute "norm" = ${norm} behind ${last?.op ?? 'nothing'}; L1 of probabilities is supported`)
}

/** A 1 for the category of a column, among zeros. */
export const oneHotEncoder: Translation = {
  attributes: ['cats_int64s', 'cats_strings', 'zeros'],
  client: true,
  translate(site) {
    const found = columnsOf(site)
    if (!found?.entries.every(isRaw)) throw onlyInput(site)
    const { columns, entries } = found
    const values = cells(site, 'cats_strings', 'cats_int64s')
    if (!values) throw wrong(site, 'it has no attribute "cats_int64s" or "cats_strings"')
    const strict = intAttribute(site, 'zeros', 1) === 0 ? { strict: true as const } : {}
    const shape = [...columns.shape, values.length]
    requireShape(site, shape)
    return {
      ...columns,
      shape,
      type: float32,
      entries: entries.map((entry) => ({ ...entry, oneHot: values, ...strict })),
    }
  },
}

/** Texts or numbers of an attribute, whichever is there. */
function cells(site: Site, texts: string, ...numbers: string[]): readonly Cell[] | undefined {
  const found = [textsAttribute(site, texts) ?? [], ...numbers.map((name) => numbersAttribute(site, name))]
  return found.find((list) => list.length > 0)
}

/** Numbers for categories; or, behind ArgMax, names for classes. */
export const labelEncoder: Translation = {
  attributes: [
    'classes_strings',
    'default_float',
    'default_int64',
    'default_string',
    'keys_floats',
    'keys_int64s',
    'keys_strings',
    'values_floats',
    'values_int64s',
    'values_strings',
  ],
  client: true,
  translate(site) {
    const classes = textsAttribute(site, 'classes_strings')
    const keys = cells(site, 'keys_strings', 'keys_int64s', 'keys_floats') ?? classes
    const values = cells(site, 'values_strings', 'values_int64s', 'values_floats') ?? classes?.map((_, i) => i)
    if (!keys || !values || keys.length !== values.length)
      throw wrong(
        site,
        `"keys" and "values" expected equal numbers of entries, got ${keys?.length ?? 0} and ${values?.length ?? 0}`,
      )
    const x = input(site, 0)
    if (x.kind === 'answer') return named(site, x, namesByIndex(site, keys, values, classes !== undefined))
    const found = columnsOf(site)
    if (!found?.entries.every(isRaw)) throw onlyInput(site)
    site.spend(found.entries.length * keys.length)
    const codes = values.filter((value) => typeof value === 'number')
    if (codes.length !== values.length)
      throw refuse(
        site,
        'its values are texts, which no model can compute with; use attribute "values_int64s" or "values_floats"',
      )
    requireFinite(site, { values: codes })
    const fallback = ['default_int64', 'default_float'].find((name) => site.attributes.has(name))
    const otherwise = fallback && {
      otherwise: fallback === 'default_float' ? floatAttribute(site, fallback, 0) : intAttribute(site, fallback, 0),
    }
    return {
      ...found.columns,
      type: codes.every(Number.isInteger) ? int64 : float32,
      entries: found.entries.map((entry) => ({ ...entry, codes: { values: keys, codes, ...otherwise } })),
    }
  },
}

/** Class i is called by the value whose key is i. */
function namesByIndex(site: Site, keys: readonly Cell[], values: readonly Cell[], swapped: boolean): string[] {
  const [from, to] = swapped ? [values, keys] : [keys, values]
  const byIndex = new Map(from.map((index, i) => [index, to[i]!]))
  return from.map((_, i) => {
    const name = byIndex.get(i)
    if (name === undefined) throw refuse(site, `no key is ${i}, as class ${i} needs`)
    return String(name)
  })
}

/** Columns of the last axis, by constant indices; or the class at the index that ArgMax found. */
export const arrayFeatureExtractor: Translation = {
  attributes: [],
  elements: 'any',
  client: true,
  translate(site): Operand {
    const first = input(site, 0)
    if (first.kind === 'constant') return classAt(site, first.tensor.data)
    const { data } = constantInput(site, 1)
    const found = columnsOf(site)
    const x = found ? found.columns : entered(site, first)
    if (x.kind !== 'variable' && x.kind !== 'columns') throw onlyInput(site)
    const features = x.shape.at(-1) ?? 1
    const bad = data.find((i) => !(Number.isInteger(i) && i >= 0 && i < features))
    if (bad !== undefined) throw wrong(site, `index ${bad} is not one of ${features} columns`)
    const shape = [...x.shape.slice(0, -1), data.length]
    requireShape(site, shape)
    const rows = sizeOf(shape) / data.length
    const picks = Int32Array.from(
      { length: sizeOf(shape) },
      (_, i) => Math.floor(i / data.length) * features + data[i % data.length]!,
    )
    if (x.kind === 'variable') return pushAffine(site, x, affine(pickMatrix(picks, rows * features)), shape)
    const { entries } = found!
    if (entries.some(({ oneHot }) => oneHot)) throw onlyInput(site)
    return { ...x, shape, entries: [...picks].map((i) => entries[i]!) }
  },
}
