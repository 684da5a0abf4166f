/** A picture in rows from its upper left corner: ImageData of a canvas, or any bytes of 1 (grey), 3 (red, green, blue) or 4 values a pixel. */
export interface Picture {
  /** Pixels in a row. */
  readonly width: number
  /** Rows. */
  readonly height: number
  /** From 0 to 255, `width · height` times 1, 3 or 4; the fourth is opacity, and what is transparent is black. */
  readonly data: ArrayLike<number>
}

/** Whether a sample is a picture and not a row that has such columns. */
export function isPicture(sample: unknown): sample is Picture {
  if (sample === null || typeof sample !== 'object') return false
  const { width, height, data } = sample as Partial<Picture>
  return typeof width === 'number' && typeof height === 'number' && typeof data === 'object' && data !== null
}

/** Weights of red, green and blue in grey (ITU-R BT.601), as image libraries have them. */
const luma = [0.299, 0.587, 0.114] as const

/**
 * The pixels of a picture, 0 to 255, in the order in which a model takes them: [channels, height, width], [height, width, channels], [height, width]
 * or [height · width]. Throws RangeError where the sizes differ: scale and crop before.
 */
export function pixelsOf(picture: Picture, shape: readonly number[], name = 'sample'): Float64Array {
  const { width, height, data } = picture
  const area = width * height
  const given = data.length / area
  if (!(Number.isInteger(width) && Number.isInteger(height) && area > 0 && (given === 1 || given === 3 || given === 4)))
    throw new RangeError(
      `"${name}" expected a picture of width · height pixels with 1, 3 or 4 values each, got ${width} x ${height} with ${data.length} values`,
    )
  const wanted = formOf(shape, width, height)
  if (!wanted)
    throw new RangeError(
      `"${name}" expected a picture for a model that takes ${shape.join('x')}, got ${width} x ${height}: scale or crop it first`,
    )
  const { channels, planes } = wanted
  const out = new Float64Array(area * channels)
  for (let i = 0; i < area; i++) {
    const at = i * given
    const alpha = given === 4 ? data[at + 3]! / 255 : 1
    const channel = (c: number): number => alpha * data[given === 1 ? at : at + c]!
    if (channels === 1) {
      out[i] = given === 1 ? data[at]! : luma.reduce((sum, weight, c) => sum + weight * channel(c), 0)
      continue
    }
    for (let c = 0; c < channels; c++) out[planes ? c * area + i : i * channels + c] = channel(c)
  }
  return out
}

function formOf(
  shape: readonly number[],
  width: number,
  height: number,
): { readonly channels: 1 | 3; readonly planes: boolean } | undefined {
  const [a, b, c] = shape
  const fits = (h: number | undefined, w: number | undefined): boolean => h === height && w === width
  const isChannels = (n: number | undefined): n is 1 | 3 => n === 1 || n === 3
  if (shape.length === 3 && isChannels(a) && fits(b, c)) return { channels: a, planes: true }
  if (shape.length === 3 && isChannels(c) && fits(a, b)) return { channels: c, planes: false }
  if (shape.length === 2 && fits(a, b)) return { channels: 1, planes: false }
  return shape.length === 1 && a === width * height ? { channels: 1, planes: false } : undefined
}

/** Whether numbers are pixels of themselves: bytes, as images have them. */
export function isBytes(sample: unknown): sample is Uint8Array | Uint8ClampedArray {
  return sample instanceof Uint8Array || sample instanceof Uint8ClampedArray
}
