import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import type { Operand } from '../operand.ts'
import {
  axisOf,
  constantInput,
  floatAttribute,
  freeAxis,
  intAttribute,
  intsAttribute,
  intsOf,
  listInput,
  optionalConstant,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  type Translation,
  textAttribute,
  variableInput,
  wrong,
} from '../site.ts'

type PadMode = 'constant' | 'reflect' | 'edge' | 'wrap'

/** With a constant, or what is there; a negative amount crops. */
export const pad: Translation = {
  attributes: ['mode', 'paddings', 'pads', 'value'],
  elements: 'whole',
  translate(site) {
    const x = variableInput(site, 0)
    const rank = x.shape.length
    const mode = textAttribute(site, 'mode', 'constant')
    if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap')
      throw wrong(site, `attribute "mode" expected constant, reflect, edge or wrap, got ${mode}`)
    const given = intsAttribute(site, 'paddings') ?? intsOf(site, 'pads', 1)
    if (!given) throw wrong(site, 'attribute "pads" is missing')
    const axes = optionalConstant(site, 3)?.data ?? Float64Array.from({ length: rank }, (_, i) => i)
    if (given.length !== 2 * axes.length)
      throw wrong(site, `"pads" expected ${2 * axes.length} numbers, got [${given}]`)
    const before = new Array<number>(rank).fill(0)
    const after = new Array<number>(rank).fill(0)
    axes.forEach((axis, i) => {
      const positive = axisOf(site, axis, rank)
      before[positive] = given[i]!
      after[positive] = given[i + axes.length]!
    })
    if (site.batched && (before[0] !== 0 || after[0] !== 0)) throw refuse(site, 'it pads the batch axis')
    const value = optionalConstant(site, 2)?.data[0] ?? floatAttribute(site, 'value', 0)
    const shape = x.shape.map((n, i) => n + before[i]! + after[i]!)
    requireShape(site, shape)
    if (mode === 'reflect' && x.shape.some((n, i) => before[i]! >= n || after[i]! >= n))
      throw wrong(site, `pads [${given}] reflect more than shape [${x.shape}] has`)
    const sources = shape.map((n, i) =>
      Int32Array.from({ length: n }, (_, at) => padSource(mode, at - before[i]!, x.shape[i]!)),
    )
    const [strides, own] = [stridesOf(x.shape), stridesOf(shape)]
    const picks = Int32Array.from({ length: sizeOf(shape) }, (_, out) => {
      let from = 0
      for (let i = 0; i < rank; i++) {
        const at = sources[i]![Math.floor(out / own[i]!) % shape[i]!]!
        if (at < 0) return -1
        from += at * strides[i]!
      }
      return from
    })
    const bias = Float64Array.from(picks, (from) => (from < 0 ? value : 0))
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape)), bias), shape)
  },
}

/** Where the entry `at` of an axis of `size` comes from, which may lie outside; -1: from nowhere. */
function padSource(mode: PadMode, at: number, size: number): number {
  if (at >= 0 && at < size) return at
  if (mode === 'constant') return -1
  if (mode === 'edge') return at < 0 ? 0 : size - 1
  if (mode === 'wrap') return ((at % size) + size) % size
  return at < 0 ? -at : 2 * (size - 1) - at
}

/** Elements of x at multi-index · strides + offset. */
function picked(site: Site, shape: readonly number[], strides: readonly number[], offset = 0): Operand {
  requireShape(site, shape)
  const x = variableInput(site, 0)
  return pushAffine(site, x, affine(pickMatrix(stridedIndex(shape, strides, offset), sizeOf(x.shape))), shape)
}

/** Ranges along axes, with steps. */
export const slice: Translation = {
  attributes: ['axes', 'ends', 'starts'],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const starts = intsOf(site, 'starts', 1)
    const ends = intsOf(site, 'ends', 2)
    if (!starts || !ends || starts.length !== ends.length)
      throw wrong(site, '"starts" and "ends" expected equal lengths')
    const axes = intsOf(site, 'axes', 3) ?? starts.map((_, i) => i)
    const steps = site.inputs[4] ? listInput(site, 4) : starts.map(() => 1)
    if (axes.length !== starts.length || steps.length !== starts.length)
      throw wrong(site, '"axes" and "steps" expected one entry per range')
    const shape = [...x.shape]
    const strides = stridesOf(x.shape)
    const seen = new Set<number>()
    let offset = 0
    axes.forEach((given, i) => {
      const axis = axisOf(site, given, x.shape.length)
      if (seen.has(axis)) throw wrong(site, `axis ${axis} is sliced twice`)
      seen.add(axis)
      const { first, count } = range(site, x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!)
      // Some exporters name the batch with a range that takes all of it.
      if (site.batched && axis === 0) {
        const all = starts[i] === 0 && steps[i] === 1 && ends[i]! >= (site.batchSize ?? 2 ** 31 - 1)
        if (!all) freeAxis(site, given, x.shape.length)
        return
      }
      shape[axis] = count
      offset += first * strides[axis]!
      strides[axis]! *= steps[i]!
    })
    return picked(site, shape, strides, offset)
  },
}

