import { type AffineMap, affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import { forTaps, type Windows } from '../ops/windows.ts'

/** How a value holds channels of pixels: [samples, channels, …pixels] or [samples, …pixels, channels]. */
export interface Images {
  readonly channels: number
  readonly channelsLast: boolean
  /** 1 where left out: only the batch of a model with a fixed one has more. */
  readonly samples?: number
}

interface Place {
  readonly sample: number
  readonly channel: number
  readonly pixel: number
}

/** Where an element is, in images of `plane` pixels. */
export function placeOf({ channels, channelsLast }: Images, plane: number, element: number): Place {
  const sample = Math.floor(element / (channels * plane))
  const rest = element % (channels * plane)
  return channelsLast
    ? { sample, channel: rest % channels, pixel: Math.floor(rest / channels) }
    : { sample, channel: Math.floor(rest / plane), pixel: rest % plane }
}

/** Which element is at a place. */
function elementAt({ channels, channelsLast }: Images, plane: number, { sample, channel, pixel }: Place): number {
  return sample * channels * plane + (channelsLast ? pixel * channels + channel : channel * plane + pixel)
}

/** What a convolution computes at each pixel, channel by channel. */
export interface Filters {
  readonly maps: number
  /** Map m sees the channels of group ⌊m / (maps / groups)⌋. */
  readonly groups: number
  /** The channel is counted within its group. */
  readonly weight: (map: number, channel: number, tap: number) => number
  /** One number for each map. */
  readonly bias?: ArrayLike<number>
}

export function convolution(w: Windows, images: Images, { maps, groups, weight, bias }: Filters): AffineMap {
  const plane = sizeOf(w.output)
  const inputPlane = sizeOf(w.input)
  const { channels, samples = 1 } = images
  const depth = channels / groups
  const outputs = { ...images, channels: maps }
  const matrix = buildSparse(samples * maps * plane, samples * channels * inputPlane, (out, add) => {
    const { sample, channel: map, pixel } = placeOf(outputs, plane, out)
    const first = Math.floor(map / (maps / groups)) * depth
    forTaps(w, pixel, (offset, tap) => {
      for (let c = 0; c < depth; c++) {
        add(elementAt(images, inputPlane, { sample, channel: first + c, pixel: offset }), weight(map, c, tap))
      }
    })
  })
  const biases = new Float64Array(matrix.rows)
  if (bias) biases.forEach((_, i) => (biases[i] = bias[placeOf(outputs, plane, i).channel]!))
  return affine(matrix, biases)
}

/** The sum of the pixels inside each window, channel by channel, divided by their number or by what `count` says for a pixel of the output. */
export function averaging(w: Windows, images: Images, count?: (pixel: number) => number): AffineMap {
  const plane = sizeOf(w.output)
  const inputPlane = sizeOf(w.input)
  const all = (images.samples ?? 1) * images.channels
  const matrix = buildSparse(all * plane, all * inputPlane, (out, add) => {
    const place = placeOf(images, plane, out)
    const inside: number[] = []
    forTaps(w, place.pixel, (pixel) => inside.push(elementAt(images, inputPlane, { ...place, pixel })))
    for (const i of inside) add(i, 1 / (count?.(place.pixel) ?? inside.length))
  })
  return affine(matrix)
}

/** `same`: as many outputs as strides fit, zeros more after than before; `causal`: all zeros before. */
export type Padding = 'valid' | 'same' | 'causal'

/** Windows with Keras' kinds of padding. */
export function windowsOf(
  input: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  padding: Padding,
): Windows {
  const along = input.map((size, axis) => {
    const stride = strides[axis]!
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1
    if (padding === 'causal') return { before: span - 1, after: 0, count: Math.ceil(size / stride) }
    if (padding === 'valid') return { before: 0, after: 0, count: Math.floor((size - span) / stride) + 1 }
    const count = Math.ceil(size / stride)
    const total = Math.max(0, (count - 1) * stride + span - size)
    return { before: Math.floor(total / 2), after: Math.ceil(total / 2), count }
  })
  return {
    input,
    output: along.map(({ count }) => count),
    kernel,
    strides,
    dilations,
    padBefore: along.map(({ before }) => before),
    padAfter: along.map(({ after }) => after),
  }
}
