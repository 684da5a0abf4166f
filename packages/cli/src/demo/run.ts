import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ClientKeys,
  connect,
  createKeys,
  type Prediction,
  prepareSample,
  type RemoteModel,
} from '@glovebox/client'
import { type Graph, runClear, samplesPerRun } from '@glovebox/ml'
import { writeBundle } from '../bundle.ts'
import { readTable } from '../calibration/table.ts'
import type { Demo, DemoResult, DemoRun, Outcome, Task } from './demo.ts'
import { startServer } from './server-process.ts'

export interface RunDemoOptions {
  readonly samples: number
  readonly threads: number
  readonly data: string | undefined
  /** A file of `glovebox calibrate`; default: that of the usual place, if there is one. */
  readonly costs?: string | undefined
  /** Hears what is being done, with a count where there is one. */
  readonly onStage: (stage: string, done: number, total: number) => void
  /** The address to speak to in place of the server's: that of a proxy which listens in. */
  readonly through?: (url: string) => Promise<string>
  /** Sees the keys that the demo makes, before they are used and forgotten. */
  readonly onKeys?: (keys: ClientKeys) => void
}

/** Compiles the model of a demo, starts a server in its own process, and is its client. */
export async function runDemo(demo: Demo, options: RunDemoOptions): Promise<DemoRun> {
  const { threads, onStage, through, onKeys } = options
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-demo-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', clean)
  try {
    onStage('reading inputs', 0, 1)
    const task = await demo.load(options)
    onStage('compiling the model', 0, 1)
    const bundle = join(folder, demo.name)
    const costTable = await readTable(options.costs)
    await writeBundle(bundle, task.model, { name: demo.name, ...task.compile, ...(costTable && { costTable }) })
    onStage('starting the server', 0, 1)
    await using server = await startServer(bundle, threads)
    const seen: Uint8Array[] = []
    const listening: typeof fetch = (address, init) => {
      if (seen.length === 0 && init?.method === 'POST' && init.body instanceof Uint8Array) seen.push(init.body)
      return fetch(address, init)
    }
    const url = through ? await through(server.url) : server.url
    const model = await connect(url, { fetch: listening }).model(demo.name)
    const started = performance.now()
    using keys = createKeys(model, { onProgress: (done, total) => onStage('making keys', done, total) })
    const keygenMs = performance.now() - started
    onKeys?.(keys)
    const { predictions, tookMs } = await predictAll(model, keys, task, options)
    const outcome = outcomeOf(task, model, predictions)
    const result = summarise(demo, task, model, keys, outcome, predictions, { keygenMs, threads, tookMs })
    // Behind the JSON header and the frame of the first query, its ciphertexts begin.
    const roundTripMs = medianOf(predictions.map((prediction) => prediction.roundTripMs))
    return { task, model, outcome, result, roundTripMs, seen: seen[0]!.subarray(seen[0]!.length >> 1) }
  } finally {
    process.off('exit', clean)
    clean()
  }
}

/** Requests that come before those that are measured, and the time that they may take. */
const mostWarmUps = 20
const warmUpMs = 1000

/** As many requests at a time as the server has threads. */
async function predictAll(
  model: RemoteModel,
  keys: ClientKeys,
  { inputs, together, sums = [] }: Task,
  { threads, onStage }: RunDemoOptions,
): Promise<{ predictions: Prediction[]; tookMs: number }> {
  const requests = [
    ...Array.from({ length: Math.ceil(inputs.length / together) }, (_, i) => ({
      samples: inputs.slice(i * together, (i + 1) * together),
      sum: false,
    })),
    ...sums.map((sum) => ({ samples: sum.map((i) => inputs[i]!), sum: true })),
  ]
  const predictions = new Array<Prediction>(requests.length)
  let next = 0
  let done = 0
  // Before the clock runs: the first request uploads the keys, and engines optimise code that ran a few times.
  const started = performance.now()
  for (let i = 0; i === 0 || (i < mostWarmUps && performance.now() - started < warmUpMs); i++)
    await model.predict(inputs.slice(0, 1), keys)
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const i = next++
      const { samples, sum } = requests[i]!
      predictions[i] = await model.predict(samples, keys, { sum })
      done += predictions[i]!.outputs.length
      onStage('predicting', done, inputs.length + sums.length)
    }
  }
  const measured = performance.now()
  await Promise.all(Array.from({ length: Math.min(threads, requests.length) }, worker))
  return { predictions, tookMs: performance.now() - measured }
}

