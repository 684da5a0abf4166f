import { intAttribute, intsAttribute, refuse, requireShape, type Site, textAttribute, wrong } from '../site.ts'

/** Sliding windows over the two spatial axes of an image. One-dimensional signals have height 1. */
export interface Windows {
  readonly input: readonly [height: number, width: number]
  readonly output: readonly [height: number, width: number]
  readonly kernel: readonly [height: number, width: number]
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  readonly padBefore: readonly [number, number]
}

export const windowAttributes = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'] as const

/** Reads the window attributes of Conv and AveragePool. `spatial`: the input's one or two spatial sizes; `kernel` likewise. */
export function readWindows(site: Site, spatial: readonly number[], kernel: readonly number[]): Windows {
  const axes = spatial.length
  if (axes < 1 || axes > 2) throw refuse(site, `it has ${axes} spatial axes; 1 and 2 are supported`)
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
  const autoPad = textAttribute(site, 'auto_pad', 'NOTSET')
  const before: number[] = []
  const output: number[] = []
  for (let axis = 0; axis < axes; axis++) {
    const size = spatial[axis]!
    const stride = strides[axis]!
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1
    let [begin, end] = [pads[axis]!, pads[axis + axes]!]
    if (autoPad === 'VALID') {
      ;[begin, end] = [0, 0]
    } else if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size)
      begin = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
      end = total - begin
    } else if (autoPad !== 'NOTSET') {
      throw wrong(site, `attribute "auto_pad" expected NOTSET, VALID, SAME_UPPER or SAME_LOWER, got ${autoPad}`)
    }
    const steps = (size + begin + end - span) / stride
    if (intAttribute(site, 'ceil_mode', 0) !== 0 && !Number.isInteger(steps)) {
      throw refuse(site, 'attribute "ceil_mode" = 1 makes windows that reach beyond the padding')
    }
    before.push(begin)
    output.push(Math.floor(steps) + 1)
  }
  requireShape(site, output)
  return {
    input: pair(spatial, 1),
    output: pair(output, 1),
    kernel: pair(kernel, 1),
    strides: pair(strides, 1),
    dilations: pair(dilations, 1),
    padBefore: pair(before, 0),
  }
}

function pair(values: readonly number[], height: number): [number, number] {
  return values.length === 1 ? [height, values[0]!] : [values[0]!, values[1]!]
}

/** Calls `visit` for every tap of the window at output (row, column) that lies inside the image. */
export function forTaps(
  w: Windows,
  row: number,
  column: number,
  visit: (inputOffset: number, tap: number) => void,
): void {
  for (let i = 0; i < w.kernel[0]; i++) {
    const y = row * w.strides[0] + i * w.dilations[0] - w.padBefore[0]
    if (y < 0 || y >= w.input[0]) continue
    for (let j = 0; j < w.kernel[1]; j++) {
      const x = column * w.strides[1] + j * w.dilations[1] - w.padBefore[1]
      if (x >= 0 && x < w.input[1]) visit(y * w.input[1] + x, i * w.kernel[1] + j)
    }
  }
}
