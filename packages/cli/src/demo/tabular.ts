import { join } from 'node:path'
import type { Sample } from '@glovebox/client'
import { type Cell, type Column, type Model, runBefore } from '@glovebox/ml'
import { readInput } from '../files.ts'
import { readModel } from '../model-file.ts'
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
  readonly missing?: string
  readonly header?: readonly string[]
  readonly replace?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** How a demo on rows of a table differs from the others. */
export interface Tabular {
  readonly name: string
  /** Of the held-out file, in the order of its rows; undefined for synthetic rows without a truth. */
  readonly score: (outputs: readonly ArrayLike<number>[], truth: readonly string[]) => number
  /** What the synthetic rows are, such as "people". */
  readonly rows: string
  readonly together?: number
  readonly picture: (outcome: Outcome, inputs: readonly Row[], columns: number, out: string) => string | Promise<string>
}

/** A row as the client has it, by the names of its columns. */
export type Row = Readonly<Record<string, Cell>>

/** Rows that ranges are measured on. */
const calibrationRows = 500

/** Loads a model on rows of a table: real held-out ones where the data is there, else synthetic ones. */
export async function loadTabular(spec: Tabular, { samples, data }: LoadOptions): Promise<Task> {
  const path = await modelFile(spec.name, 'model.json')
  const model = await readModel(path)
  const columns = columnsOf(model)
  const made = JSON.parse(await text(spec.name, 'synthetic.json')) as RowsSpec
  const test = JSON.parse(await text(spec.name, 'test.json')) as HeldOut
  const drawn = drawRows(made, calibrationRows, 2)
  const calibration = drawn.map((row) => runBefore(model.before, inOrder(columns, made, row)))
  const real = data === undefined ? undefined : await heldOut(join(data, test.file), test, columns, samples)
  const synthetic = real ? [] : drawRows(made, samples, 1)
  const cells = real?.cells ?? synthetic.map((row) => inOrder(columns, made, row))
  const truth = real?.truth ?? synthetic.map(({ label }) => label)
  const inputs = cells.map((row): Row => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]!])))
  const json: unknown = JSON.parse(new TextDecoder().decode(await readInput(path)))
  return {
    model,
    compile: {
      samples: Float64Array.from(calibration.flatMap((values) => [...values])),
      batchSize: spec.together ?? 1,
    },
    inputs: inputs as readonly Sample[],
    provenance: real ? 'real' : 'synthetic',
    source: real
      ? `${cells.length} of the ${test.count} held-out rows of ${test.file}`
      : `${cells.length} synthetic ${spec.rows}, drawn from rounded statistics`,
    together: spec.together ?? 1,
    metric: { name: test.metric, score: (outputs) => spec.score(outputs, truth) },
    reference: () => cells.map((row) => referenceOf(json, columns, row)),
    picture: (outcome, width, out) => spec.picture(outcome, inputs, width, out),
  }
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
): Promise<{ cells: Cell[][]; truth: string[] }> {
  const table = await readTable(path, test.header)
  const kept = { names: table.names, rows: held(table, test.rows).slice(0, count) }
  return { cells: cellsOf(kept, columns, test), truth: columnOf(kept, test.target) }
}

/** Rules of models/README.md: every fifth row, all rows, or every fifth row that no earlier one repeats. */
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
