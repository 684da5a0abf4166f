import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { importOnnx, type Model } from '@glovebox/ml'
import pc from 'picocolors'
import { FileError, readInput } from '../files.ts'
import { drawPictures } from '../terminal/picture.ts'
import { drawBar } from './chart.ts'
import { writeSheet } from './contact-sheet.ts'
import type { Demo, LoadOptions, Outcome, Task } from './demo.ts'
import { accuracy } from './metrics.ts'
import { features, openMobileNet, photoSide } from './mobilenet.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { type Photo, readPhoto } from './photo.ts'
import { referenceOfOnnx } from './reference-onnx.ts'
import { drawVectors, type VectorsSpec } from './synthetic-vectors.ts'

const testPhotos = 400
/** Synthetic features that ranges are measured on. */
const calibration = 100

export const demo: Demo = {
  name: 'pets',
  summary: 'cat or dog: a public network on the photo here, a private one on its encrypted features there',
  question:
    'Is this a cat or a dog? A public network looks at the photo here; the private head sees encrypted features.',
  before: 'under 1 s (by 2021)',
  samples: { usual: 20, most: testPhotos },
  load,
}

interface Pet {
  readonly name: string
  readonly dog: boolean
  readonly features: ArrayLike<number>
  readonly photo?: Photo
}

async function load({ samples, data }: LoadOptions): Promise<Task> {
  const bytes = await readInput(await modelFile('pets'))
  const spec = await readModelJson<VectorsSpec>('pets', 'synthetic.json')
  const pets = data === undefined ? drawn(spec, samples, 1) : await readPets(data, samples)
  const model: Model = {
    ...importOnnx(bytes),
    after: [{ op: 'sigmoid' }, { op: 'labels', names: ['cat', 'dog'], threshold: 0.5 }],
  }
  return {
    model,
    compile: {
      samples: Float64Array.from(drawn(spec, calibration, 2).flatMap((pet) => Array.from(pet.features))),
    },
    inputs: pets.map((pet) => pet.features),
    provenance: data === undefined ? 'synthetic' : 'real',
    source:
      data === undefined
        ? `${features} synthetic features of each of ${samples} animals that there are not, drawn from rounded principal components: photos and network ` +
          'may not come with Glovebox, --data DIR takes real ones (models/pets/README.md)'
        : `${features} features each of ${pets.length} of ${testPhotos} test photos, by MobileNet v1 on this side`,
    together: 1,
    metric: {
      name: 'accuracy',
      score: (outputs) =>
        accuracy(
          outputs.map((row) => row[0]! > 0),
          pets.map(({ dog }) => dog),
        ),
    },
    reference: () => pets.map((pet) => pet.features).map(referenceOfOnnx(bytes, [features])),
    picture: (outcome, columns, out) => show(outcome, pets, columns, out),
  }
}

function drawn(spec: VectorsSpec, count: number, seed: number): Pet[] {
  return drawVectors(spec, count, seed).map(({ label, values }, i) => ({
    name: `synthetic-${i + 1}`,
    dog: label === 'dog',
    features: values,
  }))
}

/** As many cats as dogs, of the photos that nothing was trained on. */
async function readPets(data: string, count: number): Promise<Pet[]> {
  const extract = await openMobileNet(join(data, 'mobilenet-v1-0.25-tfjs'))
  const [cats, dogs] = [await photosIn(data, 'cats'), await photosIn(data, 'dogs')]
  const turns = cats.flatMap((cat, i) => [cat, ...dogs.slice(i, i + 1)]).slice(0, count)
  const pets: Pet[] = []
  for (const path of turns) {
    const photo = await readPhoto(path, photoSide)
    pets.push({ name: basename(path), dog: dogs.includes(path), features: extract(photo.pixels), photo })
  }
  return pets
}

async function photosIn(data: string, kind: string): Promise<string[]> {
  const folder = join(data, 'cats-dogs', 'test', kind)
  const names = await readdir(folder).catch((cause) => {
    throw new FileError('read', folder, cause)
  })
  return names
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => join(folder, name))
}

const small = 32
const margin = 0
const gap = 2
const mostShown = 12

async function show(
  { answers, outputs }: Outcome,
  pets: readonly Pet[],
  columns: number,
  out: string,
): Promise<string> {
  const risks = answers.map(({ values }) => values[1]!)
  const right = pets.map(({ dog }, i) => outputs[i]![0]! > 0 === dog)
  const judged = (i: number, text: string): string => (right[i] ? pc.green(text) : pc.red(text))
  const photos = pets.flatMap(({ photo }) => photo ?? [])
  const names = Math.max(...pets.slice(0, mostShown).map(({ name }) => name.length))
  const lines = pets.slice(0, mostShown).map(({ name, dog }, i) => {
    const percent = `${(100 * risks[i]!).toFixed(1)} %`.padStart(7)
    const said = judged(i, `${answers[i]!.label}, ${right[i] ? 'right' : `but it is a ${dog ? 'dog' : 'cat'}`}`)
    return `${name.padEnd(names)}  dog? ${drawBar(risks[i]!, 30)} ${percent}  ${said}`
  })
  const more = pets.length > mostShown ? [`… and ${pets.length - mostShown} more`] : []
  if (photos.length === 0) return [...lines, ...more].join('\n')
  const path = join(out, 'pets.png')
  await writeSheet(
    path,
    photos.map(({ pixels, side }, i) => ({ pixels, side, channels: 3, share: risks[i]!, right: right[i]! })),
  )
  const fit = Math.max(1, Math.min(photos.length, Math.floor((columns + gap) / (small + gap))))
  const pictures = photos.slice(0, fit).map((photo) => ({ pixels: greys(photo), side: small }))
  return [
    drawPictures(pictures, { margin, gap, colours: pc.isColorSupported, shades: true }),
    '',
    ...lines,
    ...more,
    '',
    `All photos, with bars of how much of a dog, in red frames where wrong: ${path}`,
  ].join('\n')
}

/** Mean brightness of squares of a photo. */
function greys({ pixels, side }: Photo): Float64Array {
  const step = side / small
  const sums = new Float64Array(small * small)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const [r, g, b] = [0, 1, 2].map((c) => pixels[3 * (y * side + x) + c]!) as [number, number, number]
      sums[Math.floor(y / step) * small + Math.floor(x / step)]! += (0.3 * r + 0.59 * g + 0.11 * b) / step ** 2
    }
  return sums
}
