import type { Params, ParamsLiteral } from '../../params/params.ts'
import type { Ciphertext, Plaintext } from '../../rlwe/ciphertext.ts'
import { requireRing } from '../../rlwe/ciphertext.ts'
import { encryptPublic } from '../../rlwe/encrypt-public.ts'
import { conjugate, type Hoisted, hoist, rotate, rotateHoisted } from '../../rlwe/galois.ts'
import type { EvaluationKeys, PublicKey } from '../../rlwe/keys.ts'
import { relinearise } from '../../rlwe/relinearise.ts'
import { type Context, type OpenOptions, openSchemeRing } from '../context.ts'
import { shownAs, traced } from '../trace.ts'
import * as arithmetic from './arithmetic.ts'
import {
  type ComplexSlots,
  decodeCoefficients,
  decodeSlots,
  encodeCoefficients,
  encodeSlots,
  type Slots,
} from './encoder.ts'

/** Where a message is put: at which level (default: the top) and multiplied by which scale. */
export interface EncodeOptions {
  /** From 0 to `params.maxLevel`; default: the top. */
  readonly level?: number
  /** What the message is multiplied by: 1 or more, within the modulus of the level. */
  readonly scale: number
}

/**
 * Approximate arithmetic on vectors of N/2 real or complex numbers under encryption.
 * Cheon, Kim, Kim, Song 2016 (eprint 2016/421) in the full-RNS form of Cheon, Han, Kim, Kim, Song 2018 (eprint 2018/931).
 *
 * Every method returns a new value and leaves its operands; all hold memory of the context and may be used with `using`.
 * Operands at different levels meet at the lower one.
 */
export interface Ckks extends Context {
  /**
   * Up to N/2 real or complex numbers into the slots, zeros behind them, times the scale and rounded. Throws RangeError for what is not
   * finite or does not fit the modulus of the level.
   */
  encode(values: Slots, options: EncodeOptions): Plaintext
  /** Real parts of the slots. */
  decode(plaintext: Plaintext): Float64Array
  /** The slots as complex numbers. */
  decodeComplex(plaintext: Plaintext): ComplexSlots
  /** Up to N real coefficients of a polynomial, lowest first: products are convolutions modulo X^N + 1. Throws as `encode` does. */
  encodeCoefficients(coefficients: ArrayLike<number>, options: EncodeOptions): Plaintext
  /** The N coefficients, lowest first. */
  decodeCoefficients(plaintext: Plaintext): Float64Array
  /** Encrypts under a public key. With the secret key, `encryptSymmetric` of `@glovebox/he/secret` gives half the bytes. */
  encrypt(key: PublicKey, plaintext: Plaintext): Ciphertext

