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
      `${file} expected an array of shape Nx${showShape(shape)}${shape.length > 1 ? ` or Nx${size}` : ''}, got ${showShape(found)}`,
    )
  }
  if (fortranOrder && found.length > 1) {
    throw new GloveboxError('unsupported', `${file} is in Fortran order: save it with numpy.ascontiguousarray`)
  }
  // Numbers of 64 bits come as BigInt, and booleans as an array of their own.
  const values = data as unknown as ArrayLike<number | bigint | boolean>
  if (values.length !== count * size) {
    throw new GloveboxError(
      'malformed',
      `${file} expected ${count * size} numbers of type ${dtype} behind its header, got ${values.length}`,
    )
  }
  const samples = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => Number(values[i * size + j])),
  )
  return { samples, pixels: dtype === 'u1' && shape.length >= 2 }
}

const supported = /^[<|=]?(?:f[248]|[iu][1248]|b1)$/

/** Looks at the type before anything is read: "NumPy format", numpy.lib.format, has it in a header of text. */
function requireType(bytes: Uint8Array, file: string): void {
  const header = Buffer.from(bytes.subarray(0, 4096)).toString('latin1')
  const [, plain, other] = /^\x93NUMPY.*?'descr'\s*:\s*(?:'([^']*)'|(\[[^\]]*\]))/s.exec(header) ?? []
  const found = plain ?? other
  if (found === undefined || supported.test(found)) return
  throw new GloveboxError(
    'unsupported',
    `${file} expected a type of float16 to float64, int8 to int64, uint8 to uint64 or bool, little-endian, got "${found}": save it with array.astype("<f8")`,
  )
}

function parseArray(bytes: Uint8Array, file: string): NpyArray {
  requireType(bytes, file)
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
