import { createRequire } from 'node:module'
import { GloveboxError } from '@glovebox/he'
import { readInput } from '../files.ts'

/** A square picture, red, green and blue of a pixel one after the other, row by row. */
export interface Photo {
  readonly side: number
  readonly pixels: Float32Array
}

interface JpegDecoder {
  decode(
    bytes: Uint8Array,
    options: { readonly useTArray: true; readonly formatAsRGBA: false },
  ): { readonly width: number; readonly height: number; readonly data: Uint8Array }
}

/** The square in the middle of a JPEG file, resampled to so many pixels; values from 0 to 255, not rounded. */
export async function readPhoto(path: string, side: number): Promise<Photo> {
  const { width, height, data } = decoder().decode(await readInput(path), { useTArray: true, formatAsRGBA: false })
  const cut = Math.min(width, height)
  const [left, top] = [Math.floor((width - cut) / 2), Math.floor((height - cut) / 2)]
  const taps = tapsOf(cut, side)
  const rows = new Float32Array(cut * side * 3)
  for (let y = 0; y < cut; y++)
    taps.forEach(({ first, weights }, x) => {
      for (let c = 0; c < 3; c++) {
        let sum = 0
        weights.forEach((weight, k) => {
          sum += weight * data[3 * ((top + y) * width + left + first + k) + c]!
        })
        rows[3 * (y * side + x) + c] = sum
      }
    })
  const pixels = new Float32Array(side * side * 3)
  taps.forEach(({ first, weights }, y) => {
    for (let at = 0; at < 3 * side; at++) {
      let sum = 0
      weights.forEach((weight, k) => {
        sum += weight * rows[(first + k) * 3 * side + at]!
      })
      pixels[y * 3 * side + at] = sum
    }
  })
  return { side, pixels }
}

/** A triangle as wide as a target pixel, at least a source pixel, to either side, as models/pets/train.py has it. */
function tapsOf(source: number, target: number): { first: number; weights: number[] }[] {
  const scale = source / target
  const reach = Math.max(1, scale)
  return Array.from({ length: target }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5
    const first = Math.max(0, Math.ceil(centre - reach))
    const last = Math.min(source - 1, Math.floor(centre + reach))
    const weights = Array.from({ length: last - first + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k - centre) / reach),
    )
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    return { first, weights: weights.map((weight) => weight / total) }
  })
}

/** Photos are read only where the real data is, and only there the decoder is needed. */
function decoder(): JpegDecoder {
  try {
    return createRequire(import.meta.url)('jpeg-js') as JpegDecoder
  } catch (cause) {
    throw new GloveboxError('not-found', 'reading photos needs the package jpeg-js: npm install jpeg-js', { cause })
  }
}