  /** a + b, of one scale (within 2^-40). Throws GloveboxError `scale-mismatch`. */
  add(a: Ciphertext, b: Ciphertext): Ciphertext
  /** a - b, of one scale (within 2^-40). Throws GloveboxError `scale-mismatch`. */
  subtract(a: Ciphertext, b: Ciphertext): Ciphertext
  /** -a. */
  negate(a: Ciphertext): Ciphertext
  /** a + b, of one scale (within 2^-40). Throws GloveboxError `scale-mismatch`. */
  addPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /** a - b, of one scale (within 2^-40). Throws GloveboxError `scale-mismatch`. */
  subtractPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /** One real number added to every slot, at the scale of `a`. Throws RangeError where it does not fit the modulus. */
  addConstant(a: Ciphertext, value: number): Ciphertext
  /** The scales multiply; rescale when it is time. */
  multiplyPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /** Slot-wise by one real number, taken at `scale`. A scale of 1 multiplies by a rounded integer and costs no level. */
  multiplyConstant(a: Ciphertext, value: number, scale: number): Ciphertext
  /** Three parts: relinearise before rotating or multiplying again. */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  /** The product of a with itself; three parts. */
  square(a: Ciphertext): Ciphertext
  /** Three parts back to two, at the same level and scale; a copy where there are two already. Throws GloveboxError `missing-key`. */
  relinearise(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /**
   * Divides message and scale by the last prime of the level; one level down. Relinearise first: rescaling rounds each part, and the
   * rounding of a third part is multiplied by s^2, which costs about log2(N)/2 bits (7 at N = 8192).
   */
  rescale(a: Ciphertext): Ciphertext
  /** To a lower level without dividing. */
  dropLevel(a: Ciphertext, level: number): Ciphertext
  /** Slots to the left by `steps`: out[j] = in[j + steps]. Negative steps go right. */
  rotate(a: Ciphertext, steps: number, keys: EvaluationKeys): Ciphertext
  /** Complex conjugates of the slots. Throws GloveboxError `missing-key` without the Galois key of conjugation. */
  conjugate(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /** Decomposes once what many rotations of one ciphertext share. */
  hoist(a: Ciphertext): Hoisted
  /** As `rotate`, of a hoisted ciphertext. */
  rotateHoisted(hoisted: Hoisted, steps: number, keys: EvaluationKeys): Ciphertext
}

function requireObject(name: string, expected: string, value: unknown): void {
  if (value !== null && typeof value === 'object') return
  throw new TypeError(`"${name}" expected ${expected}, got ${value === null ? 'null' : typeof value}`)
}

/** There is no default scale that would be right for all chains. */
function requirePlace(options: EncodeOptions): EncodeOptions {
  requireObject('options', '{ scale, level? }', options)
  return options
}

const keysExpected = 'evaluation keys { relinearisation, galois }'

function requireGalois(keys: EvaluationKeys): EvaluationKeys {
  requireObject('keys', keysExpected, keys)
  if (typeof keys.galois?.get !== 'function')
    throw new TypeError(
      `"keys.galois" expected the map that createGaloisKeys makes, got ${keys.galois === null ? 'null' : typeof keys.galois}`,
    )
  return keys
}

function requireRelinearisation(keys: EvaluationKeys): EvaluationKeys {
  requireObject('keys', keysExpected, keys)
  return keys
}

/** Opens a context: tables for every prime in one memory. Accepts a literal too. */
export function openCkks(params: Params | ParamsLiteral, options: OpenOptions = {}): Ckks {
  const ring = openSchemeRing('ckks', params, options)
  const top = ring.params.maxLevel
  const own = (name: string, value: Ciphertext): Ciphertext => {
    requireRing(ring, name, value, 'ciphertext')
    return value
  }
  const ownPlain = (name: string, value: Plaintext): Plaintext => {
    requireRing(ring, name, value, 'plaintext')
    return value
  }
  const api: Ckks = {
    ring,
    params: ring.params,
    get memory() {
      return ring.memory
    },
    get threads() {
      return ring.threads
    },
    threadsStarted: ring.threadsStarted,
    together: ring.together,
    interruptible: ring.interruptible,
    [Symbol.dispose]: ring[Symbol.dispose],
    encode: (values, options) => {
      const { level = top, scale } = requirePlace(options)
      return encodeSlots(ring, values, level, scale)
    },
    decode: (plaintext) => decodeSlots(ring, plaintext).re,
    decodeComplex: (plaintext) => decodeSlots(ring, plaintext),
    encodeCoefficients: (values, options) => {
      const { level = top, scale } = requirePlace(options)
      return encodeCoefficients(ring, values, level, scale)
    },
    decodeCoefficients: (plaintext) => decodeCoefficients(ring, plaintext),
    encrypt: (key, plaintext) => encryptPublic({ ring }, key, plaintext),
    add: (a, b) => arithmetic.add(own('a', a), own('b', b)),
    subtract: (a, b) => arithmetic.subtract(own('a', a), own('b', b)),
    negate: (a) => arithmetic.negate(own('a', a)),
    addPlain: (a, b) => arithmetic.addPlain(own('a', a), ownPlain('b', b)),
    subtractPlain: (a, b) => arithmetic.subtractPlain(own('a', a), ownPlain('b', b)),
    addConstant: (a, value) => arithmetic.addConstant(own('a', a), value),
    multiplyPlain: (a, b) => arithmetic.multiplyPlain(own('a', a), ownPlain('b', b)),
    multiplyConstant: (a, value, scale) => arithmetic.multiplyConstant(own('a', a), value, scale),
    multiply: (a, b) => arithmetic.multiply(own('a', a), own('b', b)),
    square: (a) => arithmetic.multiply(own('a', a), a),
    relinearise: (a, keys) => relinearise(own('a', a), requireRelinearisation(keys)),
    rescale: (a) => arithmetic.rescale(own('a', a)),
    dropLevel: (a, level) => arithmetic.dropLevel(own('a', a), level),
    rotate: (a, steps, keys) => rotate(own('a', a), steps, requireGalois(keys)),
    conjugate: (a, keys) => conjugate(own('a', a), requireGalois(keys)),
    hoist: (a) => hoist(own('a', a)),
    rotateHoisted: (hoisted, steps, keys) => {
      requireRing(ring, 'hoisted', hoisted)
      return rotateHoisted(hoisted, steps, requireGalois(keys))
    },
  }
  return traced('ckks', shownAs('Ckks', api))
}
