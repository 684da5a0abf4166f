import { showCount } from './format.ts'

// Charts of plain characters: no more than so many columns, readable without colours.

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar of `share` of the width, from 0 to 1, to an eighth of a character. */
export function bar(share: number, width: number): string {
  const eights = Math.round(Math.max(0, Math.min(1, share)) * width * 8)
  return '█'.repeat(eights >> 3) + eighths[eights & 7]!
}

/** Both sides of 0: `value` is from -1 to 1, each side has `width` characters. */
export function diverging(value: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.abs(value)) * width)
  const [left, right] = value < 0 ? [filled, 0] : [0, filled]
  return `${' '.repeat(width - left)}${'█'.repeat(left)}│${'█'.repeat(right)}${' '.repeat(width - right)}`
}

/** How many values are in each of equal bins from `low` to `high`: a line a bin; values beyond are in the outermost. */
export function binsOf(values: readonly number[], low: number, high: number, count: number): number[][] {
  const bins = Array.from({ length: count }, (): number[] => [])
  values.forEach((value, i) => {
    bins[Math.max(0, Math.min(count - 1, Math.floor(((value - low) / (high - low)) * count)))]!.push(i)
  })
  return bins
}

/** Bars of counts, as wide as fits behind their labels. */
export function histogram(
  rows: readonly { readonly label: string; readonly count: number }[],
  columns: number,
): string {
  const counts = rows.map(({ count }) => showCount(count))
  const labels = Math.max(...rows.map(({ label }) => label.length))
  const most = Math.max(1, ...rows.map(({ count }) => count))
  const width = columns - labels - Math.max(...counts.map((text) => text.length)) - 3
  return rows
    .map(({ label, count }, i) => `${label.padStart(labels)}  ${bar(count / most, width)} ${counts[i]}`)
    .join('\n')
}

export interface Axis {
  readonly name: string
  readonly low: number
  readonly high: number
}

// Dots of a Braille character, by column and row.
const dots = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
]

/** Points in a frame of `columns` by `lines` characters, two by four dots each, with the line where both are equal. */
export function scatter(
  points: readonly (readonly [x: number, y: number])[],
  x: Axis,
  y: Axis,
  { columns, lines }: { readonly columns: number; readonly lines: number },
): string {
  const numbers = Math.max(String(y.low).length, String(y.high).length)
  const width = columns - numbers - 3
  const cells = Array.from({ length: lines }, () => new Uint8Array(width))
  const across = (value: number): number => Math.round(((value - x.low) / (x.high - x.low)) * (width * 2 - 1))
  const down = (value: number): number => Math.round(((y.high - value) / (y.high - y.low)) * (lines * 4 - 1))
  const dot = (column: number, row: number): void => {
    if (column < 0 || row < 0 || column >= width * 2 || row >= lines * 4) return
    cells[row >> 2]![column >> 1]! |= dots[column & 1]![row & 3]!
  }
  const steps = width / 2
  for (let i = 0; i <= steps; i++) {
    const value = x.low + ((x.high - x.low) * i) / steps
    dot(across(value), down(value))
  }
  // A point is a block of dots, so that it stands out from the line.
  for (const [px, py] of points)
    for (const [i, j] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const)
      dot((across(px) & ~1) + i, (down(py) & ~1) + j)
  const body = cells.map((row, i) => {
    const label = i === 0 ? String(y.high) : i === lines - 1 ? String(y.low) : ''
    const text = Array.from(row, (bits) => (bits === 0 ? ' ' : String.fromCodePoint(0x2800 + bits))).join('')
    return `${label.padStart(numbers)} │${text}`.trimEnd()
  })
  const middle = x.name.padStart((width + x.name.length) >> 1)
  const ends = `${x.low}${middle.slice(String(x.low).length)}`
  return [
    `${' '.repeat(numbers)} ${y.name}`,
    ...body,
    `${' '.repeat(numbers)} └${'─'.repeat(width)}`,
    `${' '.repeat(numbers + 2)}${ends.padEnd(width - String(x.high).length)}${x.high}`,
  ].join('\n')
}
