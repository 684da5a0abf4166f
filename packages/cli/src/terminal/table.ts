import { shorten } from './format.ts'

/** Columns side by side, as wide as they have to be; the last one ends where the terminal does. */
export function showTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number = process.stdout.columns ?? 80,
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0)
  const room = Math.max(head.at(-1)!.length, columns - before)
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === head.length - 1 ? shorten(cell, room) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return `${[head, ...rows].map(line).join('\n')}\n`
}
