import { typeName } from '../decode.ts'
import {
  constant,
  intAttribute,
  type Operand,
  optionalConstant,
  refuse,
  type Site,
  type Translation,
  tensorAttribute,
  wrong,
} from '../site.ts'

function firstInput(site: Site): Operand {
  const x = site.inputs[0]
  if (!x) throw wrong(site, 'input 0 is missing')
  return x
}

export const identity: Translation = { attributes: [], translate: firstInput }

/** Nothing at inference. */
export const dropout: Translation = {
  attributes: ['ratio', 'seed'],
  translate(site) {
    if (optionalConstant(site, 2)?.data[0]) throw refuse(site, 'it is in training mode: export for inference')
    return firstInput(site)
  },
}

/** Between floating-point types nothing happens; constants may become integers. */
export const cast: Translation = {
  attributes: ['saturate', 'to'],
  translate(site) {
    const x = firstInput(site)
    const to = intAttribute(site, 'to', 0)
    const type = typeName(to)
    if (!type) throw refuse(site, `attribute "to" = ${to} is no supported element type`)
    if (type.startsWith('float')) return x
    if (x.kind === 'variable') throw refuse(site, `attribute "to" = ${to} (${type}) rounds, which is not polynomial`)
    return constant(x.tensor.shape, x.tensor.data.map(Math.trunc))
  },
}

export const constantNode: Translation = {
  attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'],
  translate(site) {
    const tensor = tensorAttribute(site, 'value')
    if (tensor) return { kind: 'constant', tensor }
    const [name, attribute] = [...site.attributes][0] ?? []
    if (!attribute || name === undefined) throw wrong(site, 'it has no value')
    const list = name.endsWith('s')
    const many = name.startsWith('value_f') ? attribute.floats : attribute.ints
    const one = name.startsWith('value_f') ? attribute.f : attribute.i
    const values = (list ? many : [one]).map((v) => (typeof v === 'number' ? v : v.toNumber()))
    return constant(list ? [values.length] : [], values)
  },
}
