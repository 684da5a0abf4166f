import { GloveboxError } from '@glovebox/he'
import { readInput } from '../files.ts'
import { parseRows } from '../samples/csv.ts'

/** What is true of each sample: of a file with one text or number a line, or a JSON array of them. */
export async function readLabels(file: string): Promise<string[]> {
  const bytes = await readInput(file)
  const text = new TextDecoder().decode(bytes).trim()
  if (!text.startsWith('[')) {
    const lines = text.split(/\r?\n/).map((line) => line.trim())
    return lines.length === 1 && lines[0] === '' ? [] : lines
  }
  try {
    const values: unknown = JSON.parse(text)
    if (Array.isArray(values) && values.every((value) => typeof value === 'string' || typeof value === 'number'))
      return values.map(String)
  } catch {}
  throw new GloveboxError('malformed', `${file} expected a text or number a line, or a JSON array of them`)
}

/** A column of the table that the samples are from, by its name in the first line. */
export async function readTarget(file: string, column: string): Promise<string[]> {
  if (!/\.csv$/i.test(file))
    throw new GloveboxError('unsupported', `--target needs a table in .csv, got ${file}: give --labels instead`)
  const [names = [], ...rows] = parseRows(await readInput(file), file)
  const place = names.indexOf(column)
  if (place < 0)
    throw new GloveboxError(
      'malformed',
      `${file} expected a column "${column}", it has ${names.slice(0, 20).join(', ')}`,
    )
  return rows.map((row) => row[place] ?? '')
}
