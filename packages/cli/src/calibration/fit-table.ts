import { type CostTable, costOf, defaultCostTable, type Program } from '@glovebox/ml'
import { fitNonNegative } from './fit.ts'

/** The prices of a cost table, in the order of a row of `pricesOf`. */
export const entries: readonly (keyof CostTable)[] = Object.keys(defaultCostTable) as (keyof CostTable)[]
const none = Object.fromEntries(entries.map((entry) => [entry, 0])) as unknown as CostTable

/** Milliseconds of a program at a price of 1 for one operation and 0 for the others: its time is the sum of these times the prices. */
export function pricesOf(program: Program): number[] {
  return entries.map((entry) => costOf(program, { ...none, [entry]: 1 }).milliseconds)
}

/** How much prices stay what they are to each other on the machine of the default table: a few noisy times do not tell all of them apart. */
const priorWeight = 0.1

/** The table of a machine, from what each program would take at a price of 1 for one operation, and its time. */
export function fitTable(rows: readonly (readonly number[])[], milliseconds: readonly number[]): CostTable {
  const usual = entries.map((entry) => defaultCostTable[entry])
  // By how much this machine is slower than that one, all in all.
  const [factor] = fitNonNegative(
    rows.map((row) => [row.reduce((sum, value, k) => sum + value * usual[k]!, 0)]),
    milliseconds,
  )
  const prior = { values: usual.map((price) => price * factor!), weight: priorWeight }
  const prices = fitNonNegative(rows, milliseconds, prior)
  return Object.fromEntries(entries.map((entry, k) => [entry, prices[k]])) as unknown as CostTable
}

/** Of several measurements of one machine. */
export function meanTable(tables: readonly CostTable[]): CostTable {
  const mean = (entry: keyof CostTable): number => tables.reduce((sum, table) => sum + table[entry], 0) / tables.length
  return Object.fromEntries(entries.map((entry) => [entry, mean(entry)])) as unknown as CostTable
}
