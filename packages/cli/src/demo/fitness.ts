import { join } from 'node:path'
import { importPerSample, runBefore } from '@glovebox/ml'
import type { Demo, LoadOptions, Outcome, Task } from './demo.ts'
import { readModelJson } from './model-file.ts'
import { drawRuns, encodeRun, minutes, numbersOfMinute, type Run, readRuns, totalsOf } from './runs.ts'
import type { SeriesSpec } from './synthetic-series.ts'

/** models/fitness/model.json: weights that are the same for every minute. */
interface PerMinute {
  readonly outputs: readonly {
    readonly name: string
    readonly weights: readonly number[]
    /** What an error is measured by: the largest of a week, of minutes and scores that of the time. */
    readonly largest: number
  }[]
  readonly classes: readonly string[]
}

interface HeldOut {
  readonly file: string
  readonly metric: string
  /** The runner's highest heart rate. */
  readonly highest: number
}

const realRuns = 27

export const demo: Demo = {
  name: 'fitness',
  summary: 'totals and intensity of runs, and of weeks that the server adds up',
  question:
    'How far, how long, how hard was this run, and this week? The server adds up encrypted runs that it cannot read.',
  before: 'a private fitness app, without a time (by 2021)',
  samples: { usual: 12, most: realRuns },
  load,
}

/** The largest sum that the model has to hold: of so many runs a week. */
const mostRuns = 16
/** Of the largest climb of a week, and so on; what is left is 0.1 % of the climb of a flat run. */
const precisionBits = 17

async function load({ samples, data }: LoadOptions): Promise<Task> {
  const spec = await readModelJson<SeriesSpec>('fitness', 'synthetic.json')
  const json = await readModelJson<PerMinute>('fitness', 'model.json')
  const { file, metric, highest } = await readModelJson<HeldOut>('fitness', 'test.json')
  const runs = data === undefined ? drawRuns(spec, samples, 1) : await readRuns(join(data, file), samples)
  const inputs = runs.map((run) => encodeRun(run, highest))
  const weeks = weeksOf(runs)
  const groups = [...runs.keys()].map((i) => [i]).concat(weeks)
  const truth = groups.map((group) =>
    outputsOf(
      json,
      group.map((i) => totalsOf(runs[i]!, highest)),
    ),
  )
  const model = importPerSample(json)
  const some = drawRuns(spec, mostRuns, 2).map((run) => runBefore(model.before, encodeRun(run, highest)))
  return {
    model,
    compile: {
      samples: Float64Array.from(some.flatMap((values) => [...values])),
      precisionBits,
      // No evaluation keys.
      packing: 'coefficient',
      precisionOf: json.outputs.map(({ largest }) => largest),
      summands: mostRuns,
    },
    inputs,
    sums: weeks,
    provenance: data === undefined ? 'synthetic' : 'real',
    source:
      data === undefined
        ? `${samples} synthetic runs in ${weeks.length} weeks, drawn from rounded statistics of one runner's`
        : `${runs.length} runs of one runner in ${weeks.length} weeks, by the second`,
    together: 1,
    metric: { name: metric, score: (outputs) => largestDifference(outputs, truth) },
    reference: () =>
      groups.map((group) =>
        outputsOf(
          json,
          group.flatMap((i) =>
            Array.from({ length: minutes }, (_, t) => [
              ...inputs[i]!.subarray(numbersOfMinute * t, numbersOfMinute * (t + 1)),
            ]),
          ),
        ),
      ),
    picture: (outcome) => show(outcome, json, runs, weeks),
  }
}

/** The outputs for rows of a minute's numbers, or of a run's. */
function outputsOf({ outputs }: PerMinute, rows: readonly (readonly number[])[]): number[] {
  return outputs.map(({ weights }) =>
    rows.reduce((total, row) => weights.reduce((sum, weight, i) => sum + weight * row[i]!, total), 0),
  )
}

/** Runs by the week that they began in, Monday to Sunday in UTC. 1 January 1970 was a Thursday. */
function weeksOf(runs: readonly Run[]): number[][] {
  const weeks = new Map<number, number[]>()
  for (const [i, [start]] of runs.entries()) {
    const week = Math.floor((Math.floor(start!.time / 86_400) + 3) / 7)
    weeks.set(week, [...(weeks.get(week) ?? []), i])
  }
  return [...weeks.values()]
}

/** Places of the outputs. */
const [distance, moving, climb, zone1, effort] = [0, 1, 2, 3, 8]

/** Of distance, time, climb and load to what they are; of minutes in zones and of scores to the time. */
function largestDifference(outputs: readonly ArrayLike<number>[], truth: readonly (readonly number[])[]): number {
  const own = new Set([distance, moving, climb, effort])
  return Math.max(
    ...truth.flatMap((row, i) =>
      row.map((value, j) => Math.abs(outputs[i]![j]! - value) / Math.abs(own.has(j) ? value : row[moving]!)),
    ),
  )
}

const shading = ['·', '░', '▒', '▓', '█']
const bar = 20
const mostShown = 12

/** Runs and weeks in a table, with the share of each heart-rate zone. */
function show(
  { outputs }: Outcome,
  { classes }: PerMinute,
  runs: readonly Run[],
  weeks: readonly (readonly number[])[],
): string {
  const line = (name: string, row: ArrayLike<number>): string => {
    const scores = classes.map((_, k) => row[row.length - classes.length + k]!)
    const said = classes[scores.indexOf(Math.max(...scores))]!
    return [
      name.padEnd(15),
      row[distance]!.toFixed(2).padStart(6),
      clock(row[moving]! * 60).padStart(8),
      clock((60 * row[moving]!) / row[distance]!).padStart(6),
      (1000 * row[climb]!).toFixed(0).padStart(5),
      ` ${zonesOf(row)}`,
      row[effort]!.toFixed(0).padStart(5),
      said,
    ].join(' ')
  }
  const date = (i: number): string =>
    new Date(1000 * runs[i]![0]!.time).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const hidden = runs.length - mostShown
  return [
    `${'run'.padEnd(15)}     km     time   pace climb  ${'heart-rate zones'.padEnd(bar)}  load class`,
    ...runs.slice(0, mostShown).map((_, i) => line(date(i), outputs[i]!)),
    ...(hidden > 0 ? [`… and ${hidden} more`] : []),
    '',
    'weeks, added up encrypted on the server',
    ...weeks.map((week, k) =>
      line(`${date(week[0]!)}, ${week.length} ${week.length === 1 ? 'run' : 'runs'}`, outputs[runs.length + k]!),
    ),
    '',
    `zones by share of time: 1 ${shading[0]}  2 ${shading[1]}  3 ${shading[2]}  4 ${shading[3]}  5 ${shading[4]}`,
  ].join('\n')
}

/** A bar whose parts are as long as the zones' shares of the time. */
function zonesOf(row: ArrayLike<number>): string {
  const shares = shading.map((_, z) => Math.max(0, row[zone1 + z]!))
  const total = shares.reduce((sum, v) => sum + v, 0)
  const end = (z: number): number => Math.round((shares.slice(0, z).reduce((sum, v) => sum + v, 0) / total) * bar)
  return shading.map((mark, z) => mark.repeat(end(z + 1) - end(z))).join('')
}

/** Minutes and seconds, or hours, minutes and seconds. */
function clock(seconds: number): string {
  const whole = Math.round(seconds)
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
