import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import type { Operand } from '../operand.ts'
import {
  intAttribute,
  intsAttribute,
  pushAffine,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'
import { countPadded, forTaps, readWindows, windowAttributes } from './windows.ts'

export const averagePool: Translation = {
  attributes: [...windowAttributes, 'ceil_mode', 'count_include_pad'],
  translate: translateAverage,
}

function translateAverage(site: Site): Operand {
  const x = variableInput(site, 0)
  const [batch, channels, ...spatial] = x.shape
  const kernel = intsAttribute(site, 'kernel_shape')
  if (!kernel) throw wrong(site, 'attribute "kernel_shape" is missing')
  if (batch === undefined || channels === undefined) throw wrong(site, `input of shape [${x.shape}] has no channels`)
  const w = readWindows(site, spatial, kernel)
  const countPadding = intAttribute(site, 'count_include_pad', 0) !== 0
  const plane = sizeOf(w.output)
  const inputPlane = sizeOf(spatial)
  const shape = [batch, channels, ...w.output]
  requireShape(site, shape)
  const matrix = buildSparse(sizeOf(shape), sizeOf(x.shape), (out, add) => {
    const base = Math.floor(out / plane) * inputPlane
    const inside: number[] = []
    forTaps(w, out % plane, (offset) => inside.push(base + offset))
    const count = countPadding ? countPadded(w, out % plane) : inside.length
    for (const i of inside) add(i, 1 / count)
  })
  return pushAffine(site, x, affine(matrix), shape)
}

export const globalAveragePool: Translation = {
  attributes: [],
  translate(site) {
    const x = variableInput(site, 0)
    const [batch, channels, ...spatial] = x.shape
    if (batch === undefined || channels === undefined || spatial.length === 0)
      throw wrong(site, `an input of shape [${x.shape}] has no spatial axes`)
    const plane = sizeOf(spatial)
    const matrix = buildSparse(batch * channels, sizeOf(x.shape), (channel, add) => {
      for (let i = 0; i < plane; i++) add(channel * plane + i, 1 / plane)
    })
    return pushAffine(site, x, affine(matrix), [batch, channels, ...spatial.map(() => 1)])
  },
}
