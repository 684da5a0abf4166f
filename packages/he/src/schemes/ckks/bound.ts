import { GloveboxError } from '../../base/errors.ts'
import { requireArrayLike, requireObject, typeName } from '../../base/require.ts'
import { checkedParams, type Params, type ParamsLiteral } from '../../params/params.ts'
import {
  defaultFailure,
  doubleBound,
  encodingBound,
  keySwitchBound,
  publicBound,
  roundingBound,
  symmetricBound,
} from '../../rlwe/error-bound.ts'
import { applyLinear, encodeLinear } from './bound-linear.ts'
import type { Slots } from './encoder.ts'
import type { Bound, BoundOptions, ErrorBounds } from './error-bounds.ts'
import { ErrorTerms } from './error-terms.ts'
import { requireSameScale } from './same-scale.ts'

/** log2 of the largest coefficient that the encoder takes. */
const encoderBits = 99

function largest(values: Slots | number): number {
  if (typeof values === 'number') return Math.abs(values)
  requireObject('values', 'a magnitude, an array of numbers or {re, im}', values)
  requireArrayLike('values', 'a magnitude, an array of numbers or {re, im}', 're' in values ? values.re : values)
  if ('re' in values) requireArrayLike('values.im', 'an array of numbers', values.im)
  let most = 0
  if ('re' in values)
    for (let i = 0; i < values.re.length; i++) most = Math.max(most, Math.hypot(values.re[i]!, values.im[i]!))
  else for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}

function requireBound(name: string, value: Bound): void {
  requireObject(name, 'a bound of these errorBounds', value)
  if (!(value.terms instanceof ErrorTerms))
    throw new TypeError(`"${name}" expected a bound of these errorBounds, got another object`)
}

/**
 * Opens the interpreter of bounds for a set of parameters of CKKS. Noise by its source, after Gentry, Halevi, Smart 2012 (eprint 2012/099, appendix A.5)
 * and Kim, Papadimitriou, Polyakov 2020 (eprint 2020/1118): see rlwe/error-bound.ts; products to second order, (m + e)(m' + e') - m m' = m e' + m' e + e
 * e'.
 * @throws TypeError for what is no object; RangeError for another scheme or options out of range; GloveboxError `no-primes` or `insecure-parameters` for
 * such a literal.
 */