/** The range start:end:step on an axis, negative ends counted from the end, both clamped. */
function range(
  site: Site,
  size: number,
  start: number,
  end: number,
  step: number,
): { readonly first: number; readonly count: number } {
  if (step === 0) throw wrong(site, 'a step is 0')
  const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high)
  const first = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1)
  const last = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1)
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) }
}

/** Sizes from an attribute, an input, or equal parts, of which the last may be smaller. */
export const split: Translation = {
  attributes: ['axis', 'num_outputs', 'split'],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const axis = freeAxis(site, intAttribute(site, 'axis', 0), x.shape.length)
    const size = x.shape[axis]!
    const count = intAttribute(site, 'num_outputs', site.outputs)
    if (count !== site.outputs)
      throw wrong(site, `attribute "num_outputs" is ${count}, the node has ${site.outputs} outputs`)
    const part = Math.ceil(size / count)
    const sizes = intsOf(site, 'split', 1) ?? Array.from({ length: count }, (_, i) => Math.min(part, size - part * i))
    if (sizes.length !== count || sizes.reduce((sum, n) => sum + n, 0) !== size)
      throw wrong(site, `parts of [${sizes}] do not make the ${size} of axis ${axis} in ${count} outputs`)
    const strides = stridesOf(x.shape)
    let first = 0
    return sizes.map((n) => {
      const offset = first * strides[axis]!
      first += n
      return picked(
        site,
        x.shape.map((old, i) => (i === axis ? n : old)),
        strides,
        offset,
      )
    })
  },
}

/** Entries along an axis, by constant indices. */
export const gather: Translation = {
  attributes: ['axis'],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const indices = constantInput(site, 1)
    const axis = freeAxis(site, intAttribute(site, 'axis', 0), x.shape.length)
    const size = x.shape[axis]!
    const at = indices.data.map((i) => (i < 0 ? i + size : i))
    const outside = at.findIndex((i) => !(Number.isInteger(i) && i >= 0 && i < size))
    if (outside >= 0)
      throw wrong(site, `index ${indices.data[outside]} is not on axis ${axis}, which has ${size} entries`)
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
    requireShape(site, shape)
    const after = sizeOf(x.shape.slice(axis + 1))
    const picks = Int32Array.from({ length: sizeOf(shape) }, (_, out) => {
      const before = Math.floor(out / after / at.length)
      return (before * size + at[Math.floor(out / after) % at.length]!) * after + (out % after)
    })
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape))), shape)
  },
}

/** Broadcasts to a shape, whose sizes of 1 leave what is there. */
export const expand: Translation = {
  attributes: [],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const target = listInput(site, 1)
    const rank = Math.max(target.length, x.shape.length)
    if (site.batched && target.length > x.shape.length) throw refuse(site, 'it adds an axis before the batch')
    const own = stridesOf(x.shape)
    const strides = new Array<number>(rank).fill(0)
    const shape = strides.map((_, i) => {
      const axis = i - rank + x.shape.length
      const from = x.shape[axis] ?? 1
      const to = target[i - rank + target.length] ?? 1
      if (site.batched && i === 0) {
        if (to !== 1 && to !== site.batchSize) throw refuse(site, 'it expands the batch axis')
        return 1
      }
      if (from !== to && from !== 1 && to !== 1) throw wrong(site, `shape [${x.shape}] cannot take shape [${target}]`)
      if (from !== 1) strides[i] = own[axis]!
      return from === 1 ? to : from
    })
    return picked(site, shape, strides)
  },
}

/** Copies side by side. */
export const tile: Translation = {
  attributes: [],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const repeats = listInput(site, 1)
    if (repeats.length !== x.shape.length)
      throw wrong(site, `repeats expected ${x.shape.length} numbers, got [${repeats}]`)
    if (site.batched && repeats[0] !== 1) throw refuse(site, 'it repeats the batch')
    const shape = x.shape.map((n, i) => n * repeats[i]!)
    requireShape(site, shape)
    const [from, to] = [stridesOf(x.shape), stridesOf(shape)]
    const picks = Int32Array.from({ length: sizeOf(shape) }, (_, out) =>
      x.shape.reduce((sum, n, i) => sum + (Math.floor(out / to[i]!) % n) * from[i]!, 0),
    )
    return pushAffine(site, x, affine(pickMatrix(picks, sizeOf(x.shape))), shape)
  },
}
