import { affine } from '../../tensor/affine.ts'
import { buildSparse, pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import {
  constantInput,
  floatAttribute,
  intAttribute,
  intsOf,
  pushAffine,
  refuse,
  sampleAxis,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'

/** (x - mean) / sqrt(variance + epsilon) · scale + shift, per channel. */
export const batchNormalization: Translation = {
  attributes: ['epsilon', 'momentum', 'spatial', 'training_mode'],
  translate(site) {
    const x = variableInput(site, 0)
    const channels = x.shape[0] ?? 0
    const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => {
      const { data } = constantInput(site, i)
      if (data.length !== channels)
        throw wrong(site, `input ${i} expected ${channels} numbers, one per channel, got ${data.length}`)
      return data
    }) as [Float64Array, Float64Array, Float64Array, Float64Array]
    if (intAttribute(site, 'training_mode', 0) !== 0)
      throw refuse(site, 'attribute "training_mode" = 1: export for inference')
    if (intAttribute(site, 'spatial', 1) !== 1) throw refuse(site, 'attribute "spatial" = 0')
    const epsilon = floatAttribute(site, 'epsilon', 1e-5)
    if (variance.some((v) => !(v + epsilon > 0))) throw wrong(site, 'variance + epsilon is not positive')
    const gain = variance.map((v, c) => scale[c]! / Math.sqrt(v + epsilon))
    const plane = sizeOf(x.shape) / channels
    const channel = (i: number): number => Math.floor(i / plane)
    const matrix = pickMatrix(broadcastIndex(x.shape, x.shape), sizeOf(x.shape), (i) => gain[channel(i)]!)
    const bias = Float64Array.from(
      { length: matrix.rows },
      (_, i) => shift[channel(i)]! - mean[channel(i)]! * gain[channel(i)]!,
    )
    return pushAffine(site, x, affine(matrix, bias), x.shape)
  },
}

export const reduceMean: Translation = reduce(true)
export const reduceSum: Translation = reduce(false)

function reduce(mean: boolean): Translation {
  return {
    attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
    translate(site) {
      const x = variableInput(site, 0)
      const rank = x.shape.length
      const given = intsOf(site, 'axes', 1) ?? []
      if (given.length === 0 && intAttribute(site, 'noop_with_empty_axes', 0) !== 0) return x
      if (given.length === 0) throw refuse(site, 'it reduces all axes, also the batch')
      const axes = new Set(given.map((axis) => sampleAxis(site, axis, rank + 1)))
      const strides = stridesOf(x.shape)
      const pick = (keep: boolean): [number[], number[]] => {
        const chosen = x.shape.map((_, axis) => axis).filter((axis) => axes.has(axis) !== keep)
        return [chosen.map((axis) => x.shape[axis]!), chosen.map((axis) => strides[axis]!)]
      }
      const bases = stridedIndex(...pick(true))
      const offsets = stridedIndex(...pick(false))
      const weight = mean ? 1 / offsets.length : 1
      const matrix = buildSparse(bases.length, sizeOf(x.shape), (row, add) => {
        for (const offset of offsets) add(bases[row]! + offset, weight)
      })
      const keepDims = intAttribute(site, 'keepdims', 1) !== 0
      const shape = keepDims ? x.shape.map((n, axis) => (axes.has(axis) ? 1 : n)) : pick(true)[0]
      return pushAffine(site, x, affine(matrix), shape)
    },
  }
}
