import { join } from 'node:path'
import { readInput } from '../files.ts'

/** Pixels on a side of what it looks at, and how many numbers it makes of that. */
export const photoSide = 224
export const features = 256

const strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
/** Of the normalisation of a batch, under a root. */
const epsilon = 1e-3

/** Rows of pixels, or of what became of them, `channels` numbers each. */
interface Plane {
  readonly side: number
  readonly channels: number
  readonly values: Float32Array
}

interface Layer {
  readonly kind: 'full' | 'depthwise' | 'pointwise'
  /** In TensorFlow's order: rows, columns, channels in, channels out. */
  readonly weights: Float32Array
  readonly bias: Float32Array
  readonly stride: number
}

/**
 * MobileNet v1 with a quarter of the channels (Howard et al. 2017, arXiv:1704.04861), a public network that clients run on their photos in the clear,
 * from its files for TensorFlow.js. What it gives takes pixels from 0 to 255 to 256 features from 0 to 6.
 */
export async function openMobileNet(folder: string): Promise<(pixels: Float32Array) => Float64Array> {
  const arrays = await readArrays(folder)
  const get = (name: string): Float32Array => {
    const found = arrays.get(name)
    if (!found) throw new RangeError(`${folder} expected an array "${name}"; it has ${[...arrays.keys()].join(', ')}`)
    return found
  }
  const layers = [
    layerOf(get, 'full', 'conv1/kernel', 'conv1_bn', 2),
    ...strides.flatMap((stride, i) => [
      layerOf(get, 'depthwise', `conv_dw_${i + 1}/depthwise_kernel`, `conv_dw_${i + 1}_bn`, stride),
      layerOf(get, 'pointwise', `conv_pw_${i + 1}/kernel`, `conv_pw_${i + 1}_bn`, 1),
    ]),
  ]
  return (pixels) => {
    const scaled = pixels.map((pixel) => pixel / 127.5 - 1)
    return meanOf(layers.reduce(convolve, { side: photoSide, channels: 3, values: scaled }))
  }
}

/** With the normalisation folded into weights and bias. */
function layerOf(
  get: (name: string) => Float32Array,
  kind: Layer['kind'],
  kernel: string,
  norm: string,
  stride: number,
): Layer {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) =>
    get(`${norm}/${name}`),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const gain = gamma.map((g, c) => g / Math.sqrt(variance[c]! + epsilon))
  return {
    kind,
    stride,
    weights: get(kernel).map((weight, i) => weight * gain[i % gain.length]!),
    bias: beta.map((b, c) => b - mean[c]! * gain[c]!),
  }
}

/** A layer, then the clamp from 0 to 6. Padding "same": an odd pixel goes to the right and below. */
function convolve({ side, channels, values }: Plane, { kind, weights, bias, stride }: Layer): Plane {
  const kernel = kind === 'pointwise' ? 1 : 3
  const out = Math.ceil(side / stride)
  const width = bias.length
  const before = Math.floor(Math.max(0, (out - 1) * stride + kernel - side) / 2)
  const result = new Float32Array(out * out * width)
  const sums = new Float64Array(width)
  for (let y = 0; y < out; y++)
    for (let x = 0; x < out; x++) {
      sums.set(bias)
      for (let i = 0; i < kernel; i++)
        for (let j = 0; j < kernel; j++) {
          const [row, column] = [y * stride + i - before, x * stride + j - before]
          if (row < 0 || column < 0 || row >= side || column >= side) continue
          const from = (row * side + column) * channels
          const at = (i * kernel + j) * channels
          if (kind === 'depthwise') for (let c = 0; c < width; c++) sums[c]! += values[from + c]! * weights[at + c]!
          else addProducts(sums, values, from, channels, weights, at * width)
        }
      const to = (y * out + x) * width
      for (let c = 0; c < width; c++) result[to + c] = Math.max(0, Math.min(6, sums[c]!))
    }
  return { side: out, channels: width, values: result }
}

function addProducts(
  sums: Float64Array,
  values: Float32Array,
  from: number,
  channels: number,
  weights: Float32Array,
  at: number,
): void {
  const width = sums.length
  for (let c = 0; c < channels; c++) {
    const value = values[from + c]!
    if (value === 0) continue
    for (let o = 0; o < width; o++) sums[o]! += value * weights[at + c * width + o]!
  }
}

function meanOf({ side, channels, values }: Plane): Float64Array {
  const mean = new Float64Array(channels)
  values.forEach((value, i) => {
    mean[i % channels]! += value / (side * side)
  })
  return mean
}

interface Manifest {
  readonly weightsManifest: readonly {
    readonly paths: readonly string[]
    readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[]
  }[]
}

/** Arrays by name: each group of the manifest is its files one after the other, little-endian floats. */
async function readArrays(folder: string): Promise<Map<string, Float32Array>> {
  const { weightsManifest } = JSON.parse(
    new TextDecoder().decode(await readInput(join(folder, 'model.json'))),
  ) as Manifest
  const arrays = new Map<string, Float32Array>()
  for (const { paths, weights } of weightsManifest) {
    const files = await Promise.all(paths.map((path) => readInput(join(folder, path))))
    const bytes = Buffer.concat(files)
    let at = 0
    for (const { name, shape } of weights) {
      const count = shape.reduce((product, n) => product * n, 1)
      arrays.set(
        name,
        Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i)),
      )
      at += 4 * count
    }
  }
  return arrays
}
