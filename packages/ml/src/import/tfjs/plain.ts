import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { showShape, sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import { averaging, windowsOf } from '../layers/images.ts'
import type { Layer, Translate, Value } from './layer.ts'
import { paddingOf } from './weighted.ts'

// Layers without weights.

export const pass: Translate = (layer, inputs) => {
  const [x] = inputs
  if (inputs.length !== 1 || !x) throw layer.wrong(`expected one input, got ${inputs.length}`)
  return x
}

export const averagePooling =
  (axes: number): Translate =>
  (layer, inputs) => {
    const x = layer.one(inputs, axes + 1)
    const channelsLast = layer.channelsLast()
    const pool = layer.perAxis('pool_size', axes, 2)
    const strides = layer.has('strides') ? layer.perAxis('strides', axes, 1) : pool
    const spatial = channelsLast ? x.shape.slice(0, -1) : x.shape.slice(1)
    const ones = new Array<number>(axes).fill(1)
    return average(layer, x, windowsOf(spatial, pool, strides, ones, paddingOf(layer, false)), channelsLast)
  }

function average(layer: Layer, x: Value, windows: ReturnType<typeof windowsOf>, channelsLast: boolean): Value {
  const channels = channelsLast ? x.shape.at(-1)! : x.shape[0]!
  const shape = channelsLast ? [...windows.output, channels] : [channels, ...windows.output]
  layer.requireShape(shape)
  const map = averaging(windows, { channels, channelsLast })
  return { node: layer.graph.affine(x.node, map, layer.name), shape }
}

export const globalAveragePooling =
  (axes: number): Translate =>
  (layer, inputs) => {
    const x = layer.one(inputs, axes + 1)
    const channelsLast = layer.channelsLast()
    const spatial = channelsLast ? x.shape.slice(0, -1) : x.shape.slice(1)
    const ones = new Array<number>(axes).fill(1)
    const value = average(layer, x, windowsOf(spatial, spatial, ones, ones, 'valid'), channelsLast)
    if (layer.flag('keepdims', false)) return value
    return { ...value, shape: [channelsLast ? x.shape.at(-1)! : x.shape[0]!] }
  }

export const flatten: Translate = (layer, inputs) => {
  const [x] = inputs
  if (x && x.shape.length > 1 && !layer.channelsLast()) throw layer.refuse('"data_format" is channels_first')
  return { ...pass(layer, inputs), shape: [x ? sizeOf(x.shape) : 0] }
}

export const reshape: Translate = (layer, inputs) => {
  const x = pass(layer, inputs)
  const target = layer.integers('target_shape')
  const known = sizeOf(target.filter((n) => n !== -1))
  const shape = target.map((n) => (n === -1 ? sizeOf(x.shape) / known : n))
  if (sizeOf(shape) !== sizeOf(x.shape)) {
    throw layer.wrong(`samples of shape ${showShape(x.shape)} cannot take shape ${showShape(target)}`)
  }
  layer.requireShape(shape)
  return { ...x, shape }
}

/** Axes are counted from 1: the batch stays. */
export const permute: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const axes = layer.integers('dims').map((axis) => axis - 1)
  if ([...axes].sort((a, b) => a - b).join() !== [...x.shape.keys()].join()) {
    throw layer.wrong(`"dims" expected the axes 1 to ${x.shape.length} in another order`)
  }
  const strides = stridesOf(x.shape)
  const shape = axes.map((axis) => x.shape[axis]!)
  const picks = stridedIndex(
    shape,
    axes.map((axis) => strides[axis]!),
  )
  return { node: layer.graph.pick(x.node, picks, layer.name), shape }
}

/** Zeros around the spatial axes: [before, after] for each, one number for both, or one for all. */
export const zeroPadding =
  (axes: number): Translate =>
  (layer, inputs) => {
    const x = layer.one(inputs, axes + 1)
    const channelsLast = layer.channelsLast()
    const asked = layer.raw('padding') ?? 1
    const listed = typeof asked === 'number' ? new Array<unknown>(axes).fill(asked) : asked
    // A signal has one axis, whose two numbers are not in a list of their own.
    const isPair = axes === 1 && Array.isArray(listed) && typeof listed[1] === 'number'
    const pads = (isPair ? [listed] : (listed as unknown[])).map((n) => (typeof n === 'number' ? [n, n] : n))
    const fits = (pair: unknown): pair is [number, number] =>
      Array.isArray(pair) && pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0)
    if (pads.length !== axes || !pads.every(fits)) throw layer.wrong(`"padding" expected numbers for ${axes} axes`)
    const none: [number, number] = [0, 0]
    const all = channelsLast ? [...pads, none] : [none, ...pads]
    const shape = x.shape.map((n, axis) => n + all[axis]![0] + all[axis]![1])
    layer.requireShape(shape)
    const strides = stridesOf(shape)
    const offset = strides.reduce((sum, stride, axis) => sum + stride * all[axis]![0], 0)
    const picks = new Int32Array(sizeOf(shape)).fill(-1)
    stridedIndex(x.shape, strides, offset).forEach((to, from) => {
      picks[to] = from
    })
    return { node: layer.graph.pick(x.node, picks, layer.name), shape }
  }

