import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { broadcastIndex, broadcastShape, sizeOf } from '../../tensor/tensor.ts'
import type { Variable } from '../operand.ts'
import {
  constantInput,
  pushAffine,
  pushBinary,
  refuse,
  requireAlike,
  requireShape,
  type Site,
  type Translation,
  variableInput,
  wrong,
} from '../site.ts'

/** By repeated squaring; higher powers than this have no precision left. */
const maxExponent = 64

/** Each different exponent is a term of its own. */
const maxTerms = 8

/** x^n for whole n >= 0, the same for all elements or one for each. */
export const pow: Translation = {
  attributes: [],
  elements: 'whole',
  translate(site) {
    const x = variableInput(site, 0)
    const exponents = constantInput(site, 1)
    requireAlike(site, exponents.shape, x.shape)
    const distinct = [...new Set(exponents.data)]
    for (const exponent of distinct) {
      if (!Number.isInteger(exponent) || exponent < 0 || exponent > maxExponent) {
        throw refuse(site, `the exponent is ${exponent}; whole numbers from 0 to ${maxExponent} are supported`)
      }
    }
    if (distinct.length > maxTerms)
      throw refuse(site, `it has ${distinct.length} different exponents; at most ${maxTerms} are supported`)
    const shape = broadcastShape(x.shape, exponents.shape)
    if (!shape) throw wrong(site, `shapes [${x.shape}] and [${exponents.shape}] do not fit`)
    requireShape(site, shape)
    const powers = new Map<number, Variable>([[1, x]])
    const alone = distinct.length === 1 && shape.join() === x.shape.join()
    if (alone && distinct[0]! > 0) return power(site, powers, distinct[0]!)
    const each = Float64Array.from(broadcastIndex(exponents.shape, shape), (i) => exponents.data[i]!)
    const picks = broadcastIndex(x.shape, shape)
    return distinct
      .map((n) => {
        const chosen = picks.map((from, i) => (each[i] === n && n > 0 ? from : -1))
        const ones = each.map((m) => (n === 0 && m === 0 ? 1 : 0))
        const from = n === 0 ? x : power(site, powers, n)
        return pushAffine(site, from, affine(pickMatrix(chosen, sizeOf(x.shape)), ones), shape)
      })
      .reduce((a, b) => pushBinary(site, 'add', a, b))
  },
}

/** By halves, so that x^n has a depth of ⌈log2 n⌉. */
function power(site: Site, known: Map<number, Variable>, n: number): Variable {
  const found = known.get(n)
  if (found) return found
  const half = power(site, known, Math.floor(n / 2))
  const made = pushBinary(site, 'multiply', half, power(site, known, Math.ceil(n / 2)))
  known.set(n, made)
  return made
}