export function errorBounds(literal: Params | ParamsLiteral, options: BoundOptions = {}): ErrorBounds {
  requireObject('params', 'parameters or a literal of them', literal)
  const params = checkedParams(literal)
  if (params.scheme !== 'ckks') throw new RangeError(`"params.scheme" expected 'ckks', got '${params.scheme}'`)
  requireObject('options', '{ kind?, failure? }', options)
  const { kind = 'expected', failure = defaultFailure } = options
  if (!(typeof failure === 'number' && failure > 0 && failure < 1))
    throw new RangeError(`"failure" expected a number between 0 and 1, got ${failure}`)
  if (kind !== 'expected' && kind !== 'worst')
    throw new RangeError(`"kind" expected 'expected' or 'worst', got ${String(kind)}`)
  const { ringDegree: n, primes, maxLevel } = params
  const slots = n / 2
  const bits: number[] = []
  for (const p of primes) bits.push((bits.at(-1) ?? 0) + Math.log2(p))
  let sources = 0

  /** One source of noise, in units of the scaled message. */
  function noise(bound: number, scale: number): ErrorTerms {
    const error = bound / scale
    return kind === 'worst' ? new ErrorTerms(slots, error) : ErrorTerms.of(slots, sources++, error)
  }

  /** Coefficients are no larger than the largest slot; beyond half the modulus they wrap around, and nothing is known any more. */
  function bound(parts: 1 | 2 | 3, level: number, scale: number, magnitude: number, terms: ErrorTerms): Bound {
    const size = Math.log2(magnitude + terms.bound) + Math.log2(scale)
    const known = size < bits[level]! - 1 ? terms : new ErrorTerms(slots, Infinity)
    return {
      kind: parts === 1 ? 'plaintext' : 'ciphertext',
      level,
      scale,
      parts,
      magnitude,
      error: known.bound,
      terms: known,
    }
  }

  function requireFinite(name: string, value: number): void {
    if (!Number.isFinite(value))
      throw new RangeError(
        `"${name}" expected a finite number, got ${typeof value === 'number' ? value : typeName(value)}`,
      )
  }

  function requireLevel(level: number): void {
    if (!Number.isInteger(level) || level < 0 || level > maxLevel)
      throw new RangeError(`"level" expected an integer from 0 to ${maxLevel}, got ${level}`)
  }

  function requireScale(level: number, scale: number): void {
    if (!(Number.isFinite(scale) && scale >= 1))
      throw new RangeError(`"scale" expected a finite number from 1, got ${scale}`)
    if (Math.log2(scale) <= bits[level]! - 1) return
    throw new GloveboxError(
      'scale-mismatch',
      `a scale of 2^${Math.log2(scale).toFixed(1)} does not fit the ${bits[level]!.toFixed(1)} bits of the modulus at level ${level}: rescale first, or use smaller scales`,
    )
  }

  function requireKind(name: string, value: Bound, expected: Bound['kind']): void {
    requireBound(name, value)
    if (value.kind !== expected)
      throw new TypeError(`"${name}" expected the bound of a ${expected}, got that of a ${value.kind}`)
  }

  function requireTwoParts(name: string, value: Bound, before: string): void {
    requireKind(name, value, 'ciphertext')
    if (value.parts === 3)
      throw new GloveboxError('unsupported', `"${name}" has 3 parts: relinearise it before ${before}`)
  }

  /** a ± b; what the scales differ by is taken for nothing by the arithmetic, and shows as an error of b's message. */
  function sum(a: Bound, b: Bound): Bound {
    requireSameScale(a.scale, b.scale)
    const mismatch = Math.abs(b.scale / a.scale - 1)
    const parts = Math.max(a.parts, b.parts) as 2 | 3
    const terms = a.terms.plus(b.terms.times(1 + mismatch)).plusLinear(b.magnitude * mismatch)
    return bound(parts, Math.min(a.level, b.level), a.scale, a.magnitude + b.magnitude, terms)
  }

  function product(a: Bound, b: Bound, parts: 2 | 3): Bound {
    const level = Math.min(a.level, b.level)
    const scale = a.scale * b.scale
    requireScale(level, scale)
    const terms = a.terms.times(b.magnitude).plus(b.terms.times(a.magnitude))
    return bound(parts, level, scale, a.magnitude * b.magnitude, terms.plusLinear(a.error * b.error))
  }

  function encrypted(plaintext: Bound, fresh: number): Bound {
    requireKind('plaintext', plaintext, 'plaintext')
    const { level, scale, magnitude, terms } = plaintext
    return bound(2, level, scale, magnitude, terms.plus(noise(fresh, scale)))
  }

  function switched(a: Bound, terms: ErrorTerms): Bound {
    if (params.special.length === 0)
      throw new GloveboxError('missing-key', 'the parameters have no special prime, so there are no evaluation keys')
    const more = noise(keySwitchBound(params, a.level, failure), a.scale)
    return bound(2, a.level, a.scale, a.magnitude, terms.plus(more))
  }

  const bounds: ErrorBounds = {
    params,
    encode(values, options) {
      requireObject('options', '{ scale, level? }', options)
      const { level = maxLevel, scale } = options
      requireLevel(level)
      requireScale(level, scale)
      const magnitude = largest(values)
      if (!Number.isFinite(magnitude)) throw new RangeError('"values" expected finite numbers')
      const fits = Math.log2(magnitude) + Math.log2(scale) < encoderBits
      // Whatever the message; or as if at random, and what harmonics of a single slot add to that.
      const hard = magnitude === 0 ? 0 : n / 2
      const random = encodingBound(n, magnitude === 0 ? 0 : Infinity, failure)
      const harmonics = encodingBound(n, magnitude * scale, failure) - random
      const rounding =
        kind === 'worst' ? new ErrorTerms(slots, hard / scale) : noise(random, scale).plusLinear(harmonics / scale)
      const terms = fits ? rounding.plusLinear(doubleBound(magnitude)) : new ErrorTerms(slots, Infinity)
      return bound(1, level, scale, magnitude, terms)
    },
    encrypt: (plaintext) => encrypted(plaintext, publicBound(n, failure)),
    encryptSymmetric: (plaintext) => encrypted(plaintext, symmetricBound(n, failure)),
    decrypt(a) {
      requireKind('ciphertext', a, 'ciphertext')
      return bound(1, a.level, a.scale, a.magnitude, a.terms)
    },
    decode(plaintext) {
      requireKind('plaintext', plaintext, 'plaintext')
      const { magnitude, error } = plaintext
      return { magnitude, error: error + doubleBound(magnitude + error) }
    },
    add(a, b) {
      requireKind('a', a, 'ciphertext')
      requireKind('b', b, 'ciphertext')
      return sum(a, b)
    },
    subtract: (a, b) => bounds.add(a, b),
    negate(a) {
      requireKind('a', a, 'ciphertext')
      return a
    },
    addPlain(a, b) {
      requireKind('a', a, 'ciphertext')
      requireKind('b', b, 'plaintext')
      return sum(a, b)
    },
    subtractPlain: (a, b) => bounds.addPlain(a, b),
    addConstant(a, value) {
      requireKind('a', a, 'ciphertext')
      requireFinite('value', value)
      const { level, scale, parts, magnitude, terms } = a
      const rounding = Math.abs(Math.round(value * scale) / scale - value) + Math.abs(value) * 2 ** -52
      return bound(parts, level, scale, magnitude + Math.abs(value), terms.plusLinear(rounding))
    },
    multiplyPlain(a, b) {
      requireKind('a', a, 'ciphertext')
      requireKind('b', b, 'plaintext')
      return product(a, b, a.parts as 2 | 3)
    },
    multiplyConstant(a, value, scale) {
      requireKind('a', a, 'ciphertext')
      requireFinite('value', value)
      if (!(Number.isFinite(scale) && scale > 0))
        throw new RangeError(`"scale" expected a positive finite number, got ${scale}`)
      requireScale(a.level, a.scale * scale)
      const taken = Math.round(value * scale) / scale
      const rounding = Math.abs(taken - value) + Math.abs(value) * 2 ** -52
      const terms = a.terms.times(Math.abs(taken)).plusLinear(a.magnitude * rounding)
      return bound(a.parts, a.level, a.scale * scale, a.magnitude * Math.abs(value), terms)
    },
    multiply(a, b) {
      requireTwoParts('a', a, 'multiplying again')
      requireTwoParts('b', b, 'multiplying again')
      return product(a, b, 3)
    },
    square: (a) => bounds.multiply(a, a),
    relinearise(a) {
      requireKind('a', a, 'ciphertext')
      return a.parts === 2 ? a : switched(a, a.terms)
    },
    rescale(a) {
      requireKind('a', a, 'ciphertext')
      if (a.level === 0)
        throw new GloveboxError('level-exhausted', 'the ciphertext is at level 0, no prime is left to divide by')
      const scale = a.scale / primes[a.level]!
      if (scale < 1) {
        throw new GloveboxError(
          'scale-mismatch',
          `the scale is 2^${Math.log2(a.scale).toFixed(1)}, and the prime to divide by has ${Math.log2(primes[a.level]!).toFixed(1)} bits: ` +
            'nothing of the message would be left',
        )
      }
      const rounding = noise(roundingBound(n, a.parts as 2 | 3, failure), scale)
      return bound(a.parts, a.level - 1, scale, a.magnitude, a.terms.plus(rounding))
    },
    dropLevel(a, level) {
      requireKind('a', a, 'ciphertext')
      requireLevel(level)
      if (level > a.level)
        throw new GloveboxError(
          'level-exhausted',
          `the ciphertext is at level ${a.level}; it cannot be raised to level ${level}`,
        )
      requireScale(level, a.scale)
      return bound(a.parts, level, a.scale, a.magnitude, a.terms)
    },
    rotate(a, steps) {
      requireTwoParts('a', a, 'rotating')
      if (!Number.isInteger(steps)) throw new TypeError(`"steps" expected an integer, got ${steps}`)
      const left = ((steps % slots) + slots) % slots
      return left === 0 ? a : switched(a, a.terms.rotated(left))
    },
    conjugate(a) {
      requireTwoParts('a', a, 'rotating')
      return switched(a, a.terms)
    },
    hoist(a) {
      requireTwoParts('a', a, 'rotating')
      return a
    },
    rotateHoisted: (hoisted, steps) => bounds.rotate(hoisted, steps),
    encodeLinear: (diagonals, plan, at) => encodeLinear(bounds, diagonals, plan, at),
    applyLinear(a, transform) {
      requireTwoParts('a', a, 'a linear transform')
      return applyLinear(bounds, a, transform)
    },
    assume(a, magnitude) {
      requireBound('a', a)
      if (typeof magnitude !== 'number' || !(magnitude >= 0))
        throw new RangeError(`"magnitude" expected a number from 0, got ${magnitude}`)
      return { ...a, magnitude: Math.min(a.magnitude, magnitude) }
    },
  }
  return bounds
}
