import { type ElementType, elementTypes, float32, int64 } from '../element.ts'
import { constant, type Operand } from '../operand.ts'
import {
  input,
  intAttribute,
  optionalConstant,
  refuse,
  type Site,
  type Translation,
  tensorAttribute,
  wrong,
} from '../site.ts'

export const identity: Translation = {
  attributes: [],
  elements: 'any',
  client: true,
  folds: true,
  translate: (site) => input(site, 0),
}

/** Nothing at inference. */
export const dropout: Translation = {
  attributes: ['is_test', 'ratio', 'seed'],
  elements: 'any',
  client: true,
  folds: true,
  translate(site) {
    const drops = optionalConstant(site, 1)?.data[0] !== 0
    if (drops && optionalConstant(site, 2)?.data[0])
      throw refuse(site, 'input 2, training_mode, is true: export for inference')
    if (site.opset < 7 && intAttribute(site, 'is_test', 0) === 0)
      throw refuse(site, 'attribute "is_test" = 0: export for inference')
    return input(site, 0)
  },
}

/** To floating-point types nothing happens, whatever their precision; constants may become integers. */
export const cast: Translation = {
  attributes: ['saturate', 'to'],
  elements: 'any',
  client: true,
  folds: true,
  translate(site) {
    const to = intAttribute(site, 'to', 0)
    const type = elementTypes.get(to)
    if (!type) throw refuse(site, `attribute "to" = ${to} is no supported element type`)
    return castTo(site, type)
  },
}

export const castLike: Translation = {
  attributes: ['saturate'],
  elements: 'any',
  client: true,
  folds: true,
  translate(site) {
    const like = input(site, 1)
    if (like.kind === 'absent') throw refuse(site, like.reason)
    return castTo(site, like.type)
  },
}

function castTo(site: Site, type: ElementType): Operand {
  const x = input(site, 0)
  if (x.kind === 'absent') throw refuse(site, x.reason)
  const what = `its target type (attribute "to") is ${type.name}`
  // Labels and indices of the end are what they are.
  if (x.kind === 'answer') return { ...x, type }
  if (type.kind === 'text' || type.kind === 'complex') throw refuse(site, `${what}; a type of numbers is supported`)
  if (x.type.kind === 'text') throw refuse(site, `${what} and its input is text`)
  if (type.kind === 'float') return { ...x, type }
  if (x.kind === 'constant') {
    const change = type.kind === 'bool' ? (v: number): number => (v === 0 ? 0 : 1) : Math.trunc
    return { ...x, tensor: { ...x.tensor, data: x.tensor.data.map(change) }, type }
  }
  if (x.type === type || (type.kind === 'whole' && (x.type.kind === 'narrow' || x.type.kind === 'bool')))
    return { ...x, type }
  throw refuse(site, `${what}, which rounds: that is not polynomial`)
}

export const constantNode: Translation = {
  attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'],
  folds: true,
  translate(site) {
    const stored = tensorAttribute(site, 'value')
    if (stored) return { kind: 'constant', ...stored }
    const [name, attribute] = [...site.attributes][0] ?? []
    if (!attribute || name === undefined) throw wrong(site, 'it has no value')
    const list = name.endsWith('s')
    const float = name.startsWith('value_f')
    const many = float ? attribute.floats : attribute.ints
    const one = float ? attribute.f : attribute.i
    const values = (list ? many : [one]).map((v) => (typeof v === 'number' ? v : v.toNumber()))
    return constant(list ? [values.length] : [], values, float ? float32 : int64)
  },
}
