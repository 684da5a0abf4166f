import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ClientKeys,
  connect,
  createKeys,
  flattenSample,
  type Prediction,
  type RemoteModel,
} from '@glovebox/client'
import { type Graph, importOnnx, runClear } from '@glovebox/ml'
import { writeBundle } from '../bundle.ts'
import { readInput } from '../files.ts'
import { largest } from '../terminal/outputs.ts'
import { readDigits } from './mnist.ts'
import { modelFile } from './model-file.ts'
import { startServer } from './server-process.ts'

/** What `glovebox demo digits --json` prints. */
export interface DemoResult {
  readonly model: string
  readonly images: number
  /** Images whose encrypted and clear predictions are the same digit. */
  readonly agreeWithClear: number
  /** Share of images whose encrypted prediction is the true digit. */
  readonly accuracy: number
  /** Largest error of a logit over the run, relative to the largest logit of the run. */
  readonly maxLogitError: number
  readonly serverMsMedian: number
  readonly roundTripMsMedian: number
  readonly keygenMs: number
  /** Bodies of one request and its answer, per digit. */
  readonly uploadBytes: number
  readonly replyBytes: number
  /** All evaluation keys; uploaded once. */
  readonly keyBytes: number
  readonly threads: number
  readonly ringDegree: number
  readonly logQP: number
  readonly securityBits: number
}

/** One digit of the demo. */
export interface Outcome {
  readonly image: Uint8Array
  readonly label: number
  readonly encrypted: Float64Array
  readonly clear: Float64Array
  readonly prediction: Prediction
}

export interface DemoOptions {
  readonly images: number
  readonly threads: number
  /** Hears what is being done, with a count where there is one. */
  readonly onStage: (stage: string, done: number, total: number) => void
  /** The address to speak to in place of the server's: that of a proxy which listens in. */
  readonly through?: (url: string) => Promise<string>
  /** Sees the keys that the demo makes, before they are used and forgotten. */
  readonly onKeys?: (keys: ClientKeys) => void
}

/** Training digits that the compiler measures ranges on. */
const calibrationDigits = 64

/** Compiles the model, starts a server in its own process, and is its client. */
export async function runDigits(
  options: DemoOptions,
): Promise<{ result: DemoResult; outcomes: readonly Outcome[]; model: RemoteModel }> {
  const { threads, onStage, through, onKeys } = options
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-demo-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', clean)
  try {
    onStage('compiling the model', 0, 1)
    const { graph } = importOnnx(await readInput(await modelFile('digits')))
    const bundle = join(folder, 'digits')
    await writeBundle(bundle, graph, { name: 'digits', samples: await calibration() })
    onStage('starting the server', 0, 1)
    await using server = await startServer(bundle, threads)
    const model = await connect(through ? await through(server.url) : server.url).model('digits')
    const started = performance.now()
    using keys = createKeys(model, { onProgress: (done, total) => onStage('making keys', done, total) })
    const keygenMs = performance.now() - started
    onKeys?.(keys)
    const outcomes = await classify(model, keys, graph, options)
    return { result: summarise(model, keys, outcomes, { keygenMs, threads }), outcomes, model }
  } finally {
    process.off('exit', clean)
    clean()
  }
}

/** Training digits as the model takes them, one after the other. */
async function calibration(): Promise<Float64Array> {
  const { images } = await readDigits('train', calibrationDigits)
  return Float64Array.from(
    images.flatMap((image) => [...image]),
    (pixel) => pixel / 255,
  )
}

/** As many requests at a time as the server has threads. */
async function classify(
  model: RemoteModel,
  keys: ClientKeys,
  graph: Graph,
  { images: count, threads, onStage }: DemoOptions,
): Promise<Outcome[]> {
  const { images, labels } = await readDigits('test', count)
  const predictions = new Array<Prediction>(count)
  let next = 0
  let done = 0
  // Once before the clock runs: the first request uploads the keys.
  await model.predict([images[0]!], keys, { pixels: true })
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      predictions[i] = await model.predict([images[i]!], keys, { pixels: true })
      onStage('classifying', ++done, count)
    }
  }
  await Promise.all(Array.from({ length: Math.min(threads, count) }, worker))
  return images.map((image, i) => ({
    image,
    label: labels[i]!,
    encrypted: predictions[i]!.outputs[0]!,
    clear: runClear(graph, flattenSample(image, model.part.input, { pixels: true })),
    prediction: predictions[i]!,
  }))
}

function summarise(
  model: RemoteModel,
  keys: ClientKeys,
  outcomes: readonly Outcome[],
  { keygenMs, threads }: { keygenMs: number; threads: number },
): DemoResult {
  const { params } = model.ckks
  const error = Math.max(
    ...outcomes.flatMap(({ encrypted, clear }) => [...clear].map((v, i) => Math.abs(v - encrypted[i]!))),
  )
  const largestLogit = Math.max(...outcomes.flatMap(({ clear }) => [...clear].map(Math.abs)))
  const count = (holds: (outcome: Outcome) => boolean): number => outcomes.filter(holds).length
  const median = (value: (prediction: Prediction) => number): number =>
    medianOf(outcomes.map(({ prediction }) => value(prediction)))
  return {
    model: 'digits',
    images: outcomes.length,
    agreeWithClear: count(({ encrypted, clear }) => largest(encrypted) === largest(clear)),
    accuracy: count(({ encrypted, label }) => largest(encrypted) === label) / outcomes.length,
    maxLogitError: error / largestLogit,
    serverMsMedian: median(({ computeMs }) => computeMs ?? Number.NaN),
    roundTripMsMedian: median(({ roundTripMs }) => roundTripMs),
    keygenMs,
    uploadBytes: median(({ uploadBytes }) => uploadBytes),
    replyBytes: median(({ replyBytes }) => replyBytes),
    keyBytes: keys.evaluation.length,
    threads,
    ringDegree: params.ringDegree,
    logQP: params.logQP,
    securityBits: Number.parseInt(params.security[0]!.target, 10),
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
