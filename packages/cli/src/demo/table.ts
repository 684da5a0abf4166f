import type { Cell, Column } from '@glovebox/ml'
import { parse } from 'csv-parse/sync'
import { readInput } from '../files.ts'

/** Rows of a CSV file by the names of their columns, as texts. */
export interface Table {
  readonly names: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Without `header`, the first row has the names. */
export async function readTable(path: string, header?: readonly string[]): Promise<Table> {
  const rows: string[][] = parse(Buffer.from(await readInput(path)), { bom: true, skip_empty_lines: true, trim: true })
  if (header) return { names: header, rows }
  const [names = [], ...rest] = rows
  return { names, rows: rest }
}

/** Cells of the columns that a model takes: numbers, or texts of those with values; what is `missing` is null. */
export function cellsOf(
  { names, rows }: Table,
  columns: readonly Column[],
  {
    missing,
    replace = {},
  }: { readonly missing?: string; readonly replace?: Readonly<Record<string, Readonly<Record<string, string>>>> },
): Cell[][] {
  const places = columns.map(({ name }) => {
    const place = names.indexOf(name)
    if (place < 0) throw new RangeError(`the table has no column "${name}"; it has ${names.join(', ')}`)
    return place
  })
  return rows.map((row) =>
    columns.map(({ name, values }, i) => {
      const text = row[places[i]!]!
      if (text === missing || text === '') return null
      const cell = replace[name]?.[text] ?? text
      return values ? cell : Number(cell)
    }),
  )
}

/** The texts of one column. */
export function columnOf({ names, rows }: Table, name: string): string[] {
  const place = names.indexOf(name)
  if (place < 0) throw new RangeError(`the table has no column "${name}"; it has ${names.join(', ')}`)
  return rows.map((row) => row[place]!)
}
