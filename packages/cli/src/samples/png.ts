import { GloveboxError } from '@glovebox/he'
import { convertIndexedToRgb, type DecodedPng, decode } from 'fast-png'
import { type Samples, showShape, sizeOf } from './samples.ts'

/** One image, in grey or in colour as the model takes it; transparency is dropped. */
export function readPng(bytes: Uint8Array, file: string, shape: readonly number[]): Samples {
  const channels = shape.length === 3 ? shape[0]! : 1
  requireSize(bytes, file, shape, sizeOf(shape) / channels)
  const { pixels, width, height, planes } = decodePixels(bytes, file)
  const area = width * height
  const colour = planes >= 3
  const plane = (i: number, channel: number): number => pixels[i * planes + channel]!
  // ITU-R BT.601, as image libraries turn colour into grey.
  const grey = (i: number): number =>
    colour ? 0.299 * plane(i, 0) + 0.587 * plane(i, 1) + 0.114 * plane(i, 2) : plane(i, 0)
  const sample = new Float64Array(channels * area)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) sample[c * area + i] = channels === 3 && colour ? plane(i, c) : grey(i)
  }
  return { samples: [sample], pixels: true }
}

/** Looks at width and height before anything is unpacked. PNG (Third Edition), section 11.2.1. */
function requireSize(bytes: Uint8Array, file: string, shape: readonly number[], area: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 24 || view.getUint32(0) !== 0x89504e47)
    throw new GloveboxError('malformed', `${file} is not a PNG image`)
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  const [rows, columns] = shape.length >= 2 ? [shape.at(-2)!, shape.at(-1)!] : [undefined, undefined]
  if (rows === undefined ? width * height !== area : width !== columns || height !== rows) {
    const expected = rows === undefined ? `${area} pixels` : `${columns}x${rows} pixels`
    throw new GloveboxError(
      'malformed',
      `${file} expected ${expected} for an input of ${showShape(shape)}, got ${width}x${height}`,
    )
  }
}

interface Pixels {
  /** 0 to 255, channels together. */
  readonly pixels: ArrayLike<number>
  readonly width: number
  readonly height: number
  readonly planes: number
}

function decodePixels(bytes: Uint8Array, file: string): Pixels {
  try {
    const image = decode(bytes)
    const { width, height, channels, depth, data } = image
    if (image.palette) return { pixels: convertIndexedToRgb(image), width, height, planes: image.palette[0]!.length }
    if (depth < 8) return { pixels: convertIndexedToRgb(greyPalette(image)), width, height, planes: 1 }
    return { pixels: depth === 16 ? Float64Array.from(data, (v) => v / 257) : data, width, height, planes: channels }
  } catch (cause) {
    throw new GloveboxError(
      'malformed',
      `${file} is a damaged PNG image: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    )
  }
}

/** Packed shades of grey are a palette of shades. */
function greyPalette(image: DecodedPng): DecodedPng {
  const shades = 2 ** image.depth
  return { ...image, palette: Array.from({ length: shades }, (_, i) => [(255 * i) / (shades - 1)]) }
}