function outcomeOf(
  { model: { graph }, inputs, sums = [] }: Task,
  { part }: RemoteModel,
  predictions: readonly Prediction[],
): Outcome {
  const prepare = (i: number): Float64Array => prepareSample(part, inputs[i]!)
  const add = (a: Float64Array, b: Float64Array): Float64Array => a.map((v, k) => v + b[k]!)
  return {
    outputs: predictions.flatMap(({ outputs }) => outputs),
    answers: predictions.flatMap(({ answers }) => answers),
    clear: [
      ...runBlocks(graph, inputs.length, prepare),
      ...runBlocks(graph, sums.length, (i) => sums[i]!.map(prepare).reduce(add)),
    ],
  }
}

/** Numbers that the model in the clear is given at once, at most. In blocks, a weight is read once for many samples, and not all have to be in memory. */
const blockNumbers = 2 ** 21

function runBlocks(graph: Graph, count: number, prepare: (i: number) => Float64Array): Float64Array[] {
  const [inputs, outputs] = [graph.nodes[0]!.size, graph.nodes[graph.output]!.size]
  const most = Math.max(1, Math.min(64, Math.floor(blockNumbers / inputs)))
  const rows: Float64Array[] = []
  while (rows.length < count) {
    const block = new Float64Array(Math.min(most, count - rows.length) * inputs)
    for (let at = 0; at < block.length; at += inputs) block.set(prepare(rows.length + at / inputs), at)
    const values = runClear(graph, block)
    for (let at = 0; at < values.length; at += outputs) rows.push(values.slice(at, at + outputs))
  }
  return rows
}

function summarise(
  { name }: Demo,
  { metric, inputs, together, reference, provenance }: Task,
  model: RemoteModel,
  keys: ClientKeys,
  { outputs, clear }: Outcome,
  predictions: readonly Prediction[],
  { keygenMs, threads, tookMs }: { readonly keygenMs: number; readonly threads: number; readonly tookMs: number },
): DemoResult {
  const { params } = model.context
  const { part } = model
  const score = (rows: readonly ArrayLike<number>[]): number | null => {
    const value = metric.score(rows)
    return value === undefined || Number.isNaN(value) ? null : value
  }
  let [error, largest] = [0, 0]
  clear.forEach((row, i) => {
    row.forEach((value, k) => {
      error = Math.max(error, Math.abs(value - outputs[i]![k]!))
      largest = Math.max(largest, Math.abs(value))
    })
  })
  const total = predictions.reduce((sum, { computeMs }) => sum + (computeMs ?? Number.NaN), 0)
  const needsKeys = part.keys.rotations.length > 0 || part.keys.relinearisation !== undefined
  return {
    name,
    samples: inputs.length,
    metric: metric.name,
    clear: score(clear),
    encrypted: score(outputs),
    reference: score(reference()),
    maxError: error / largest,
    serverMs: medianOf(predictions.map(({ computeMs }) => computeMs ?? Number.NaN)),
    serverMsPerSample: total / inputs.length,
    samplesPerSecond: (1000 * outputs.length) / tookMs,
    keygenMs,
    uploadBytes: medianOf(predictions.map(({ uploadBytes }) => uploadBytes)),
    replyBytes: medianOf(predictions.map(({ replyBytes }) => replyBytes)),
    keyBytes: needsKeys ? keys.evaluation.length : 0,
    packing: part.packing,
    ringDegree: params.ringDegree,
    logQP: params.logQP,
    threads,
    data: provenance,
    estimateMs: part.cost.milliseconds * Math.ceil(Math.min(together, inputs.length) / samplesPerRun(part)),
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
