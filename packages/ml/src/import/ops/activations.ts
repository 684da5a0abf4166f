import type { Activation } from '../../graph/activation.ts'
import {
  constantInput,
  floatAttribute,
  optionalConstant,
  pushActivation,
  pushBinary,
  type Site,
  type Translation,
  textAttribute,
  variableInput,
  wrong,
} from '../site.ts'
import { scaled, withConstant } from './arithmetic.ts'

function activation(attributes: readonly string[], of: (site: Site) => Activation): Translation {
  return { attributes, translate: (site) => pushActivation(site, variableInput(site, 0), of(site)) }
}

function named(kind: 'Relu' | 'Sigmoid' | 'Tanh' | 'Softplus' | 'Softsign' | 'Erf' | 'Exp' | 'Abs'): Translation {
  return activation([], () => ({ kind }))
}

export const relu: Translation = named('Relu')
export const sigmoid: Translation = named('Sigmoid')
export const tanh: Translation = named('Tanh')
export const softplus: Translation = named('Softplus')
export const softsign: Translation = named('Softsign')
export const erf: Translation = named('Erf')
export const exp: Translation = named('Exp')
export const abs: Translation = named('Abs')

export const leakyRelu: Translation = activation(['alpha'], (site) => ({
  kind: 'LeakyRelu',
  alpha: floatAttribute(site, 'alpha', 0.01),
}))

export const elu: Translation = activation(['alpha'], (site) => ({
  kind: 'Elu',
  alpha: floatAttribute(site, 'alpha', 1),
}))

export const hardSigmoid: Translation = activation(['alpha', 'beta'], (site) => ({
  kind: 'HardSigmoid',
  alpha: floatAttribute(site, 'alpha', 0.2),
  beta: floatAttribute(site, 'beta', 0.5),
}))

export const gelu: Translation = activation(['approximate'], (site) => {
  const approximate = textAttribute(site, 'approximate', 'none')
  if (approximate !== 'none' && approximate !== 'tanh')
    throw wrong(site, `attribute "approximate" expected none or tanh, got ${approximate}`)
  return { kind: 'Gelu', approximate }
})

/** x · HardSigmoid(x). */
export const hardSwish: Translation = {
  attributes: [],
  translate(site) {
    const x = variableInput(site, 0)
    return pushBinary(site, 'multiply', x, pushActivation(site, x, { kind: 'HardSigmoid', alpha: 1 / 6, beta: 0.5 }))
  },
}

/** gamma · Elu(x). */
export const selu: Translation = {
  attributes: ['alpha', 'gamma'],
  translate(site) {
    const alpha = floatAttribute(site, 'alpha', 1.6732631921768188)
    const x = pushActivation(site, variableInput(site, 0), { kind: 'Elu', alpha })
    return scaled(site, x, floatAttribute(site, 'gamma', 1.0507010221481323))
  },
}

/** alpha · Elu(x / alpha). */
export const celu: Translation = {
  attributes: ['alpha'],
  translate(site) {
    const alpha = floatAttribute(site, 'alpha', 1)
    if (!(alpha > 0)) throw wrong(site, `attribute "alpha" expected a positive number, got ${alpha}`)
    const x = scaled(site, variableInput(site, 0), 1 / alpha)
    return scaled(site, pushActivation(site, x, { kind: 'Elu', alpha: 1 }), alpha)
  },
}

/** slope · x below 0: slope · x + (1 - slope) · Relu(x). */
export const prelu: Translation = {
  attributes: [],
  translate(site) {
    const x = variableInput(site, 0)
    const given = constantInput(site, 1)
    // Before operator set 7 a list has one number for each channel.
    const legacy = site.opset < 7 && given.shape.length === 1 && given.data.length > 1
    const slope = legacy ? { ...given, shape: [given.data.length, ...x.shape.slice(2).map(() => 1)] } : given
    const rest = { ...slope, data: slope.data.map((v) => 1 - v) }
    const above = withConstant(site, 'mul', pushActivation(site, x, { kind: 'Relu' }), rest, false)
    return pushBinary(site, 'add', withConstant(site, 'mul', x, slope, false), above)
  },
}

/** The largest float32: what an absent bound is. */
const largest = 3.4028234663852886e38

/** Bounds are attributes before operator set 11, then inputs; both may be left out. */
export const clip: Translation = {
  attributes: ['max', 'min'],
  translate(site) {
    const x = variableInput(site, 0)
    const bound = (name: string, input: number, otherwise: number): number => {
      const { data } = optionalConstant(site, input) ?? { data: [floatAttribute(site, name, otherwise)] }
      if (data.length !== 1) throw wrong(site, `"${name}" expected one number, got ${data.length}`)
      return data[0]!
    }
    const high = bound('max', 2, largest)
    // Of bounds that cross, the upper one counts.
    const low = Math.min(bound('min', 1, -largest), high)
    if (low <= -largest && high >= largest) return x
    return pushActivation(site, x, low === 0 && high >= largest ? { kind: 'Relu' } : { kind: 'Clip', low, high })
  },
}