/** x · scale + offset */
export const rescaling: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const size = sizeOf(x.shape)
  const factors = new Float64Array(size).fill(layer.number('scale', 1))
  const offsets = new Float64Array(size).fill(layer.number('offset', 0))
  return { ...x, node: layer.graph.scale(x.node, factors, offsets, layer.name) }
}

type Merge = (layer: Layer, a: number, b: number) => number

function merge(layer: Layer, inputs: readonly Value[], combine: Merge): Value {
  layer.requireNoSoftmax(inputs)
  const [first, ...rest] = inputs
  if (!first || rest.length === 0) throw layer.wrong(`expected at least two inputs, got ${inputs.length}`)
  const other = rest.find(({ shape }) => shape.join() !== first.shape.join())
  if (other) throw layer.refuse(`inputs of shapes ${showShape(first.shape)} and ${showShape(other.shape)}`)
  return { node: rest.reduce((sum, { node }) => combine(layer, sum, node), first.node), shape: first.shape }
}

function scaled(layer: Layer, node: number, factor: number): number {
  const size = layer.graph.sizeOf(node)
  return layer.graph.scale(node, new Float64Array(size).fill(factor), new Float64Array(size), layer.name)
}

const sum: Merge = ({ graph, name }, a, b) => graph.add(a, b, name)

export const add: Translate = (layer, inputs) => merge(layer, inputs, sum)

export const mean: Translate = (layer, inputs) => {
  const total = merge(layer, inputs, sum)
  return { ...total, node: scaled(layer, total.node, 1 / inputs.length) }
}

export const subtract: Translate = (layer, inputs) => {
  if (inputs.length !== 2) throw layer.wrong(`expected two inputs, got ${inputs.length}`)
  return merge(layer, inputs, (_, a, b) => layer.graph.add(a, scaled(layer, b, -1), layer.name))
}

export const multiply: Translate = (layer, inputs) =>
  merge(layer, inputs, ({ graph, name }, a, b) => graph.multiply(a, b, name))

/** Parts behind each other along one axis; each is placed among zeros, and they are added up. */
export const concatenate: Translate = (layer, inputs) => {
  layer.requireNoSoftmax(inputs)
  const [first] = inputs
  if (!first) throw layer.wrong('it has no inputs')
  const rank = first.shape.length + 1
  const given = layer.number('axis', -1)
  const axis = (given < 0 ? given + rank : given) - 1
  const fits = ({ shape }: Value): boolean =>
    shape.length === rank - 1 && shape.every((n, i) => i === axis || n === first.shape[i])
  if (first.shape[axis] === undefined || !inputs.every(fits)) {
    throw layer.wrong(
      `inputs of shapes ${inputs.map((x) => showShape(x.shape)).join(', ')} do not join along axis ${given}`,
    )
  }
  const shape = first.shape.map((n, i) => (i === axis ? inputs.reduce((total, x) => total + x.shape[axis]!, 0) : n))
  layer.requireShape(shape)
  const strides = stridesOf(shape)
  let offset = 0
  const parts = inputs.map((x) => {
    const source = new Int32Array(sizeOf(shape)).fill(-1)
    stridedIndex(x.shape, strides, offset * strides[axis]!).forEach((to, from) => {
      source[to] = from
    })
    offset += x.shape[axis]!
    const matrix = buildSparse(source.length, sizeOf(x.shape), (row, put) => {
      if (source[row]! >= 0) put(source[row]!, 1)
    })
    return layer.graph.affine(x.node, affine(matrix), layer.name)
  })
  return { node: parts.reduce((a, b) => layer.graph.add(a, b, layer.name)), shape }
}
