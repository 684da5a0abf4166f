import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { type CostTable, defaultCostTable } from '@glovebox/ml'
import { FileError, makeFolder, readInput, writeOutput } from '../files.ts'

/** Where `glovebox calibrate` leaves what it measured, and `glovebox compile` looks for it. */
export function usualPlace(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'glovebox', 'costs.json')
}

/** Of the form of a table: prices have other meanings, or there are others, in other versions. */
const version = 2

export async function writeTable(path: string, table: CostTable): Promise<void> {
  await makeFolder(dirname(path))
  await writeOutput(path, new TextEncoder().encode(`${JSON.stringify({ version, ...table }, undefined, 2)}\n`))
}

/** The table of a file; of the usual place, if there is one, where none is named; else undefined. */
export async function readTable(path: string | undefined): Promise<CostTable | undefined> {
  const place = path ?? usualPlace()
  let text: string
  try {
    text = new TextDecoder().decode(await readInput(place))
  } catch (error) {
    if (path === undefined && error instanceof FileError) return undefined
    throw error
  }
  return parse(place, text)
}

function parse(path: string, text: string): CostTable {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', `${path}: expected the JSON that glovebox calibrate writes`, { cause })
  }
  const found = (value ?? {}) as Partial<Record<keyof CostTable | 'version', unknown>>
  if (found.version !== version) {
    const got = typeof found.version === 'number' ? found.version : 'none'
    throw new GloveboxError(
      'malformed',
      `${path}: "version" expected ${version}, got ${got}: it is of another version of glovebox, run glovebox calibrate again`,
    )
  }
  const prices = Object.keys(defaultCostTable) as (keyof CostTable)[]
  return Object.fromEntries(prices.map((entry) => [entry, priceOf(path, entry, found[entry])])) as unknown as CostTable
}

function priceOf(path: string, entry: string, found: unknown): number {
  if (typeof found === 'number' && Number.isFinite(found) && found >= 0) return found
  throw new GloveboxError('malformed', `${path}: "${entry}" expected a number from 0: run glovebox calibrate again`)
}
