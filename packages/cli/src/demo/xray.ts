import { join } from 'node:path'
import { importOnnx, type Model } from '@glovebox/ml'
import pc from 'picocolors'
import { readInput } from '../files.ts'
import { drawPictures } from '../terminal/picture.ts'
import { drawBar } from './chart.ts'
import { writeSheet } from './contact-sheet.ts'
import type { Demo, LoadOptions, Outcome, Task } from './demo.ts'
import { accuracy } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { referenceOfOnnx } from './reference-onnx.ts'
import { drawVectors, type VectorsSpec } from './synthetic-vectors.ts'

const side = 28
/** Of the test split of PneumoniaMNIST. */
const testImages = 624
/** Synthetic images that ranges are measured on. */
const calibration = 100

export const demo: Demo = {
  name: 'xray',
  summary: 'pneumonia on chest X-rays of children, by a small network with squares',
  question: 'Does this chest X-ray show pneumonia? A convolution, a layer and two squares, on encrypted pixels.',
  before: 'named as a use, without a time (by 2021)',
  samples: { usual: 20, most: testImages },
  load,
}

interface Picture {
  readonly pixels: Uint8Array
  readonly ill: boolean
}

async function load({ samples, data }: LoadOptions): Promise<Task> {
  const bytes = await readInput(await modelFile('xray'))
  const spec = await readModelJson<VectorsSpec>('xray', 'synthetic.json')
  const pictures = data === undefined ? drawn(spec, samples, 1) : await heldOut(data, samples)
  const inputs = pictures.map(({ pixels }) => scaled(pixels))
  const reference = referenceOfOnnx(bytes, [1, side, side])
  // The score is of log-odds, moved so that 0 is where validation data says that illness begins.
  const model: Model = {
    ...importOnnx(bytes),
    after: [{ op: 'sigmoid' }, { op: 'labels', names: ['normal', 'pneumonia'], threshold: 0.5 }],
  }
  return {
    model,
    compile: {
      samples: Float64Array.from(drawn(spec, calibration, 2).flatMap(({ pixels }) => [...scaled(pixels)])),
    },
    inputs,
    provenance: data === undefined ? 'synthetic' : 'real',
    source:
      data === undefined
        ? `${samples} synthetic pictures of 28 x 28 pixels, drawn from rounded principal components`
        : `${pictures.length} of the ${testImages} test images of PneumoniaMNIST`,
    together: 1,
    metric: {
      name: 'accuracy',
      score: (outputs) =>
        accuracy(
          outputs.map((row) => row[0]! > 0),
          pictures.map(({ ill }) => ill),
        ),
    },
    reference: () => inputs.map(reference),
    picture: (outcome, columns, out) => show(outcome, pictures, columns, out),
  }
}

/** As the model takes pixels: from 0 to 1. */
function scaled(pixels: Uint8Array): Float64Array {
  return Float64Array.from(pixels, (pixel) => pixel / 255)
}

function drawn(spec: VectorsSpec, count: number, seed: number): Picture[] {
  return drawVectors(spec, count, seed).map(({ label, values }) => ({
    pixels: Uint8Array.from(values),
    ill: label === 'pneumonia',
  }))
}

interface HeldOut {
  readonly images: string
  readonly labels: string
}

/** Spread over the file, which may have its classes one after the other. */
async function heldOut(data: string, count: number): Promise<Picture[]> {
  const { images, labels } = await readModelJson<HeldOut>('xray', 'test.json')
  const [pixels, truth] = [await readInput(join(data, images)), await readInput(join(data, labels))]
  const area = side * side
  const most = Math.min(count, truth.length)
  return Array.from({ length: most }, (_, i) => {
    const at = Math.floor((i * truth.length) / most)
    return { pixels: pixels.subarray(at * area, (at + 1) * area), ill: truth[at] === 1 }
  })
}

const gap = 2
const margin = 2
const width = side - 2 * margin

/** A few pictures, each above its probability, and all of them as a PNG. */
async function show(
  { answers, outputs }: Outcome,
  pictures: readonly Picture[],
  columns: number,
  out: string,
): Promise<string> {
  const fit = Math.max(1, Math.min(pictures.length, Math.floor((columns + gap) / (width + gap))))
  const shown = pictures.slice(0, fit)
  const risks = answers.map(({ values }) => values[1]!)
  const right = pictures.map(({ ill }, i) => outputs[i]![0]! > 0 === ill)
  const under = (text: (i: number) => string): string =>
    shown
      .map((_, i) => text(i))
      .join(' '.repeat(gap))
      .trimEnd()
  const caption = (i: number): string => {
    const text = `${pictures[i]!.ill ? 'ill' : 'healthy'}: ${right[i] ? 'right' : 'wrong'}`.padEnd(width)
    return right[i] ? pc.green(text) : pc.red(text)
  }
  const path = join(out, 'xray.png')
  await writeSheet(
    path,
    pictures.map(({ pixels }, i) => ({ pixels, side, share: risks[i]!, right: right[i]! })),
  )
  return [
    drawPictures(
      shown.map(({ pixels }) => ({ pixels, side })),
      { margin, gap, colours: pc.isColorSupported, shades: true },
    ),
    '',
    under((i) => drawBar(risks[i]!, width)),
    under((i) => `pneumonia ${(100 * risks[i]!).toFixed(1)} %`.padEnd(width)),
    under(caption),
    '',
    `All of them with their probabilities, in red frames where wrong: ${path}`,
  ].join('\n')
}
