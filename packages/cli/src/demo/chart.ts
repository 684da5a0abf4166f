// Charts in plain characters, which look the same without colours.

/** Values over equal steps, drawn as one mark each; where two fall together, the later one is seen. */
export interface Line {
  readonly mark: string
  readonly values: readonly number[]
}

/** Lines in a frame of so many rows, with the largest and the least value at the side; a step is `step` columns wide. */
export function drawLines(lines: readonly Line[], rows: number, options: { readonly step?: number } = {}): string {
  const { step = 1 } = options
  const all = lines.flatMap(({ values }) => values)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const count = Math.max(...lines.map(({ values }) => values.length))
  const cells = Array.from({ length: rows }, () => new Array<string>(count * step).fill(' '))
  for (const { mark, values } of lines)
    values.forEach((value, i) => {
      const row = Math.round(((high - value) / (high - low || 1)) * (rows - 1))
      cells[row]![i * step] = mark
    })
  const label = (row: number): string =>
    row % 3 === 0 || row === rows - 1 ? (high - (row / (rows - 1)) * (high - low)).toFixed(0) : ''
  return cells.map((cell, row) => `${label(row).padStart(5)} ┤ ${cell.join('').trimEnd()}`.trimEnd()).join('\n')
}

const eighths = ' ▁▂▃▄▅▆▇█'

/** A row of bars, from 0 to 1. */
export function drawShares(shares: readonly number[], step = 1): string {
  return shares
    .map((share) => eighths[Math.max(0, Math.min(8, Math.round(8 * share)))]!.padEnd(step))
    .join('')
    .trimEnd()
}

/** A bar as long as a share of `width`. */
export function drawBar(share: number, width: number): string {
  const filled = Math.round(Math.max(0, Math.min(1, share)) * width)
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
