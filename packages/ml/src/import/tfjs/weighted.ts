import { affine } from '../../tensor/affine.ts'
import { buildSparse, pickMatrix } from '../../tensor/sparse.ts'
import { sizeOf, stridesOf } from '../../tensor/tensor.ts'
import { convolution, type Filters, type Images, type Padding, windowsOf } from '../layers/images.ts'
import type { Windows } from '../ops/windows.ts'
import { activate } from './activations.ts'
import type { Layer, Translate, Value } from './layer.ts'

/** Over the last axis. */
export const dense: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const inner = x.shape.at(-1) ?? 1
  const units = layer.number('units', 0)
  const { data } = layer.weight('kernel', [inner, units])
  const bias = layer.flag('use_bias', true) ? layer.weight('bias', [units]).data : new Float64Array(units)
  const shape = [...x.shape.slice(0, -1), units]
  layer.requireShape(shape)
  const matrix = buildSparse(sizeOf(shape), sizeOf(x.shape), (out, add) => {
    const block = Math.floor(out / units) * inner
    for (let k = 0; k < inner; k++) add(block + k, data[k * units + (out % units)]!)
  })
  const offsets = Float64Array.from({ length: matrix.rows }, (_, out) => bias[out % units]!)
  return activate(layer, { node: layer.graph.affine(x.node, affine(matrix, offsets), layer.name), shape })
}

/** An image, or a signal, with its windows. */
interface Sliding {
  readonly x: Value
  readonly images: Images
  readonly windows: Windows
}

function slide(layer: Layer, inputs: readonly Value[], axes: number): Sliding {
  const x = layer.one(inputs, axes + 1)
  const channelsLast = layer.channelsLast()
  const spatial = channelsLast ? x.shape.slice(0, -1) : x.shape.slice(1)
  const kernel = layer.perAxis('kernel_size', axes, 0)
  const strides = layer.perAxis('strides', axes, 1)
  const dilations = layer.perAxis('dilation_rate', axes, 1)
  const windows = windowsOf(spatial, kernel, strides, dilations, paddingOf(layer, axes === 1))
  return { x, images: { channels: channelsLast ? x.shape.at(-1)! : x.shape[0]!, channelsLast }, windows }
}

export function paddingOf(layer: Layer, causal: boolean): Padding {
  const padding = layer.text('padding', 'valid')
  if (padding === 'valid' || padding === 'same' || (padding === 'causal' && causal)) return padding
  throw layer.wrong(`"padding" expected valid, same${causal ? ' or causal' : ''}, got ${padding}`)
}

function convolve(layer: Layer, { x, images, windows }: Sliding, filters: Filters): Value {
  const shape = images.channelsLast ? [...windows.output, filters.maps] : [filters.maps, ...windows.output]
  layer.requireShape(shape)
  return { node: layer.graph.affine(x.node, convolution(windows, images, filters), layer.name), shape }
}

function biasOf(layer: Layer, maps: number): { bias?: Float64Array } {
  return layer.flag('use_bias', true) ? { bias: layer.weight('bias', [maps]).data } : {}
}

/** Kernels are [...taps, channels of a group, maps]. */
export const conv =
  (axes: number): Translate =>
  (layer, inputs) => {
    const sliding = slide(layer, inputs, axes)
    const { images, windows } = sliding
    const maps = layer.number('filters', 0)
    const groups = layer.number('groups', 1)
    if (images.channels % groups !== 0 || maps % groups !== 0) {
      throw layer.wrong(`${maps} filters over ${images.channels} channels in ${groups} groups`)
    }
    const depth = images.channels / groups
    const { data } = layer.weight('kernel', [...windows.kernel, depth, maps])
    const weight = (map: number, channel: number, tap: number): number => data[(tap * depth + channel) * maps + map]!
    return activate(layer, convolve(layer, sliding, { maps, groups, weight, ...biasOf(layer, maps) }))
  }

/** Kernels are [...taps, channels, multiplier]: map channel · multiplier + m sees that channel only. */
function depthwiseFilters(layer: Layer, { images, windows }: Sliding): Omit<Filters, 'bias'> {
  const maps = images.channels * layer.number('depth_multiplier', 1)
  const { data } = layer.weight('depthwise_kernel', [...windows.kernel, images.channels, maps / images.channels])
  return { maps, groups: images.channels, weight: (map, _, tap) => data[tap * maps + map]! }
}

export const depthwiseConv: Translate = (layer, inputs) => {
  const sliding = slide(layer, inputs, 2)
  const filters = depthwiseFilters(layer, sliding)
  return activate(layer, convolve(layer, sliding, { ...filters, ...biasOf(layer, filters.maps) }))
}

/** A depthwise convolution, and one of 1 × 1. */
export const separableConv: Translate = (layer, inputs) => {
  const sliding = slide(layer, inputs, 2)
  const filters = depthwiseFilters(layer, sliding)
  const x = convolve(layer, sliding, filters)
  const maps = layer.number('filters', 0)
  const { data } = layer.weight('pointwise_kernel', [1, 1, filters.maps, maps])
  const { output } = sliding.windows
  const points = {
    x,
    images: { ...sliding.images, channels: filters.maps },
    windows: windowsOf(output, [1, 1], [1, 1], [1, 1], 'valid'),
  }
  const weight = (map: number, channel: number): number => data[channel * maps + map]!
  return activate(layer, convolve(layer, points, { maps, groups: 1, weight, ...biasOf(layer, maps) }))
}

/** (x - mean) / sqrt(variance + epsilon) · gamma + beta, along one axis. */
export const batchNormalization: Translate = (layer, inputs) => {
  const x = layer.one(inputs)
  const axes = layer.raw('axis') ?? -1
  const given = Array.isArray(axes) && axes.length === 1 ? axes[0] : axes
  const rank = x.shape.length + 1
  const axis = typeof given === 'number' ? (given < 0 ? given + rank : given) - 1 : -1
  const channels = x.shape[axis]
  if (channels === undefined) throw layer.wrong(`"axis" expected one from 1 to ${x.shape.length}`)
  const list = (name: string, there: boolean, otherwise: number): Float64Array =>
    there ? layer.weight(name, [channels]).data : new Float64Array(channels).fill(otherwise)
  const gamma = list('gamma', layer.flag('scale', true), 1)
  const beta = list('beta', layer.flag('center', true), 0)
  const mean = list('moving_mean', true, 0)
  const variance = list('moving_variance', true, 1)
  const epsilon = layer.number('epsilon', 1e-3)
  if (variance.some((v) => !(v + epsilon > 0))) throw layer.wrong('variance + epsilon is not positive')
  const gain = variance.map((v, c) => gamma[c]! / Math.sqrt(v + epsilon))
  const stride = stridesOf(x.shape)[axis]!
  const channel = (i: number): number => Math.floor(i / stride) % channels
  const size = sizeOf(x.shape)
  const picks = Int32Array.from({ length: size }, (_, i) => i)
  const matrix = pickMatrix(picks, size, (i) => gain[channel(i)]!)
  const bias = Float64Array.from(picks, (i) => beta[channel(i)]! - mean[channel(i)]! * gain[channel(i)]!)
  return { node: layer.graph.affine(x.node, affine(matrix, bias), layer.name), shape: x.shape }
}
