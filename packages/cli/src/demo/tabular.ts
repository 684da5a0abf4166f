import { join } from 'node:path'
import type { Sample } from '@glovebox/client'
import { type Cell, type Column, type CompileOptions, importScorecard, type Model, runBefore } from '@glovebox/ml'
import { readInput } from '../files.ts'
import { readModel } from '../model-file.ts'
import { showCount } from '../terminal/format.ts'
import type { LoadOptions, Outcome, Task } from './demo.ts'
import { modelFile } from './model-file.ts'
import { referenceOf } from './reference.ts'
import { type DrawnRow, drawRows, type RowsSpec } from './synthetic-rows.ts'
import { cellsOf, columnOf, readTable, type Table } from './table.ts'

/** What test.json of a model says: which rows of the data were held out, and what the model reached on them in the clear. */
export interface HeldOut {
  readonly file: string
  readonly rows: string
  readonly count: number
  readonly target: string
  readonly metric: string
  readonly clear: number
  /** Column of the years that a policy was insured for. */
  readonly exposure?: string
  readonly missing?: string
  readonly header?: readonly string[]
  readonly replace?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** How a demo on rows of a table differs from the others. */
export interface Tabular {
  readonly name: string
  /** Of the held-out file, in the order of its rows; NaN for synthetic rows without a truth. `exposure` is 1 where the file has none. */
  readonly score: (
    outputs: readonly ArrayLike<number>[],
    truth: readonly string[],
    exposure: readonly number[],
  ) => number
  /** What the rows are, such as "people". */
  readonly rows: string
  /** All rows go in one request, for which the model is compiled to take so many. */
  readonly together?: number
  /** Where more rows are asked for than were held out, those that the model was trained on fill them up, without counting for the score. */
  readonly fill?: true
  /** False: a scorecard has one output, instead of one for each feature. */
  readonly contributions?: false
  readonly compile?: CompileOptions
  /** `truth` may be shorter than the inputs: it is known of the first ones. */
  readonly picture: (
    outcome: Outcome,
    inputs: readonly Row[],
    columns: number,
    out: string,
    truth: readonly string[],
  ) => string | Promise<string>
}

/** A row as the client has it, by the names of its columns. */
export type Row = Readonly<Record<string, Cell>>

/** Rows that ranges are measured on. */
const calibrationRows = 500

/** Loads a model on rows of a table: real held-out ones where the data is there, else synthetic ones. */
export async function loadTabular(spec: Tabular, { samples, data }: LoadOptions): Promise<Task> {
  const path = await modelFile(spec.name, 'model.json')
  const json: unknown = JSON.parse(new TextDecoder().decode(await readInput(path)))
  const model = spec.contributions === false ? importScorecard(json, { contributions: false }) : await readModel(path)
  const columns = columnsOf(model)
  const made = JSON.parse(await text(spec.name, 'synthetic.json')) as RowsSpec
  const test = JSON.parse(await text(spec.name, 'test.json')) as HeldOut
  const drawn = drawRows(made, calibrationRows, 2)
  const calibration = drawn.map((row) => runBefore(model.before, inOrder(columns, made, row)))
  const real = data === undefined ? undefined : await heldOut(join(data, test.file), test, columns, samples, spec.fill)
  const synthetic = real ? [] : drawRows(made, samples, 1)
  const cells = real?.cells ?? synthetic.map((row) => inOrder(columns, made, row))
  const truth = real?.truth ?? synthetic.map(({ label }) => label)
  const exposure = real?.exposure ?? cells.map(() => 1)
  const inputs = cells.map((row): Row => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]!])))
  return {
    model,
    compile: {
      samples: Float64Array.from(calibration.flatMap((values) => [...values])),
      batchSize: spec.together ?? 1,
      ...spec.compile,
    },
    inputs: inputs as readonly Sample[],
    provenance: real ? 'real' : 'synthetic',
    source: real
      ? describe(spec, test, truth.length, cells.length)
      : `${showCount(cells.length)} synthetic ${spec.rows}, drawn from rounded statistics`,
    together: spec.together === undefined ? 1 : cells.length,
    metric: { name: test.metric, score: (outputs) => spec.score(outputs.slice(0, truth.length), truth, exposure) },
    reference: () => cells.map(referenceOf(json, columns, spec)),
    picture: (outcome, width, out) => spec.picture(outcome, inputs, width, out, truth),
  }
}

function describe({ rows }: Tabular, { file, count }: HeldOut, known: number, all: number): string {
  const some = known === count ? 'all' : `${showCount(known)} of the`
  const held = `${some} ${showCount(count)} ${rows} held out of ${file}`
  return all === known ? held : `${held}, and ${showCount(all - known)} trained on, which do not count for the score`
}

function columnsOf({ before }: Model): readonly Column[] {
  const [first] = before
  if (first?.op !== 'columns') throw new TypeError('"model" expected one that names its columns')
  return first.columns
}

/** The generator may have its columns in another order, and more of them. */
function inOrder(columns: readonly Column[], made: RowsSpec, { cells }: DrawnRow): Cell[] {
  return columns.map(({ name }) => {
    const at = made.columns.findIndex((column) => column.name === name)
    return at < 0 ? null : cells[at]!
  })
}

async function heldOut(
  path: string,
  test: HeldOut,
  columns: readonly Column[],
  count: number,
  fill = false,
): Promise<{ cells: Cell[][]; truth: string[]; exposure: number[] | undefined }> {
  const { names, rows } = await readTable(path, test.header)
  const kept = held({ names, rows }, test.rows).slice(0, count)
  const aside = new Set(kept)
  const more = fill ? rows.filter((row) => !aside.has(row)).slice(0, count - kept.length) : []
  return {
    cells: cellsOf({ names, rows: [...kept, ...more] }, columns, test),
    truth: columnOf({ names, rows: kept }, test.target),
    exposure: test.exposure === undefined ? undefined : columnOf({ names, rows: kept }, test.exposure).map(Number),
  }
}

/** Rules of models/SYNTHETIC.md: every fifth row, all rows, or every fifth row that no earlier one repeats. */
function held({ rows }: Table, rule: string): (readonly string[])[] {
  const seen = new Set<string>()
  const isNew = (row: readonly string[]): boolean => {
    const key = row.join()
    return !seen.has(key) && seen.add(key).size > 0
  }
  if (rule === 'all') return [...rows]
  if (rule === 'i % 5 == 4') return rows.filter((_, i) => i % 5 === 4)
  if (rule === 'i % 5 == 4 and no earlier line is the same') {
    const first = rows.map(isNew)
    return rows.filter((_, i) => i % 5 === 4 && first[i])
  }
  throw new RangeError(`"rows" expected a rule that is known, got "${rule}"`)
}

async function text(name: string, file: string): Promise<string> {
  return new TextDecoder().decode(await readInput(await modelFile(name, file)))
}
