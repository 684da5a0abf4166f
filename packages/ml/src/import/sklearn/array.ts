import { z } from 'zod'
import { sizeOf, type Tensor } from '../../tensor/tensor.ts'

/** Numbers of one array at most: 2^25, or 256 MB. */
const maxNumbers = 2 ** 25

const packed = z.object({
  dtype: z.literal(['int8', 'float32', 'float64']),
  shape: z.array(z.number().int().min(0)).min(1).max(2),
  base64: z.string(),
  index: z.string().exactOptional(),
  /** What the numbers are multiplied by. */
  scale: z.number().exactOptional(),
})

const widths = { int8: 1, float32: 4, float64: 8 } as const

function bytesOf(base64: string): DataView {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return new DataView(bytes.buffer)
}

function unpack({ dtype, shape, base64, index, scale = 1 }: z.infer<typeof packed>): Tensor {
  const size = sizeOf(shape)
  if (!(size <= maxNumbers)) throw new RangeError(`at most ${maxNumbers} numbers, got shape ${shape}`)
  const width = widths[dtype]
  const values = bytesOf(base64)
  const places = index === undefined ? undefined : bytesOf(index)
  const count = places ? places.byteLength / 4 : size
  if (values.byteLength !== width * count) {
    throw new RangeError(`${count} numbers of ${dtype}, got ${values.byteLength} bytes`)
  }
  const data = new Float64Array(size)
  for (let i = 0, before = -1; i < count; i++) {
    const at = places ? places.getUint32(4 * i, true) : i
    if (at <= before || at >= size) throw new RangeError(`an ascending "index" below ${size}, got ${at}`)
    data[at] =
      scale *
      (width === 1 ? values.getInt8(i) : width === 4 ? values.getFloat32(4 * i, true) : values.getFloat64(8 * i, true))
    before = at
  }
  return { shape, data }
}

const lists = z.union([z.number(), z.array(z.number()), z.array(z.array(z.number()))])

function nested(value: z.infer<typeof lists>): Tensor {
  if (typeof value === 'number') return { shape: [], data: Float64Array.of(value) }
  const rows = value.map((row) => (typeof row === 'number' ? [row] : row))
  const columns = rows[0]?.length ?? 0
  if (rows.some((row) => row.length !== columns)) throw new RangeError('rows of one length')
  return {
    shape: typeof value[0] === 'number' || rows.length === 0 ? [rows.length] : [rows.length, columns],
    data: Float64Array.from(rows.flat()),
  }
}

/** A number, a list, a list of lists, or a packed array, as a tensor of finite numbers. */
export const arraySchema: z.ZodType<Tensor> = z.unknown().transform((value, context) => {
  try {
    const isPacked = typeof value === 'object' && value !== null && 'base64' in value
    const tensor = isPacked ? unpack(packed.parse(value)) : nested(lists.parse(value))
    if (!tensor.data.every(Number.isFinite)) throw new RangeError('finite numbers')
    return tensor
  } catch (error) {
    const reason = error instanceof RangeError ? error.message : 'a number, lists of numbers or a packed array'
    context.issues.push({ code: 'custom', message: `expected ${reason}`, input: undefined })
    return z.NEVER
  }
})
