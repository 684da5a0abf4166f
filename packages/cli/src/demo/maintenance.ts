import { join } from 'node:path'
import type { Sample } from '@glovebox/client'
import { type Column, runBefore } from '@glovebox/ml'
import pc from 'picocolors'
import { readInput } from '../files.ts'
import { readModel } from '../model-file.ts'
import type { Demo, LoadOptions, Outcome, Task } from './demo.ts'
import { rmse } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { createRandomness } from './random.ts'
import { referenceOf } from './reference.ts'
import { drawSeries, type SeriesSpec } from './synthetic-series.ts'

/** Of the published test file. */
const testEngines = 100
/** Flights that the model looks at. */
const window = 30
/** An engine that has more left shows nothing yet. */
const most = 125
/** Synthetic engines that ranges are measured on. */
const calibration = 100

export const demo: Demo = {
  name: 'maintenance',
  summary: 'flights that a turbofan engine has left',
  question:
    'How many flights has this engine left? From 14 sensors on its last 30 flights, encrypted; a network with squares.',
  before: 'no earlier figure',
  samples: { usual: 20, most: testEngines },
  load,
}

interface HeldOut {
  readonly file: string
  readonly inputs: readonly number[]
  readonly truth: string
  readonly metric: string
}

interface Engine {
  readonly cells: readonly number[]
  readonly left: number
}

async function load({ samples, data }: LoadOptions): Promise<Task> {
  const model = await readModel(await modelFile('maintenance', 'model.json'))
  const json = await readModelJson<{ readonly columns: readonly Column[] }>('maintenance', 'model.json')
  const spec = await readModelJson<SeriesSpec>('maintenance', 'synthetic.json')
  const test = await readModelJson<HeldOut>('maintenance', 'test.json')
  const engines = data === undefined ? drawEngines(spec, samples, 1) : await readEngines(data, test, samples)
  const truth = engines.map(({ left }) => left)
  const rows = drawEngines(spec, calibration, 2).map(({ cells }) => runBefore(model.before, cells))
  const reference = referenceOf(json, json.columns)
  return {
    model,
    compile: { samples: Float64Array.from(rows.flatMap((row) => [...row])) },
    inputs: engines.map(({ cells }): Sample => cells),
    provenance: data === undefined ? 'synthetic' : 'real',
    source:
      data === undefined
        ? `${samples} synthetic engines, drawn from rounded statistics of simulated ones`
        : `${engines.length} of the ${testEngines} test engines of NASA's simulation C-MAPSS FD001`,
    together: 1,
    metric: {
      name: test.metric,
      score: (outputs) =>
        rmse(
          outputs.map((row) => row[0]!),
          truth,
        ),
    },
    reference: () => engines.map(({ cells }) => reference(cells)),
    picture: (outcome, columns) => show(outcome, truth, columns),
  }
}

/** The last flights of every engine, and how many were to come. */
async function readEngines(data: string, { file, inputs, truth }: HeldOut, count: number): Promise<Engine[]> {
  const flights = await table(join(data, file))
  const left = await table(join(data, truth.split(',')[0]!))
  const engines = new Map<number, (readonly number[])[]>()
  for (const flight of flights) engines.set(flight[0]!, [...(engines.get(flight[0]!) ?? []), flight])
  return [...engines.values()].slice(0, count).map((own, i) => ({
    cells: own.slice(-window).flatMap((flight) => inputs.map((column) => flight[column]!)),
    left: Math.min(most, left[i]![0]!),
  }))
}

/** Numbers of a text file, by lines. */
async function table(path: string): Promise<number[][]> {
  const text = new TextDecoder().decode(await readInput(path))
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
}

/** One stage of life after the other. */
function drawEngines(spec: SeriesSpec, count: number, seed: number): Engine[] {
  const randomness = createRandomness(seed)
  return Array.from({ length: count }, (_, i) => {
    const group = spec.classes[i % spec.classes.length]!
    return {
      cells: drawSeries(spec, group, window, randomness).flat(),
      left: Math.min(most, group.left!),
    }
  })
}

const mostShown = 20
/** Columns beside the bar. */
const beside = 29

/** A line for each engine: what is foretold as a bar, and where the truth is. */
function show({ outputs }: Outcome, truth: readonly number[], columns: number): string {
  const width = Math.min(60, columns - beside)
  const place = (flights: number): number => Math.round(Math.max(0, Math.min(1, flights / most)) * (width - 1))
  const order = [...truth.keys()].slice(0, mostShown).sort((a, b) => outputs[a]![0]! - outputs[b]![0]!)
  const line = (i: number): string => {
    const said = Math.max(0, outputs[i]![0]!)
    const cells = Array.from({ length: width }, (_, k): string => (k <= place(said) ? '▒' : ' '))
    cells[place(truth[i]!)] = '◆'
    const colour = said < 25 ? pc.red : said < 60 ? pc.yellow : pc.green
    return [
      `engine ${String(i + 1).padEnd(3)}`,
      `${colour(cells.join(''))}│`,
      `${said.toFixed(0).padStart(4)}, was ${truth[i]!.toFixed(0).padStart(3)}`,
    ].join(' ')
  }
  return [
    `Flights left, from 0 to ${most} and more: foretold ▒, and what came ◆`,
    '',
    ...order.map(line),
    ...(truth.length > mostShown ? [`… and ${truth.length - mostShown} more`] : []),
  ].join('\n')
}
