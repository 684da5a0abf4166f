import { normaliseNumbers } from '../model/before.ts'
import { hashText } from '../model/hashing.ts'
import type { Model } from '../model/model.ts'
import type { Cell, Column, ColumnEncoding, InputStep } from '../model/steps.ts'
import { normalNumbers, randomNumbers } from '../tensor/random.ts'

/** Inputs of a model as its client would make them of made-up rows. */
export interface TypicalRows {
  /** One after the other. */
  readonly samples: Float64Array
  /** Columns whose numbers nothing is known of: they were taken from 0 to 1, or up to twice what stands for a missing one. */
  readonly unknown: readonly string[]
}

/** A cell on its way to the input of the graph. */
interface Guess {
  readonly value: Cell
  /** Whether it is of the size that real ones have. */
  readonly known: boolean
  /** Of its column. */
  readonly name: string
}

/** Rows are as many as this, or fewer where together they would have more numbers than `maxNumbers`. */
const mostRows = 64
const leastRows = 8
const maxNumbers = 2 ** 18
const wordsOfText = 24

/**
 * Made-up rows, put through the steps of the client, which say much of real ones: a number that is scaled is taken to be normal with the offset as its mean and the
 * factor's inverse as its deviation, categories and bins are equally likely, texts are of made-up words. Repeatable. Better: real rows.
 */
export function typicalRows({ before, graph }: Pick<Model, 'before' | 'graph'>): TypicalRows {
  const { size } = graph.nodes[0]!
  const count = Math.max(leastRows, Math.min(mostRows, Math.floor(maxNumbers / size)))
  const draw: Draw = { uniform: randomNumbers(20240607), normal: normalNumbers(20240608) }
  const samples = new Float64Array(count * size)
  const unknown = new Set<string>()
  for (let k = 0; k < count; k++) {
    const row = walk(before, firstRow(before[0], size, draw), draw)
    row.forEach(({ value, known, name }, i) => {
      samples[k * size + i] = Number(value)
      if (!known) unknown.add(name)
    })
  }
  return { samples, unknown: [...unknown] }
}

interface Draw {
  readonly uniform: () => number
  readonly normal: () => number
}

function pick<T>(values: readonly T[], { uniform }: Draw): T {
  return values[Math.floor(uniform() * values.length)]!
}

function firstRow(step: InputStep | undefined, size: number, draw: Draw): Guess[] {
  const columns = step?.op === 'columns' ? step.columns : undefined
  if (columns) return columns.map((column) => cellOf(column, draw))
  const text = step?.op === 'hash-text'
  return Array.from({ length: widthOf(step, size) }, (_, i) =>
    cellOf({ name: `cell ${i}`, ...(text && { text }) }, draw),
  )
}

/** Cells that a first step reads. */
function widthOf(step: InputStep | undefined, size: number): number {
  switch (step?.op) {
    case 'impute':
      return step.values.length
    case 'scale':
      return step.offset.length
    case 'encode':
      return 1 + step.columns.reduce((most, { from }) => Math.max(most, from), 0)
    case 'products':
      return 1 + step.terms.reduce((most, term) => term.reduce((a, b) => Math.max(a, b), most), 0)
    case 'branches':
      return 1 + step.branches.reduce((most, { from }) => from.reduce((a, b) => Math.max(a, b), most), 0)
    case 'hash-text':
      return 1
    default:
      return size
  }
}

function cellOf({ name, values, text }: Column, draw: Draw): Guess {
  if (values) return { value: values.length > 0 ? pick(values, draw) : null, known: true, name }
  if (!text) return { value: draw.uniform(), known: false, name }
  const words = Array.from({ length: wordsOfText }, () => `word${Math.floor(draw.uniform() * 10_000)}`)
  return { value: words.join(' '), known: true, name }
}

function walk(steps: readonly InputStep[], row: readonly Guess[], draw: Draw): readonly Guess[] {
  return steps.reduce((cells, step) => runStep(step, cells, draw), row)
}

function runStep(step: InputStep, row: readonly Guess[], draw: Draw): readonly Guess[] {
  switch (step.op) {
    case 'columns':
      return row
    case 'impute':
      // What stands for a missing number is of the size of the others.
      return row.map((guess, i) => {
        const stands = step.values[i] ?? null
        if (guess.known || typeof stands !== 'number' || stands === 0) return guess
        return { ...guess, value: 2 * stands * draw.uniform() }
      })
    case 'encode':
      return step.columns.flatMap((encoding) => encode(encoding, row[encoding.from]!, draw))
    case 'scale':
      return row.map(({ value, known, name }, i) => {
        if (!known) return { value: draw.normal(), known: true, name }
        return { value: (Number(value) - step.offset[i]!) * step.factor[i]!, known, name }
      })
    case 'normalise': {
      const values = normaliseNumbers(
        row.map(({ value }) => Number(value)),
        step.norm,
      )
      // None is above 1 then.
      return row.map(({ name }, i) => ({ value: values[i]!, known: true, name }))
    }
    case 'products':
      return step.terms.map((term) => ({
        value: term.reduce((value, i) => value * Number(row[i]!.value), 1),
        known: term.every((i) => row[i]!.known),
        name: term.map((i) => row[i]!.name).join(' · '),
      }))
    case 'branches':
      return step.branches.flatMap(({ from, steps }) =>
        walk(
          steps,
          from.map((i) => row[i]!),
          draw,
        ),
      )
    case 'hash-text': {
      const { name, value } = row[0]!
      return Array.from(hashText(String(value), step), (number) => ({ value: number, known: true, name }))
    }
  }
}

function encode(encoding: ColumnEncoding, { value, known, name }: Guess, draw: Draw): Guess[] {
  const made = (numbers: readonly number[]): Guess[] => numbers.map((number) => ({ value: number, known: true, name }))
  switch (encoding.kind) {
    case 'number':
      return [{ value, known, name }]
    case 'one-hot': {
      const all = [...encoding.values, ...(encoding.silent ?? [])]
      const chosen = known || all.length === 0 ? value : pick(all, draw)
      return made(encoding.values.map((own) => (own === chosen ? 1 : 0)))
    }
    case 'ordinal': {
      const own = known ? encoding.codes[encoding.values.indexOf(value)] : undefined
      return made([own ?? (encoding.codes.length > 0 ? pick(encoding.codes, draw) : (encoding.otherwise ?? 0))])
    }
    case 'bins': {
      const bins = new Array<number>(encoding.edges.length + 1 + (encoding.missing ? 1 : 0)).fill(0)
      bins[Math.floor(draw.uniform() * bins.length)] = 1
      return made(bins)
    }
  }
}
