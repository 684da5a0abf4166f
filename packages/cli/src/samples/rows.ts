import type { Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { Cell, Column, InputStep } from '@glovebox/ml'
import { shorten } from '../terminal/format.ts'
import { isName, missing, parseRows, requireCommas } from './csv.ts'
import { kindOf, parse } from './json.ts'
import { readNpy } from './npy.ts'

// Samples of models that take rows of data or texts: what the cells mean is checked where they are prepared, for all kinds of files in one place.

/** An array of rows, each an object by the names of columns or an array of cells, or of texts. */
export function jsonRows(bytes: Uint8Array, file: string): Sample[] {
  const value = parse(bytes, file)
  if (!Array.isArray(value)) throw malformed(file, 'an array of rows or texts', kindOf(value))
  return value.map((row: unknown, i) => {
    if (typeof row === 'string') return row
    if (row === null || typeof row !== 'object')
      throw malformed(file, `an object, an array of cells, or a text as sample ${i}`, kindOf(row))
    for (const [key, cell] of Object.entries(row)) {
      if (!isCell(cell))
        throw malformed(file, `a number, a text or null as ${JSON.stringify(key)} of sample ${i}`, kindOf(cell))
    }
    return row as Sample
  })
}

/** A row of cells a line. The first line is the names of the columns where it has all of them; else the columns are in the order of the model. */
export function csvRows(bytes: Uint8Array, file: string, before: readonly InputStep[]): Sample[] {
  const rows = parseRows(bytes, file)
  const columns = columnsOf(before)
  const [head = []] = rows
  if (!columns) return rows.map((row) => row.map((text) => cellOf(text, undefined)))
  if (head.length === 1 && columns.length > 1) requireCommas(head[0]!, file)
  if (isHead(head, columns, file)) {
    const places = columns.map(({ name }) => head.indexOf(name))
    return rows.slice(1).map((row, i) => {
      if (row.length !== head.length)
        throw malformed(file, `${head.length} cells in row ${i}, as its first line has names`, String(row.length))
      return columns.map((column, k) => cellOf(row[places[k]!] ?? '', column))
    })
  }
  return rows.map((row, i) => {
    if (row.length !== columns.length) {
      const expected = columns.map(({ name }) => name).join(', ')
      throw malformed(
        file,
        `${columns.length} columns (${expected}) or a first line with their names`,
        `${row.length} in row ${i}`,
      )
    }
    return row.map((text, k) => cellOf(text, columns[k]))
  })
}

/** Whether the first line names all columns that the model looks at. Throws GloveboxError for one that names columns, but not all of them, or one twice. */
function isHead(head: readonly string[], columns: readonly Column[], file: string): boolean {
  const needed = columns.filter(({ unused }) => !unused).map(({ name }) => name)
  const lacking = needed.filter((name) => !head.includes(name))
  if (lacking.length === 0) {
    const twice = needed.find((name) => head.indexOf(name) !== head.lastIndexOf(name))
    if (twice !== undefined) throw malformed(file, `one column "${twice}"`, 'two of that name')
    return true
  }
  const texts = head.every(isName)
  const impossible = texts && columns.some(({ values, text, unused }) => !values && !text && !unused)
  if (!impossible && !(texts && lacking.length < needed.length)) return false
  const others = head.filter((name) => !columns.some((column) => column.name === name))
  throw malformed(
    file,
    `a column for each of ${list(lacking)} in its first line, spelled like that`,
    others.length > 0 ? `${list(others)} there, which the model does not know` : 'none',
  )
}

/** Rows of numbers of a .npy file, where NaN is a missing one. */
export function npyRows(bytes: Uint8Array, file: string, before: readonly InputStep[]): Sample[] {
  const width = columnsOf(before)?.length
  if (width === undefined || columnsOf(before)!.some(({ values, text, unused }) => !unused && (values || text)))
    throw new GloveboxError('unsupported', `${file}: this model takes texts or categories; give .json or .csv`)
  return readNpy(bytes, file, [width]).samples.map((row) => Array.from(row as ArrayLike<number>))
}

/** A text a line. */
export function textLines(bytes: Uint8Array, file: string): Sample[] {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new GloveboxError('malformed', `${file} expected text in UTF-8, got other bytes`, { cause })
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

function columnsOf([first]: readonly InputStep[]): readonly Column[] | undefined {
  return first?.op === 'columns' ? first.columns : undefined
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `"${shorten(name, 40)}"`)
  return shown.join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')
}

function cellOf(text: string, column: Column | undefined): Cell {
  if (column?.text) return text === '' ? null : text
  if (column?.values) return !column.values.includes(text) && missing.test(text) ? null : text
  if (missing.test(text)) return null
  const value = Number(text)
  return Number.isNaN(value) ? text : value
}

function isCell(value: unknown): value is Cell {
  return value === null || typeof value === 'number' || typeof value === 'string'
}

function malformed(file: string, expected: string, got: string): GloveboxError {
  return new GloveboxError('malformed', `${file} expected ${expected}, got ${got}`)
}
