import { GloveboxError } from '../../base/errors.ts'
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
import { applyLinear, encodeLinear, type LinearBound, type LinearSteps } from './bound-linear.ts'
import type { EncodeOptions } from './ckks.ts'
import type { Slots } from './encoder.ts'
import { type Bound, ErrorTerms } from './error-terms.ts'

export type { Bound } from './error-terms.ts'

export interface BoundOptions {
  /**
   * `worst` adds all errors up as if they were equally large and equally signed in one slot. `expected` (the default) adds those in
   * quadrature that come from different sources of noise, or from one source through different rotations; it takes the noise of distinct
   * operations to be independent, so compute an operation once whose result is used twice, and take one `encode` for one vector.
   */
  readonly kind?: 'worst' | 'expected'
  /** What a bound may fail with over all slots: of each source of noise for `worst`, of each value for `expected`. Default 2^-40. */
  readonly failure?: number
}

/**
 * CKKS on bounds in place of ciphertexts: the operations have the names and rules of {@link Ckks}, so a program written for one runs on the
 * other, and tells its error before anything is encrypted. Keys may be passed and are ignored.
 */
export interface ErrorBounds {
  /** The parameters that it is for. */
  readonly params: Params
  /**
   * Of a vector, or of all vectors whose slots stay below a magnitude. For `expected`, rounding is random but for the harmonics of the largest slot,
   * so a magnitude should be one that is reached: a single slot of far less than that loses more to rounding, which only `worst` covers.
   */
  encode(values: Slots | number, options: EncodeOptions): Bound
  /** Under a public key. */
  encrypt(plaintext: Bound): Bound
  /** Under the secret key. */
  encryptSymmetric(plaintext: Bound): Bound
  /** Decryption adds no error. */
  decrypt(ciphertext: Bound): Bound
  /** Of the decoded slots. */
  decode(plaintext: Bound): { readonly magnitude: number; readonly error: number }

  /** See `Ckks.add`. */
  add(a: Bound, b: Bound): Bound
  /** See `Ckks.subtract`. */
  subtract(a: Bound, b: Bound): Bound
  /** See `Ckks.negate`. */
  negate(a: Bound): Bound
  /** See `Ckks.addPlain`. */
  addPlain(a: Bound, b: Bound): Bound
  /** See `Ckks.subtractPlain`. */
  subtractPlain(a: Bound, b: Bound): Bound
  /** See `Ckks.addConstant`. */
  addConstant(a: Bound, value: number): Bound
  /** See `Ckks.multiplyPlain`. */
  multiplyPlain(a: Bound, b: Bound): Bound
  /** See `Ckks.multiplyConstant`. */
  multiplyConstant(a: Bound, value: number, scale: number): Bound
  /** See `Ckks.multiply`. */
  multiply(a: Bound, b: Bound): Bound
  /** See `Ckks.square`. */
  square(a: Bound): Bound
  /** See `Ckks.relinearise`. */
  relinearise(a: Bound, keys?: unknown): Bound
  /** See `Ckks.rescale`. */
  rescale(a: Bound): Bound
  /** See `Ckks.dropLevel`. */
  dropLevel(a: Bound, level: number): Bound
  /** See `Ckks.rotate`. */
  rotate(a: Bound, steps: number, keys?: unknown): Bound
  /** See `Ckks.conjugate`. */
  conjugate(a: Bound, keys?: unknown): Bound
  /** See `Ckks.hoist`. */
  hoist(a: Bound): Bound
  /** See `Ckks.rotateHoisted`. */
  rotateHoisted(hoisted: Bound, steps: number, keys?: unknown): Bound

  /** As `encodeLinear`, with the largest absolute weight of each diagonal. */
  encodeLinear(
    diagonals: ReadonlyMap<number, number>,
    plan: LinearSteps,
    options: { readonly level: number; readonly scale: number },
  ): LinearBound
  /** As `applyLinear`. */
  applyLinear(a: Bound, transform: LinearBound, keys?: unknown): Bound

  /** The same value where more is known of the message: T_n(x) of |x| <= 1 stays below 1, whatever the sum of its terms. */
  assume(a: Bound, magnitude: number): Bound
}

/** Scales closer than this count as one, as in arithmetic.ts. */
const sameScale = 2 ** -40
/** log2 of the largest coefficient that the encoder takes. */
const encoderBits = 99

function largest(values: Slots | number): number {
  if (typeof values === 'number') return Math.abs(values)
  let most = 0
  if ('re' in values)
    for (let i = 0; i < values.re.length; i++) most = Math.max(most, Math.hypot(values.re[i]!, values.im[i]!))
  else for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}

/**
 * Opens the interpreter of bounds for a set of parameters. Noise by its source: see rlwe/error-bound.ts; products to second order,
 * (m + e)(m' + e') - m m' = m e' + m' e + e e'.
 *
 * Throws as `Ckks` does: RangeError for arguments, GloveboxError `scale-mismatch`, `level-exhausted` or `unsupported`.
 */
export function errorBounds(literal: Params | ParamsLiteral, options: BoundOptions = {}): ErrorBounds {
  const params = checkedParams(literal)
  if (params.scheme !== 'ckks') throw new RangeError(`"params.scheme" expected 'ckks', got '${params.scheme}'`)
  const { kind = 'expected', failure = defaultFailure } = options
  if (!(failure > 0 && failure < 1)) throw new RangeError(`"failure" expected a number between 0 and 1, got ${failure}`)
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

  function requireLevel(level: number): void {
    if (!Number.isInteger(level) || level < 0 || level > maxLevel)
      throw new RangeError(`"level" expected an integer from 0 to ${maxLevel}, got ${level}`)
  }

  function requireScale(level: number, scale: number): void {
    if (!(scale >= 1 && scale < Infinity)) throw new RangeError(`"scale" expected a finite number from 1, got ${scale}`)
    if (Math.log2(scale) <= bits[level]! - 1) return
    throw new GloveboxError(
      'scale-mismatch',
      `a scale of 2^${Math.log2(scale).toFixed(1)} does not fit the ${bits[level]!.toFixed(1)} bits of the modulus at level ${level}: rescale first, or use smaller scales`,
    )
  }

  function requireKind(name: string, value: Bound, expected: Bound['kind']): void {
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
    const mismatch = Math.abs(b.scale / a.scale - 1)
    if (!(mismatch <= sameScale)) {
      throw new GloveboxError(
        'scale-mismatch',
        `the scales are 2^${Math.log2(a.scale).toFixed(6)} and 2^${Math.log2(b.scale).toFixed(6)}; sums need equal ones: ` +
          'encode with the scale of the other operand, or bring one there with multiplyConstant and rescale',
      )
    }
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
    encode(values, { level = maxLevel, scale }) {
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
    decode({ magnitude, error }) {
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
      if (!(scale > 0 && scale < Infinity))
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
      if (!(magnitude >= 0)) throw new RangeError(`"magnitude" expected a number from 0, got ${magnitude}`)
      return { ...a, magnitude: Math.min(a.magnitude, magnitude) }
    },
  }
  return bounds
}
