import type { Axis } from '../terminal/charts.ts'

/** A point, and what a browser shows when it is pointed at. */
export interface Mark {
  readonly x: number
  readonly y: number
  readonly name: string
}

const size = { width: 640, height: 480, left: 60, right: 20, top: 44, bottom: 52 }
const ticks = 5

/** Points and the line where both axes are equal, as an SVG file. */
export function scatterSvg(title: string, marks: readonly Mark[], x: Axis, y: Axis): string {
  const { width, height, left, right, top, bottom } = size
  const across = (value: number): string =>
    (left + ((value - x.low) / (x.high - x.low)) * (width - left - right)).toFixed(1)
  const down = (value: number): string =>
    (height - bottom - ((value - y.low) / (y.high - y.low)) * (height - top - bottom)).toFixed(1)
  const at = ({ low, high }: Axis): number[] =>
    Array.from({ length: ticks + 1 }, (_, i) => low + ((high - low) * i) / ticks)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="26" font-size="16">${escaped(title)}</text>`,
    ...at(x).map(
      (value) =>
        `<path d="M${across(value)} ${top}V${height - bottom}" stroke="#ddd"/><text x="${across(value)}" y="${height - bottom + 18}" text-anchor="middle">${Math.round(value)}</text>`,
    ),
    ...at(y).map(
      (value) =>
        `<path d="M${left} ${down(value)}H${width - right}" stroke="#ddd"/><text x="${left - 8}" y="${Number(down(value)) + 4}" text-anchor="end">${Math.round(value)}</text>`,
    ),
    `<path d="M${across(x.low)} ${down(x.low)}L${across(x.high)} ${down(x.high)}" stroke="#999" stroke-dasharray="4 4"/>`,
    ...marks.map(
      ({ x: px, y: py, name }) =>
        `<circle cx="${across(px)}" cy="${down(py)}" r="5" fill="#2a6f97" fill-opacity="0.7"><title>${escaped(name)}</title></circle>`,
    ),
    `<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">${escaped(x.name)}</text>`,
    `<text x="16" y="${(top + height - bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(top + height - bottom) / 2})">${escaped(y.name)}</text>`,
    '</svg>',
    '',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
