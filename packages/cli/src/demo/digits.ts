import { importOnnx } from '@glovebox/ml'
import { readInput } from '../files.ts'
import { largest } from '../terminal/outputs.ts'
import type { Demo, DemoRun } from './demo.ts'
import { accuracy } from './metrics.ts'
import { readDigits, side, testDigits } from './mnist.ts'
import { modelFile } from './model-file.ts'
import { referenceOfOnnx } from './reference-onnx.ts'
import { showDigits } from './report.ts'

/** What `glovebox demo digits --json` prints first: it was there before the other demos. */
export interface DigitsResult {
  readonly model: string
  readonly images: number
  /** Images whose encrypted and clear predictions are the same digit. */
  readonly agreeWithClear: number
  /** Share of images whose encrypted prediction is the true digit. */
  readonly accuracy: number | null
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

/** Training digits that the compiler measures ranges on. */
const calibrationDigits = 64

export const demo: Demo = {
  name: 'digits',
  summary: 'handwritten digits by a network with squares, an image at a time',
  question: 'Which digits are these? A convolution, two layers and two squares, on encrypted pixels.',
  before: '80 s for a digit with a neural network (2016)',
  samples: { usual: 100, most: testDigits },
  async load({ samples }) {
    const bytes = await readInput(await modelFile('digits'))
    const { images, labels } = await readDigits('test', samples)
    const train = await readDigits('train', calibrationDigits)
    const inputs = images.map(scaled)
    const truth = [...labels]
    return {
      model: importOnnx(bytes),
      compile: { samples: Float64Array.from(train.images.flatMap((image) => [...scaled(image)])) },
      inputs,
      provenance: 'real',
      source: `${samples} of the 10,000 MNIST test images`,
      together: 1,
      metric: { name: 'accuracy', score: (outputs) => accuracy(outputs.map(largest), truth) },
      reference: () => inputs.map(referenceOfOnnx(bytes, [1, side, side])),
      picture: ({ outputs, clear }, columns) =>
        [
          showDigits(images, labels, outputs.map(largest), columns),
          '',
          `${agreement(outputs, clear)} of ${images.length} digits are what the model in the clear says.`,
        ].join('\n'),
    }
  },
  json: resultOf,
}

/** As the model takes pixels: from 0 to 1. */
function scaled(image: Uint8Array): Float64Array {
  return Float64Array.from(image, (pixel) => pixel / 255)
}

function agreement(outputs: readonly Float64Array[], clear: readonly Float64Array[]): number {
  return outputs.filter((row, i) => largest(row) === largest(clear[i]!)).length
}

function resultOf({ result, outcome, model, roundTripMs }: DemoRun): DigitsResult {
  return {
    model: result.name,
    images: result.samples,
    agreeWithClear: agreement(outcome.outputs, outcome.clear),
    accuracy: result.encrypted,
    maxLogitError: result.maxError,
    serverMsMedian: result.serverMs,
    roundTripMsMedian: roundTripMs,
    keygenMs: result.keygenMs,
    uploadBytes: result.uploadBytes,
    replyBytes: result.replyBytes,
    keyBytes: result.keyBytes,
    threads: result.threads,
    ringDegree: result.ringDegree,
    logQP: result.logQP,
    securityBits: Number.parseInt(model.context.params.security[0]!.target, 10),
  }
}
