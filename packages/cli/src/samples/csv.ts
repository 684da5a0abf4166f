import { GloveboxError } from '@glovebox/he'
import { CsvError, parse } from 'csv-parse/sync'
import type { Samples } from './samples.ts'

/** One sample a row. A first row of texts, none of which stands for a missing number, is the names of the columns. */
export function readCsv(bytes: Uint8Array, file: string): Samples {
  const rows = parseRows(bytes, file)
  if (rows[0]?.length === 1) requireCommas(rows[0][0]!, file)
  if (rows[0]?.every(isName)) rows.shift()
  const samples = rows.map((row, i) =>
    row.map((cell, j) => {
      const value = toNumber(cell)
      if (Number.isNaN(value)) {
        requireCommas(cell, file)
        throw new GloveboxError(
          'malformed',
          `${file} expected a number in column ${j + 1} of sample ${i}, got ${kindOf(cell)}`,
        )
      }
      return value
    }),
  )
  return { samples, pixels: false }
}

export function parseRows(bytes: Uint8Array, file: string): string[][] {
  try {
    return parse(Buffer.from(bytes), {
      bom: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    })
  } catch (cause) {
    if (cause instanceof CsvError)
      throw new GloveboxError('malformed', `${file} is not CSV: ${cause.message}`, { cause })
    throw cause
  }
}

/** What stands for a missing number. */
export const missing: RegExp = /^(?:[+-]?nan|n\/?a|null|none|[-?.]*)$/i
const infinite = /^[+-]?inf(?:inity)?$/i

/** Whether a cell may be the name of a column: a text that stands for no number. */
export function isName(cell: string): boolean {
  return Number.isNaN(Number(cell)) && !missing.test(cell) && !infinite.test(cell)
}

/** What a cell is; what it says is the user's own. */
function kindOf(cell: string): string {
  if (cell === '') return 'an empty cell'
  return missing.test(cell) || infinite.test(cell) ? 'what stands for no finite number' : 'a text'
}

export function requireCommas(cell: string, file: string): void {
  const [found] = /[;\t]/.exec(cell) ?? []
  if (found === undefined) return
  const name = found === '\t' ? 'tabs' : `"${found}"`
  throw new GloveboxError(
    'malformed',
    `${file} has ${name} between its columns: expected commas, and points in numbers`,
  )
}

/** An empty cell is no 0. */
function toNumber(cell: string): number {
  return cell === '' ? Number.NaN : Number(cell)
}
