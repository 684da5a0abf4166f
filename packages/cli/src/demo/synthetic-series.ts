import { normalCdf, quantileAt } from './distributions.ts'
import type { Randomness } from './random.ts'

/** What models/SYNTHETIC.md describes as series: courses and covariances, from which others like them are drawn. */
export interface SeriesSpec {
  readonly kind: 'series'
  /** Steps, or quantiles of them. */
  readonly length: number | readonly number[]
  readonly variables: readonly string[]
  readonly decimals: readonly number[]
  readonly ranges: readonly (readonly [number, number])[]
  readonly classes: readonly SeriesClass[]
}

export interface SeriesClass {
  readonly label: string
  readonly share: number
  /** Only of engines: flights left behind the series. */
  readonly left?: number
  readonly columns: readonly {
    readonly level?: number
    readonly slope?: number
    readonly rise?: number
    readonly cos?: number
    readonly sin?: number
    readonly quantiles?: readonly number[]
  }[]
  readonly time?: number
  readonly step: readonly (readonly number[])[]
  readonly noise: readonly (readonly number[])[]
  readonly between?: readonly (readonly number[])[]
}

/** Steps that are drawn and thrown away, until the start is forgotten. */
const warmUp = 50

/** One series: a row of values for every step. `day` is that of the year, from 0, of the first step. */
export function drawSeries(
  { ranges, decimals }: SeriesSpec,
  { columns, time = 1, step, noise, between }: SeriesClass,
  length: number,
  { normal }: Randomness,
  day = 0,
): number[][] {
  const e = (): number[] => columns.map(normal)
  const own = between ? times(between, e()) : columns.map(() => 0)
  let y = columns.map(() => 0)
  const advance = (): void => {
    const fresh = times(noise, e())
    y = times(step, y).map((v, i) => v + fresh[i]!)
  }
  for (let i = 0; i < warmUp; i++) advance()
  return Array.from({ length }, (_, t) => {
    advance()
    const angle = (2 * Math.PI * ((((day + t) % 365.25) + 365.25) % 365.25)) / 365.25
    return columns.map(({ level = 0, slope = 0, rise = 0, cos = 0, sin = 0, quantiles }, v) => {
      const course = level + slope * t + rise * Math.exp(-t / time) + cos * Math.cos(angle) + sin * Math.sin(angle)
      const x = course + y[v]! + own[v]!
      const [low, high] = ranges[v]!
      const value = quantiles ? quantileAt(quantiles, normalCdf(x)) : x
      return Number(Math.min(Math.max(value, low), high).toFixed(decimals[v]!))
    })
  })
}

function times(matrix: readonly (readonly number[])[], x: readonly number[]): number[] {
  return matrix.map((row) => row.reduce((sum, w, k) => sum + w * x[k]!, 0))
}
