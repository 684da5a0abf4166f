import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import {
  intAttribute,
  intsAttribute,
  type Operand,
  pushAffine,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'
import { forTaps, readWindows, windowAttributes } from './windows.ts'

export const averagePool: Translation = {
  attributes: [...windowAttributes, 'ceil_mode', 'count_include_pad'],
  translate: translateAverage,
}

function translateAverage(site: Site): Operand {
  const x = variableInput(site, 0)
  const [channels, ...spatial] = x.shape
  const kernel = intsAttribute(site, 'kernel_shape')
  if (!kernel || channels === undefined) throw wrong(site, 'attribute "kernel_shape" is missing')
  const w = readWindows(site, spatial, kernel)
  const countPadding = intAttribute(site, 'count_include_pad', 0) !== 0
  const plane = sizeOf(w.output)
  const inputPlane = sizeOf(w.input)
  const shape = [channels, ...w.output.slice(2 - spatial.length)]
  requireShape(site, shape)
  const matrix = buildSparse(channels * plane, sizeOf(x.shape), (out, add) => {
    const at = out % plane
    const base = Math.floor(out / plane) * inputPlane
    const inside: number[] = []
    forTaps(w, Math.floor(at / w.output[1]), at % w.output[1], (offset) => inside.push(base + offset))
    for (const i of inside) add(i, 1 / (countPadding ? sizeOf(kernel) : inside.length))
  })
  return pushAffine(site, x, affine(matrix), shape)
}

export const globalAveragePool: Translation = { attributes: [], translate: translateGlobal }

function translateGlobal(site: Site): Operand {
  const x = variableInput(site, 0)
  const [channels, ...spatial] = x.shape
  if (channels === undefined || spatial.length === 0)
    throw wrong(site, `samples of shape [${x.shape}] have no spatial axes`)
  const plane = sizeOf(spatial)
  const matrix = buildSparse(channels, channels * plane, (channel, add) => {
    for (let i = 0; i < plane; i++) add(channel * plane + i, 1 / plane)
  })
  return pushAffine(site, x, affine(matrix), [channels, ...spatial.map(() => 1)])
}
