import { GloveboxError } from '@glovebox/he'
import { type NpyArray, parse } from 'npyjs'
import { type Samples, showShape, sizeOf } from './samples.ts'

/** An array of samples along its first axis, or one sample. Bytes (uint8) are pixels where the model reads images. */
export function readNpy(bytes: Uint8Array, file: string, shape: readonly number[]): Samples {
  const { data, shape: found, dtype, fortranOrder } = parseArray(bytes, file)
  const size = sizeOf(shape)
  const count = found.length > 0 && sizeOf(found.slice(1)) === size ? found[0]! : sizeOf(found) === size ? 1 : undefined
  if (count === undefined) {
    throw new GloveboxError(
      'malformed',
      `${file} expected an array of shape Nx${showShape(shape)} or Nx${size}, got ${showShape(found)}`,
    )
  }
  if (fortranOrder && found.length > 1) {
    throw new GloveboxError('unsupported', `${file} is in Fortran order: save it with numpy.ascontiguousarray`)
  }
  if (!isNumeric(data) || data.length !== count * size) {
    throw new GloveboxError(
      'malformed',
      `${file} expected ${count * size} numbers of a real type, got ${data.byteLength} bytes of type ${dtype}`,
    )
  }
  const samples = Array.from({ length: count }, (_, i) =>
    Float64Array.from(data.subarray(i * size, (i + 1) * size), Number),
  )
  return { samples, pixels: dtype === 'u1' && shape.length >= 2 }
}

type Numeric =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array

function isNumeric(data: ArrayBufferView): data is Numeric {
  return (
    ArrayBuffer.isView(data) &&
    !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array)
  )
}

function parseArray(bytes: Uint8Array, file: string): NpyArray {
  try {
    // A copy of its own, as views need an offset that their type divides.
    return parse(bytes.slice().buffer as ArrayBuffer)
  } catch (cause) {
    throw new GloveboxError(
      'malformed',
      `${file} is not a .npy file that can be read: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    )
  }
}
