import { extname } from 'node:path'
import type { PreparedInput, Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { InputStep } from '@glovebox/ml'
import { readInput } from '../files.ts'
import { csvRows, jsonRows, npyRows, textLines } from './rows.ts'
import type { Samples } from './samples.ts'

type Reader = (bytes: Uint8Array, file: string, shape: readonly number[]) => Samples

/** By the ending of a name; each is loaded when it is needed. */
const readers: Readonly<Record<string, () => Promise<Reader>>> = {
  '.json': async () => (await import('./json.ts')).readJson,
  '.csv': async () => (await import('./csv.ts')).readCsv,
  '.npy': async () => (await import('./npy.ts')).readNpy,
  '.png': async () => (await import('./png.ts')).readPng,
}

/** Of models that take rows of data or texts. */
const rowReaders: Readonly<
  Record<string, (bytes: Uint8Array, file: string, before: readonly InputStep[]) => Sample[]>
> = { '.json': jsonRows, '.csv': csvRows, '.txt': textLines, '.npy': npyRows }

/**
 * Reads samples for a model from a file by its ending: .npy, .json, .csv or .png. Images are pixels. Where the model reads images
 * (its input has rows and columns) so are bytes, and files of nothing but whole numbers from 0 to 255, unless `pixels` says what
 * they are. A file is one or the other, all of its samples alike.
 */
export async function readSamples(file: string, input: PreparedInput, pixels?: boolean): Promise<Samples> {
  if (input.before.length > 0) return { samples: await readRows(file, input.before), pixels: false }
  const load = readers[extname(file).toLowerCase()]
  if (!load) throw new GloveboxError('unsupported', `${file} expected a name that ends in .npy, .json, .csv or .png`)
  const read = await load()
  const found = read(await readInput(file), file, input.shape)
  if (found.samples.length === 0) throw new GloveboxError('malformed', `${file} has no samples`)
  if (pixels !== undefined || found.pixels) return { samples: found.samples, pixels: pixels ?? true }
  const note = `${file}: whole numbers up to 255 are taken for pixels; --no-pixels takes them as they are`
  return input.shape.length >= 2 && lookLikePixels(found.samples)
    ? { samples: found.samples, pixels: true, note }
    : found
}

async function readRows(file: string, before: readonly InputStep[]): Promise<Sample[]> {
  const read = rowReaders[extname(file).toLowerCase()]
  if (!read) {
    throw new GloveboxError(
      'unsupported',
      `${file} expected a name that ends in .json, .csv, .npy or .txt, as this model takes rows of data or texts`,
    )
  }
  const samples = read(await readInput(file), file, before)
  if (samples.length === 0) throw new GloveboxError('malformed', `${file} has no samples`)
  return samples
}

/** Whole numbers from 0 to 255 with one above 1: numbers that are scaled to [0, 1] already never are. */
function lookLikePixels(samples: readonly Sample[]): boolean {
  let largest = 0
  const allBytes = (value: unknown): boolean => {
    if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.prototype.every.call(value, allBytes)
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 255) return false
    largest = Math.max(largest, value)
    return true
  }
  return samples.every(allBytes) && largest > 1
}
