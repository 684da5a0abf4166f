import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, sizeOf } from '../../tensor/tensor.ts'
import { constant } from '../operand.ts'
import {
  axisOf,
  constantInput,
  floatAttribute,
  input,
  intAttribute,
  optionalConstant,
  pushAffine,
  refuse,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'

/** (x - mean) / sqrt(variance + epsilon) · scale + shift, per channel. */
export const batchNormalization: Translation = {
  attributes: ['consumed_inputs', 'epsilon', 'is_test', 'momentum', 'spatial', 'training_mode'],
  translate(site) {
    const x = variableInput(site, 0)
    const channels = x.shape[1] ?? 1
    const [scale, shift, mean, variance] = [1, 2, 3, 4].map((i) => {
      const { data } = constantInput(site, i)
      if (data.length !== channels)
        throw wrong(site, `input ${i} expected ${channels} numbers, one per channel, got ${data.length}`)
      return data
    }) as [Float64Array, Float64Array, Float64Array, Float64Array]
    if (intAttribute(site, 'training_mode', 0) !== 0)
      throw refuse(site, 'attribute "training_mode" = 1: export for inference')
    if (site.opset < 7 && intAttribute(site, 'is_test', 0) === 0)
      throw refuse(site, 'attribute "is_test" = 0: export for inference')
    if (intAttribute(site, 'spatial', 1) !== 1) throw refuse(site, 'attribute "spatial" = 0')
    const epsilon = floatAttribute(site, 'epsilon', 1e-5)
    if (variance.some((v) => !(v + epsilon > 0))) throw wrong(site, 'variance + epsilon is not positive')
    const gain = variance.map((v, c) => scale[c]! / Math.sqrt(v + epsilon))
    const plane = sizeOf(x.shape.slice(2))
    const channel = (i: number): number => Math.floor(i / plane) % channels
    const matrix = pickMatrix(broadcastIndex(x.shape, x.shape), sizeOf(x.shape), (i) => gain[channel(i)]!)
    const bias = Float64Array.from(
      { length: matrix.rows },
      (_, i) => shift[channel(i)]! - mean[channel(i)]! * gain[channel(i)]!,
    )
    return pushAffine(site, x, affine(matrix, bias), x.shape)
  },
}

/**
 * Divides by the deviation of the values themselves, which is not polynomial: it folds where they are constants, and where it runs over a single
 * value each, of which it leaves the shift.
 */
export const layerNormalization: Translation = {
  attributes: ['axis', 'epsilon', 'stash_type'],
  folds: true,
  translate(site) {
    const operand = input(site, 0)
    const x = operand.kind === 'constant' ? operand.tensor : variableInput(site, 0)
    const first = axisOf(site, intAttribute(site, 'axis', -1), x.shape.length)
    const own = x.shape.slice(first)
    const size = sizeOf(own)
    const scale = constantInput(site, 1).data
    const shift = optionalConstant(site, 2)?.data ?? new Float64Array(size)
    if (scale.length !== size || shift.length !== size)
      throw wrong(site, `scale and bias expected ${size} numbers, got ${scale.length} and ${shift.length}`)
    if (operand.kind !== 'constant') {
      if (size !== 1 || (site.batched && first === 0)) {
        throw refuse(
          site,
          'it divides by the deviation of values that depend on the input, which is not polynomial; it folds only for constants and for single values. Train with BatchNormalization in its place',
        )
      }
      const variable = variableInput(site, 0)
      const nothing = pickMatrix(new Int32Array(sizeOf(x.shape)).fill(-1), sizeOf(x.shape))
      return pushAffine(site, variable, affine(nothing, new Float64Array(nothing.rows).fill(shift[0]!)), x.shape)
    }
    const epsilon = floatAttribute(site, 'epsilon', 1e-5)
    const { data } = operand.tensor
    const out = new Float64Array(data.length)
    for (let at = 0; at < data.length; at += size) {
      const part = data.subarray(at, at + size)
      const mean = part.reduce((sum, v) => sum + v, 0) / size
      const variance = part.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size
      part.forEach((v, i) => {
        out[at + i] = ((v - mean) / Math.sqrt(variance + epsilon)) * scale[i]! + shift[i]!
      })
    }
    return constant(x.shape, out, operand.type)
  },
}
