import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import {
  constant,
  constantInput,
  floatAttribute,
  intsOf,
  optionalConstant,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  sampleAxis,
  type Translation,
  textAttribute,
  variableInput,
  wrong,
} from '../site.ts'

/** Constant padding; a negative amount crops. */
export const pad: Translation = {
  attributes: ['mode', 'pads', 'value'],
  translate(site) {
    const x = variableInput(site, 0)
    const rank = x.shape.length + 1
    const mode = textAttribute(site, 'mode', 'constant')
    if (mode !== 'constant') throw refuse(site, `attribute "mode" = ${mode}; constant is supported`)
    const given = intsOf(site, 'pads', 1)
    if (!given) throw wrong(site, 'attribute "pads" is missing')
    const axes = optionalConstant(site, 3)?.data ?? Float64Array.from({ length: rank }, (_, i) => i)
    if (given.length !== 2 * axes.length)
      throw wrong(site, `"pads" expected ${2 * axes.length} numbers, got [${given}]`)
    const before = new Array<number>(rank).fill(0)
    const after = new Array<number>(rank).fill(0)
    axes.forEach((axis, i) => {
      const positive = axis < 0 ? axis + rank : axis
      if (!(positive < rank && positive >= 0)) throw wrong(site, `axis ${axis} is out of range for rank ${rank}`)
      before[positive] = given[i]!
      after[positive] = given[i + axes.length]!
    })
    if (before[0] !== 0 || after[0] !== 0) throw refuse(site, 'it pads the batch axis')
    const value = optionalConstant(site, 2)?.data[0] ?? floatAttribute(site, 'value', 0)
    const shape = x.shape.map((n, i) => n + before[i + 1]! + after[i + 1]!)
    requireShape(site, shape)
    const strides = stridesOf(x.shape)
    const offset = strides.reduce((sum, stride, i) => sum - before[i + 1]! * stride, 0)
    const own = stridesOf(shape)
    const picks = stridedIndex(shape, strides, offset).map((from, out) => {
      const inside = x.shape.every((n, i) => {
        const at = (Math.floor(out / own[i]!) % shape[i]!) - before[i + 1]!
        return at >= 0 && at < n
      })
      return inside ? from : -1
    })
    const bias = Float64Array.from(picks, (from) => (from < 0 ? value : 0))
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape)), bias), shape)
  },
}

/** Ranges along axes, with steps. */
export const slice: Translation = {
  attributes: ['axes', 'ends', 'starts'],
  translate(site) {
    const x = site.inputs[0]
    const starts = intsOf(site, 'starts', 1)
    const ends = intsOf(site, 'ends', 2)
    if (!x || !starts || !ends || starts.length !== ends.length)
      throw wrong(site, '"starts" and "ends" expected equal lengths')
    const axes = intsOf(site, 'axes', 3) ?? starts.map((_, i) => i)
    const steps = site.inputs[4] ? [...constantInput(site, 4).data] : starts.map(() => 1)
    if (axes.length !== starts.length || steps.length !== starts.length)
      throw wrong(site, '"axes" and "steps" expected one entry per range')
    if (x.kind === 'constant') {
      const { shape, data } = x.tensor
      if (shape.length !== 1 || starts.length !== 1) throw refuse(site, 'of constants only lists are sliced')
      const picked = range(site, data.length, starts[0]!, ends[0]!, steps[0]!).map((i) => data[i]!)
      return constant([picked.length], picked)
    }
    const shape = [...x.shape]
    const strides = stridesOf(x.shape)
    let offset = 0
    axes.forEach((given, i) => {
      const axis = sampleAxis(site, given, x.shape.length + 1)
      const picked = range(site, x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!)
      shape[axis] = picked.length
      offset += (picked[0] ?? 0) * strides[axis]!
      strides[axis]! *= steps[i]!
    })
    requireShape(site, shape)
    const picks = stridedIndex(shape, strides, offset)
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape))), shape)
  },
}

/** The indices of start:end:step on an axis, negative ends counted from the end, both clamped. */
function range(site: Site, size: number, start: number, end: number, step: number): number[] {
  if (step === 0) throw wrong(site, 'a step is 0')
  const clamp = (v: number): number =>
    Math.min(Math.max(v < 0 ? v + size : v, step > 0 ? 0 : -1), step > 0 ? size : size - 1)
  const [from, to] = [clamp(start), clamp(end)]
  const indices: number[] = []
  for (let i = from; step > 0 ? i < to : i > to; i += step) indices.push(i)
  return indices
}
