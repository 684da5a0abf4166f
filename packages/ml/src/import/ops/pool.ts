import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import { averaging } from '../layers/images.ts'
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
import { countPadded, readWindows, windowAttributes } from './windows.ts'

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
  const shape = [batch, channels, ...w.output]
  requireShape(site, shape)
  const images = { samples: batch, channels, channelsLast: false }
  const map = averaging(w, images, countPadding ? (pixel) => countPadded(w, pixel) : undefined)
  return pushAffine(site, x, map, shape)
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
