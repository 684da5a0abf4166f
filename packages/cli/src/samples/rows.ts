import type { Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { Cell, Column, InputStep } from '@glovebox/ml'
import { missing, parseRows } from './csv.ts'
import { parse } from './json.ts'

// Samples of models that take rows of data or texts: what the cells mean is checked where they are prepared, for all kinds of files in one place.

/** An array of rows, each an object by the names of columns or an array of cells, or of texts. */
export function jsonRows(bytes: Uint8Array, file: string): Sample[] {
  const value = parse(bytes, file)
  if (!Array.isArray(value)) throw malformed(file, 'an array of rows or texts', typeof value)
  return value.map((row: unknown, i) => {
    if (typeof row === 'string') return row
    const cells = row !== null && typeof row === 'object' ? Object.values(row) : undefined
    if (!cells?.every(isCell)) throw malformed(file, `a row of cells, or a text, as sample ${i}`, 'something else')
    return row as Sample
  })
}

/** A row of cells a line. The first line is the names of the columns where it has all of them; else the columns are in the order of the model. */
export function csvRows(bytes: Uint8Array, file: string, before: readonly InputStep[]): Sample[] {
  const rows = parseRows(bytes, file)
  const [first] = before
  const columns = first?.op === 'columns' ? first.columns : undefined
  const names = rows[0] ?? []
  const named = columns?.every(({ name, unused }) => unused || names.includes(name))
  if (columns && named) {
    const places = columns.map(({ name }) => names.indexOf(name))
    return rows.slice(1).map((row) => columns.map((column, i) => cellOf(row[places[i]!] ?? '', column)))
  }
  rows.forEach((row, i) => {
    if (columns && row.length !== columns.length) {
      const expected = columns.map(({ name }) => name).join(', ')
      throw malformed(
        file,
        `${columns.length} columns (${expected}) or a first line with their names`,
        `${row.length} in row ${i}`,
      )
    }
  })
  return rows.map((row) => row.map((text, i) => cellOf(text, columns?.[i])))
}

/** A text a line. */
export function textLines(bytes: Uint8Array): Sample[] {
  return new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
}

function cellOf(text: string, column: Column | undefined): Cell {
  if (column?.values || column?.text) return text === '' ? null : text
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
