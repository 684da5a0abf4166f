import { gunzipSync } from 'node:zlib'
import { readInput } from '../files.ts'
import { quantileAt } from './distributions.ts'
import { createRandomness } from './random.ts'
import { drawSeries, type SeriesSpec } from './synthetic-series.ts'

/** What a watch records. */
export interface Point {
  /** In s since 1970. */
  readonly time: number
  /** In m since the start. */
  readonly distance: number
  /** In m. */
  readonly altitude: number
  /** In beats a minute. */
  readonly heartRate: number
}

/** Points in the order of their times. */
export type Run = readonly Point[]

export const minutes = 128
/** distance in km, moving time in min, climb in km, and minutes in five heart-rate zones. */
export const numbersOfMinute = 8
/** Seconds between two points that count as a pause. */
const pause = 10
/** Shares of the highest heart rate, where zones 2 to 5 begin. */
const zones = [0.6, 0.7, 0.8, 0.9]

/** What happened between a point and the one before. */
function stepsOf(
  run: Run,
  highest: number,
): { minute: number; distance: number; moving: number; climb: number; zone: number }[] {
  return run.map(({ time, distance, altitude, heartRate }, i) => {
    const before = run[i - 1]
    const seconds = before ? time - before.time : 0
    return {
      minute: Math.floor((time - run[0]!.time) / 60),
      distance: (distance - (before?.distance ?? 0)) / 1000,
      moving: seconds <= pause ? seconds / 60 : 0,
      climb: before ? Math.max(0, altitude - before.altitude) / 1000 : 0,
      zone: zones.filter((edge) => heartRate / highest >= edge).length,
    }
  })
}

/** A run as models/fitness/README.md describes it: 8 numbers a minute. `highest` is the runner's own heart rate. */
export function encodeRun(run: Run, highest: number): Float64Array {
  const out = new Float64Array(minutes * numbersOfMinute)
  for (const { minute, distance, moving, climb, zone } of stepsOf(run, highest)) {
    if (minute >= minutes)
      throw new RangeError(
        `"run" expected at most ${minutes} minutes, got ${minute + 1}: send it in parts, whose sums add up`,
      )
    const at = minute * numbersOfMinute
    out[at]! += distance
    out[at + 1]! += moving
    out[at + 2]! += climb
    out[at + 3 + zone]! += moving
  }
  return out
}

/** Totals of a run straight from its points: the 8 numbers of a minute, over all minutes. */
export function totalsOf(run: Run, highest: number): number[] {
  const steps = stepsOf(run, highest)
  const sum = (value: (step: (typeof steps)[number]) => number): number => steps.reduce((s, step) => s + value(step), 0)
  return [
    run.at(-1)!.distance / 1000,
    sum(({ moving }) => moving),
    sum(({ climb }) => climb),
    ...[0, 1, 2, 3, 4].map((z) => sum(({ zone, moving }) => (zone === z ? moving : 0))),
  ]
}

/** Runs of a CSV file, packed by gzip; a value that is missing is that of the point before. */
export async function readRuns(path: string, most: number): Promise<Run[]> {
  const [header = '', ...lines] = gunzipSync(await readInput(path))
    .toString()
    .trim()
    .split('\n')
  const names = header.trim().split(',')
  const [session, ...columns] = ['session', 'time', 'distance', 'altitude', 'heart_rate'].map((name) => {
    const place = names.indexOf(name)
    if (place < 0) throw new RangeError(`${path} expected a column "${name}", it has ${names.join(', ')}`)
    return place
  })
  const runs = new Map<string, Point[]>()
  let last = [0, 0, 0, 0]
  for (const line of lines) {
    const cells = line.split(',')
    last = columns.map((place, k) => {
      const cell = cells[place]!.trim()
      return cell === '' || cell === 'NA' ? last[k]! : Number(cell)
    })
    const [time = 0, distance = 0, altitude = 0, heartRate = 0] = last
    const key = cells[session!]!
    if (!runs.has(key)) runs.set(key, [])
    runs.get(key)!.push({ time, distance, altitude, heartRate })
  }
  return [...runs.values()].slice(0, most)
}

const day = 86_400
/** Monday, 3 June 2013, in the evening. */
const firstEvening = 15_859 * day + 18.5 * 3600
/** Days of a week on which there is a run. */
const evenings = [1, 3, 5, 6]
/** Seconds between two made-up points. */
const every = 5

/** Runs that nobody ran, four a week. */
export function drawRuns(spec: SeriesSpec, count: number, seed: number): Run[] {
  const randomness = createRandomness(seed)
  return Array.from({ length: count }, (_, i) => {
    const group = spec.classes[randomness.uniform() < spec.classes[0]!.share ? 0 : 1]!
    const length = Math.round(quantileAt(spec.length as readonly number[], randomness.uniform()))
    const rows = drawSeries(spec, group, length, randomness)
    const evening = 7 * Math.floor(i / evenings.length) + evenings[i % evenings.length]!
    return pointsOf(rows, firstEvening + evening * day)
  })
}

/** Rows of distance, heart rate and climb by the minute as points, the heart rate from one minute to the next in a line. */
function pointsOf(rows: readonly (readonly number[])[], start: number): Run {
  const points: Point[] = [{ time: start, distance: 0, altitude: 0, heartRate: rows[0]![1]! }]
  const each = 60 / every
  rows.forEach(([distance = 0, heartRate = 0, climb = 0], minute) => {
    const following = rows[minute + 1]?.[1] ?? heartRate
    for (let k = 1; k <= each; k++) {
      const { time, distance: sofar, altitude } = points.at(-1)!
      points.push({
        time: time + every,
        distance: sofar + distance / each,
        altitude: altitude + climb / each,
        heartRate: heartRate + ((following - heartRate) * k) / each,
      })
    }
  })
  // The end of the last minute would begin another one.
  return points.slice(0, -1)
}
