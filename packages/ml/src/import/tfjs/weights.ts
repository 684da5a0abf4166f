import { z } from 'zod'
import { sizeOf, type Tensor } from '../../tensor/tensor.ts'
import { malformed, unsupported } from './layer.ts'

/** A weight as model.json lists it. */
export interface WeightEntry {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  /** Stored value · scale + min. */
  readonly quantization?: {
    readonly dtype: 'uint8' | 'uint16' | 'float16'
    readonly scale?: number
    readonly min?: number
  }
}

/** Weights that lie one behind the other in the files. */
export interface WeightGroup {
  readonly paths: readonly string[]
  readonly weights: readonly WeightEntry[]
}

const weight: z.ZodType<WeightEntry> = z.object({
  name: z.string(),
  shape: z.array(z.number().int().min(0)).max(8),
  dtype: z.string(),
  quantization: z
    .object({
      dtype: z.literal(['uint8', 'uint16', 'float16']),
      scale: z.number().exactOptional(),
      min: z.number().exactOptional(),
    })
    .exactOptional(),
})
/** The list of weight files of model.json. */
export const manifestSchema: z.ZodType<WeightGroup[]> = z.array(
  z.object({ paths: z.array(z.string()), weights: z.array(weight) }),
)

// Little-endian, whatever the machine.
const readers: Readonly<Record<string, readonly [number, (view: DataView, at: number) => number]>> = {
  float32: [4, (view, at) => view.getFloat32(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
  uint8: [1, (view, at) => view.getUint8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  bool: [1, (view, at) => view.getUint8(at)],
  float16: [2, (view, at) => halfOf(view.getUint16(at, true))],
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** The shards of a group, behind each other. */
function joined(paths: readonly string[], files: Readonly<Record<string, Uint8Array>>): DataView {
  const parts = paths.map((path) => {
    const bytes = Object.hasOwn(files, path) ? files[path] : undefined
    if (!(bytes instanceof Uint8Array)) throw malformed(`the weight file "${path}" of "weightsManifest" is not given`)
    return bytes
  })
  const [only] = parts
  if (parts.length === 1 && only) return new DataView(only.buffer, only.byteOffset, only.byteLength)
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return new DataView(all.buffer)
}

function decode(
  { name, shape, dtype, quantization }: WeightEntry,
  view: DataView,
  at: number,
): { tensor: Tensor; end: number } {
  const stored = quantization?.dtype ?? dtype
  const reader = Object.hasOwn(readers, stored) ? readers[stored] : undefined
  if (!reader) {
    throw unsupported(`weight "${name}" has type ${stored}; supported are ${Object.keys(readers).join(', ')}`)
  }
  const [width, read] = reader
  const size = sizeOf(shape)
  const end = at + width * size
  if (!(end <= view.byteLength)) {
    throw malformed(
      `weight "${name}" of shape ${shape.join('x')} ends at byte ${end}, its files have ${view.byteLength}`,
    )
  }
  const scaled = stored === 'uint8' || stored === 'uint16'
  const { scale = 1, min = 0 } = scaled && quantization ? quantization : {}
  const data = Float64Array.from({ length: size }, (_, i) => read(view, at + i * width) * scale + min)
  if (!data.every(Number.isFinite)) throw malformed(`weight "${name}" has a number that is not finite`)
  return { tensor: { shape, data }, end }
}

/** Weights by the name of their layer and their own; what stands before these two in the file's name is not looked at. */
export function readWeights(
  groups: readonly WeightGroup[],
  files: Readonly<Record<string, Uint8Array>>,
): (layer: string, weight: string) => Tensor | undefined {
  const tensors = new Map<string, Tensor>()
  for (const { paths, weights } of groups) {
    const view = joined(paths, files)
    let at = 0
    for (const one of weights) {
      const { tensor, end } = decode(one, view, at)
      at = end
      // Keras says `model/layer/kernel:0` where TensorFlow.js says `layer/kernel`.
      const name = one.name.replace(/:0$/, '').split('/').slice(-2).join('/')
      if (tensors.has(name)) throw malformed(`there are two weights "${name}"`)
      tensors.set(name, tensor)
    }
    if (at !== view.byteLength)
      throw malformed(`weight files ${paths.join(', ')} have ${view.byteLength - at} bytes too many`)
  }
  return (layer, name) => tensors.get(`${layer}/${name}`)
}
