import { sizeOf, stridesOf } from '../../tensor/tensor.ts'
import { intAttribute, intsAttribute, refuse, requireShape, type Site, textAttribute, wrong } from '../site.ts'

/** Sliding windows over one, two or three spatial axes. */
export interface Windows {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padBefore: readonly number[]
  readonly padAfter: readonly number[]
}

export const windowAttributes = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'] as const

/** Reads the window attributes of Conv and AveragePool. `spatial`: the input's spatial sizes; `kernel` likewise. */
export function readWindows(site: Site, spatial: readonly number[], kernel: readonly number[]): Windows {
  const axes = spatial.length
  if (axes < 1 || axes > 3) throw refuse(site, `it has ${axes} spatial axes; 1 to 3 are supported`)
  const perAxis = (name: string, count: number, otherwise: number): number[] => {
    const values = intsAttribute(site, name) ?? new Array<number>(count).fill(otherwise)
    if (values.length !== count) throw wrong(site, `attribute "${name}" expected ${count} numbers, got [${values}]`)
    return values
  }
  const strides = perAxis('strides', axes, 1)
  const dilations = perAxis('dilations', axes, 1)
  const pads = perAxis('pads', 2 * axes, 0)
  for (const [name, values] of Object.entries({ strides, dilations, kernel_shape: kernel })) {
    if (values.some((v) => !(v >= 1)))
      throw wrong(site, `attribute "${name}" expected positive numbers, got [${values}]`)
  }
  if (kernel.length !== axes) throw wrong(site, `attribute "kernel_shape" expected ${axes} numbers, got [${kernel}]`)
  if (pads.some((v) => v < 0)) throw refuse(site, `attribute "pads" is negative: [${pads}]`)
  const ceil = intAttribute(site, 'ceil_mode', 0) !== 0
  const along = spatial.map((size, axis) => {
    const stride = strides[axis]!
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1
    const [begin, end] = padding(site, size, stride, span, [pads[axis]!, pads[axis + axes]!])
    const steps = (size + begin + end - span) / stride
    let count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1
    // A window that would begin in the padding behind the image is none.
    if (ceil && (count - 1) * stride >= size + begin) count--
    return { begin, end, count }
  })
  const output = along.map(({ count }) => count)
  if (output.some((n) => !(n >= 1)))
    throw wrong(site, `the window is larger than the padded input: its output would have shape [${output}]`)
  requireShape(site, output)
  return {
    input: spatial,
    output,
    kernel,
    strides,
    dilations,
    padBefore: along.map(({ begin }) => begin),
    padAfter: along.map(({ end }) => end),
  }
}

function padding(
  site: Site,
  size: number,
  stride: number,
  span: number,
  explicit: readonly [number, number],
): readonly [number, number] {
  const autoPad = textAttribute(site, 'auto_pad', 'NOTSET')
  if (autoPad === 'NOTSET') return explicit
  if (autoPad === 'VALID') return [0, 0]
  if (autoPad !== 'SAME_UPPER' && autoPad !== 'SAME_LOWER')
    throw wrong(site, `attribute "auto_pad" expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, got ${autoPad}`)
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size)
  const begin = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
  return [begin, total - begin]
}

/** What is of a window: for each axis, the taps from `first` to below `end` and the image coordinate of tap 0. */
interface Range {
  readonly origin: number
  readonly first: number
  readonly end: number
}

/** The taps along one axis of the window at output coordinate `at` that lie from `low` to below `high`: no other is looked at, however many there are. */
function tapsWithin(w: Windows, axis: number, at: number, low: number, high: number): Range {
  const origin = at * w.strides[axis]! - w.padBefore[axis]!
  const dilation = w.dilations[axis]!
  const first = Math.max(0, Math.ceil((low - origin) / dilation))
  return { origin, first, end: Math.min(w.kernel[axis]!, Math.ceil((high - origin) / dilation)) }
}

function coordinates(w: Windows, out: number): number[] {
  return stridesOf(w.output).map((stride, axis) => Math.floor(out / stride) % w.output[axis]!)
}

/** Calls `visit` for every tap of the window at an output position that lies inside the image. */
export function forTaps(w: Windows, out: number, visit: (inputOffset: number, tap: number) => void): void {
  const ranges = coordinates(w, out).map((at, axis) => tapsWithin(w, axis, at, 0, w.input[axis]!))
  const walk = (axis: number, offset: number, tap: number): void => {
    if (axis === ranges.length) {
      visit(offset, tap)
      return
    }
    const { origin, first, end } = ranges[axis]!
    for (let i = first; i < end; i++) {
      walk(axis + 1, offset * w.input[axis]! + origin + i * w.dilations[axis]!, tap * w.kernel[axis]! + i)
    }
  }
  walk(0, 0, 0)
}

/** How many taps of the window lie inside the image and its padding: with ceil_mode some may lie beyond. */
export function countPadded(w: Windows, out: number): number {
  return sizeOf(
    coordinates(w, out).map((at, axis) => {
      const { first, end } = tapsWithin(w, axis, at, -w.padBefore[axis]!, w.input[axis]! + w.padAfter[axis]!)
      return end - first
    }),
  )
}
