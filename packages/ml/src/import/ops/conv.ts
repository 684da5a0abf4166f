import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import type { Operand } from '../operand.ts'
import {
  constantInput,
  intAttribute,
  intsAttribute,
  optionalConstant,
  pushAffine,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'
import { forTaps, readWindows, windowAttributes } from './windows.ts'

export const conv: Translation = { attributes: [...windowAttributes, 'group'], translate }

function translate(site: Site): Operand {
  const x = variableInput(site, 0)
  const weight = constantInput(site, 1)
  const bias = optionalConstant(site, 2)
  const [batch, channels, ...spatial] = x.shape
  const [maps, depth, ...kernel] = weight.shape
  const group = intAttribute(site, 'group', 1)
  if (
    batch === undefined ||
    channels === undefined ||
    maps === undefined ||
    depth === undefined ||
    weight.shape.length !== x.shape.length
  ) {
    throw wrong(site, `weights of shape [${weight.shape}] do not fit an input of shape [${x.shape}]`)
  }
  if (!(group >= 1) || depth * group !== channels || maps % group !== 0) {
    throw wrong(
      site,
      `${maps} maps over ${depth} channels in ${group} groups do not fit an input of ${channels} channels`,
    )
  }
  const declared = intsAttribute(site, 'kernel_shape')
  if (declared && declared.join() !== kernel.join()) {
    throw wrong(site, `attribute "kernel_shape" is [${declared}], the weights are for [${kernel}]`)
  }
  if (bias && bias.data.length !== maps) throw wrong(site, `bias expected ${maps} numbers, got ${bias.data.length}`)
  const w = readWindows(site, spatial, kernel)
  const plane = sizeOf(w.output)
  const inputPlane = sizeOf(spatial)
  const taps = sizeOf(kernel)
  const shape = [batch, maps, ...w.output]
  requireShape(site, shape)
  const matrix = buildSparse(sizeOf(shape), sizeOf(x.shape), (out, add) => {
    const map = Math.floor(out / plane) % maps
    const sample = Math.floor(out / plane / maps)
    const first = sample * channels + Math.floor(map / (maps / group)) * depth
    forTaps(w, out % plane, (offset, tap) => {
      for (let c = 0; c < depth; c++)
        add((first + c) * inputPlane + offset, weight.data[(map * depth + c) * taps + tap]!)
    })
  })
  const biases = Float64Array.from({ length: matrix.rows }, (_, out) => bias?.data[Math.floor(out / plane) % maps] ?? 0)
  return pushAffine(site, x, affine(matrix, biases), shape)
}
