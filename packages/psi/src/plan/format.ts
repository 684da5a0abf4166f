import { describe, type SetPlan } from './plan.ts'

/** A plan as text: the choice (→) among what it was chosen from, with predictions, by the time of a run. */
export function formatPlan({ candidates, why, params, predicted }: SetPlan): string {
  const head = [
    '',
    'parameters',
    'up KB',
    'keys KB',
    'down KB',
    'server ms',
    'client ms',
    'run ms',
    'memory MB',
    'build s',
    'chance',
    'noise',
  ]
  const sorted = [...candidates].sort((a, b) => a.predicted.totalMs - b.predicted.totalMs)
  const rows = sorted.map(({ params: p, predicted: x }) => [
    p === params ? '→' : '',
    describe(p),
    kilo(x.uploadBytes),
    kilo(x.keyBytes),
    kilo(x.replyBytes),
    short(x.serverMs),
    short(x.clientMs),
    short(x.totalMs),
    short(x.memoryMB),
    short(x.buildMs / 1000),
    `2^${x.falsePositiveLog2.toFixed(0)}`,
    `${x.noiseMarginBits.toFixed(1)}`,
  ])
  const told = predicted.queries > 1 ? `${predicted.queries} queries a run. ` : ''
  const leak =
    params.prefixBits > 0 ? `A query tells ${params.prefixBits} bits of its OPRF output.` : 'A query tells nothing.'
  return `${table(head, rows)}\n${terms}\n\n${why}.\n${told}${leak}`
}

const terms =
  "felts: numbers modulo t that an item is; D: degree of a bin's polynomial, which has one item fewer, and baby steps; B: items in a bin, of so many powers that are sent; noise: bits to spare before a reply is wrong."

function kilo(bytes: number): string {
  return bytes === 0 ? '–' : short(bytes / 1000)
}

function short(value: number): string {
  return value >= 99.5 ? Math.round(value).toLocaleString('en') : value >= 9.95 ? value.toFixed(0) : value.toFixed(1)
}

/** Columns two blanks apart, all but the first two set to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
