import { sizeOf } from '../../tensor/tensor.ts'
import { convolution } from '../layers/images.ts'
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
import { readWindows, windowAttributes } from './windows.ts'

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
  const taps = sizeOf(kernel)
  const shape = [batch, maps, ...w.output]
  requireShape(site, shape)
  const images = { samples: batch, channels, channelsLast: false }
  const map = convolution(w, images, {
    maps,
    groups: group,
    weight: (map, channel, tap) => weight.data[(map * depth + channel) * taps + tap]!,
    ...(bias && { bias: bias.data }),
  })
  return pushAffine(site, x, map, shape)
}
