import type { Cell, Column } from '@glovebox/ml'
import { drawRows, type RowsSpec } from '../demo/synthetic-rows.ts'
import type { ExampleColumn } from '../examples.ts'

/** Rows that nobody is in, and the columns of a form for them. */
export interface MadeUpRows {
  readonly columns: readonly ExampleColumn[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Shares of a column below its quantiles: extremes, which may be somebody's, are left out. */
const shares = [0.05, 0.25, 0.5, 0.75, 0.95]
/** Digits of a range that count. */
const quantileDigits = 2
const mostDecimals = 4

/**
 * Rows like those of a table, without any of it: each column is drawn by itself, numbers between rounded quantiles, categories by how frequent they are.
 */
export function makeUpRows(
  columns: readonly Column[],
  table: readonly (readonly Cell[])[],
  count: number,
  seed: number,
): MadeUpRows {
  const learnt = columns.map(({ name, values }, i) => {
    const cells = table.map((row) => row[i]!).filter((cell) => cell !== null)
    if (values) {
      const frequencies = values.map((value) => cells.filter((cell) => cell === value).length)
      // Of a column that is empty in this part of the table, any.
      const drawn = frequencies.some((f) => f > 0) ? frequencies : frequencies.map(() => 1)
      return { column: { name, values }, drawn: { frequencies: drawn }, field: { name, values } }
    }
    const numbers = cells.map(Number).sort((a, b) => a - b)
    const decimals = Math.min(mostDecimals, Math.max(0, ...numbers.map(decimalsOf)))
    const quantiles = rounded(shares.map((share) => numbers[Math.floor(share * numbers.length)] ?? 0))
    const field = { name, low: quantiles[0]!, high: quantiles.at(-1)! }
    return { column: { name, decimals }, drawn: { quantiles }, field }
  })
  const spec: RowsSpec = {
    kind: 'rows',
    columns: learnt.map(({ column }) => column),
    classes: [{ label: '', share: 1, columns: learnt.map(({ drawn }) => drawn), factors: learnt.map(() => []) }],
  }
  return {
    columns: learnt.map(({ field }) => field),
    rows: drawRows(spec, count, seed).map(({ cells }) => cells),
  }
}

/** To some digits of what lies between the lowest and the highest. */
function rounded(quantiles: readonly number[]): number[] {
  const spread = quantiles.at(-1)! - quantiles[0]!
  const decimals = spread > 0 ? quantileDigits - 1 - Math.floor(Math.log10(spread)) : mostDecimals
  const step = 10 ** -Math.max(-300, Math.min(100, decimals))
  return quantiles.map((value) => Number((Math.round(value / step) * step).toPrecision(12)))
}

function decimalsOf(value: number): number {
  return (/\.(\d+)$/.exec(String(value))?.[1] ?? '').length
}
