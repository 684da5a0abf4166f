import { GloveboxError } from '@glovebox/he'
import type { Cell, Column, ColumnEncoding, InputStep } from '@glovebox/ml'
import { isName, missing, parseRows, requireCommas } from '../samples/csv.ts'

/** A table to learn from: what a client will know of a row, and what is asked. */
export interface LearningTable {
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
  /** Texts of the target column, one a row. */
  readonly target: readonly string[]
}

/** More different texts than these are no categories. */
const mostCategories = 100

/** Reads a CSV file whose first line names its columns. Columns of numbers are numbers, others categories; rows without a target are left out. */
export function readLearningTable(
  bytes: Uint8Array,
  file: string,
  target: string,
  ignored: readonly string[],
): LearningTable {
  const [names = [], ...all] = parseRows(bytes, file)
  if (names.length === 1) requireCommas(names[0]!, file)
  if (!names.every(isName)) throw malformed(file, 'names of columns in its first line', 'numbers there')
  for (const name of [target, ...ignored])
    if (!names.includes(name)) throw malformed(file, `a column "${name}"`, `only ${names.join(', ')}`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw malformed(file, `one column "${twice}"`, 'two of that name')
  const odd = all.findIndex((row) => row.length !== names.length)
  if (odd >= 0)
    throw malformed(
      file,
      `${names.length} cells in line ${odd + 2}, as its first line has names`,
      `${all[odd]!.length}`,
    )
  const place = names.indexOf(target)
  const rows = all.filter((row) => !missing.test(row[place]!))
  if (rows.length < 10) throw malformed(file, 'at least 10 rows with a target', String(rows.length))
  const used = names.flatMap((name, i) => (name === target || ignored.includes(name) ? [] : [i]))
  if (used.length === 0) throw malformed(file, 'a column besides the target', 'none')
  const columns = used.map((i): Column => {
    const cells = rows.map((row) => row[i]!).filter((cell) => !missing.test(cell))
    if (cells.length === 0)
      throw malformed(file, `something in column "${names[i]}"; leave it out with --ignore`, 'nothing')
    if (cells.every((cell) => Number.isFinite(Number(cell)))) return { name: names[i]! }
    const values = [...new Set(cells)].sort()
    if (values.length > mostCategories)
      throw malformed(
        file,
        `numbers, or at most ${mostCategories} categories, in column "${names[i]}"; leave it out with --ignore`,
        `${values.length} different texts`,
      )
    return { name: names[i]!, values, open: true }
  })
  return {
    columns,
    rows: rows.map((row) => used.map((i, k) => cellOf(row[i]!, columns[k]!))),
    target: rows.map((row) => row[place]!),
  }
}

function cellOf(text: string, { values }: Column): Cell {
  if (missing.test(text)) return null
  return values ? text : Number(text)
}

/**
 * What the client does with a row, learnt from rows: missing numbers become medians, categories zeros and ones (none for a missing or unknown one), and all
 * are standardised.
 */
export function learnSteps(columns: readonly Column[], rows: readonly (readonly Cell[])[]): InputStep[] {
  const medians = columns.map(({ values }, i) => (values ? null : medianOf(rows.map((row) => row[i]!))))
  const encodings = columns.map(
    ({ values }, from): ColumnEncoding => (values ? { kind: 'one-hot', from, values } : { kind: 'number', from }),
  )
  const numbers = encodings.flatMap((encoding): ((row: readonly Cell[]) => number)[] => {
    const { from } = encoding
    if (encoding.kind !== 'one-hot') return [(row) => Number(row[from] ?? medians[from])]
    return encoding.values.map((value) => (row) => (row[from] === value ? 1 : 0))
  })
  const means = numbers.map((number) => rows.reduce((sum, row) => sum + number(row), 0) / rows.length)
  const factors = numbers.map((number, i) => {
    const variance = rows.reduce((sum, row) => sum + (number(row) - means[i]!) ** 2, 0) / rows.length
    return variance > 0 ? 1 / Math.sqrt(variance) : 0
  })
  return [
    { op: 'columns', columns },
    { op: 'impute', values: medians },
    { op: 'encode', columns: encodings },
    { op: 'scale', offset: means, factor: factors },
  ]
}

function medianOf(cells: readonly Cell[]): number {
  const sorted = cells.filter((cell): cell is number => typeof cell === 'number').sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function malformed(file: string, expected: string, got: string): GloveboxError {
  return new GloveboxError('malformed', `${file} expected ${expected}, got ${got}`)
}
