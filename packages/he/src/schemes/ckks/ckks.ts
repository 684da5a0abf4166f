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
  /** An integer from 0 to `params.maxLevel`; default: the top. */
  readonly level?: number
  /** What the message is multiplied by, without unit: finite, from 1 to half the modulus q_0 … q_ℓ of the level. */
  readonly scale: number
}

/**
 * Approximate arithmetic on vectors of N/2 real or complex numbers under encryption. Cheon, Kim, Kim, Song 2016 (eprint 2016/421) in the full-RNS form of
 * Cheon, Han, Kim, Kim, Song 2018 (eprint 2018/931).
 *
 * Every method returns a new value and leaves its operands; all hold memory of the context and may be used with `using`. Operands at different levels meet
 * at the lower one. See {@link Context} for `disposed` and `out-of-memory`.
 */
export interface Ckks extends Context {
  /**
   * Up to N/2 real or complex numbers into the slots, zeros behind them, times the scale and rounded. Slot j is the value at ζ^(3^j), as in SEAL's
   * CKKSEncoder.
   * @throws TypeError for what is no array of numbers or `{ re, im }`, and without options; RangeError for more values than that, real and imaginary parts
   * of different lengths, what is not finite, a level out of range, a scale below 1, and a message whose coefficients times the scale exceed 2^99 or reach
   * half the modulus of the level; GloveboxError `scale-mismatch` for a scale beyond that half.
   */
  encode(values: Slots, options: EncodeOptions): Plaintext
  /**
   * Real parts of the N/2 slots, divided by the scale.
   * @throws TypeError for a value of another kind, GloveboxError `parameters-mismatch` for one of another context.
   */
  decode(plaintext: Plaintext): Float64Array
  /**
   * The N/2 slots as complex numbers, divided by the scale.
   * @throws TypeError for a value of another kind, GloveboxError `parameters-mismatch` for one of another context.
   */
  decodeComplex(plaintext: Plaintext): ComplexSlots
  /**
   * Up to N real coefficients of a polynomial, lowest first, times the scale and rounded: products are convolutions modulo X^N + 1.
   * @throws TypeError for what is no array, and without options; RangeError and GloveboxError `scale-mismatch` as `encode`.
   */
  encodeCoefficients(coefficients: ArrayLike<number>, options: EncodeOptions): Plaintext
  /**
   * The N coefficients, lowest first, divided by the scale.
   * @throws TypeError for a value of another kind, GloveboxError `parameters-mismatch` for one of another context.
   */
  decodeCoefficients(plaintext: Plaintext): Float64Array
  /**
   * Encrypts under a public key, at the level and scale of the plaintext. With the secret key, `encryptSymmetric` of `@glovebox/he/secret` gives half the
   * bytes.
   * @throws TypeError for a value of another kind, GloveboxError `parameters-mismatch` for one of another context.
   */
  encrypt(key: PublicKey, plaintext: Plaintext): Ciphertext

  /**
   * a + b, at the lower level, in as many parts as the longer one.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative), `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  add(a: Ciphertext, b: Ciphertext): Ciphertext
  /**
   * a - b, at the lower level, in as many parts as the longer one.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative), `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  subtract(a: Ciphertext, b: Ciphertext): Ciphertext
  /** -a, at its level and scale. @throws TypeError for an operand of another kind, GloveboxError `parameters-mismatch` for one of another context. */
  negate(a: Ciphertext): Ciphertext
  /**
   * a + b, at the lower level.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative), `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  addPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * a - b, at the lower level.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative), `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  subtractPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * One real number added to every slot, rounded at the scale of `a`.
   * @throws RangeError for what is not finite, or reaches half the modulus of the level at that scale; TypeError for an operand of another kind,
   * GloveboxError `parameters-mismatch` for one of another context.
   */
  addConstant(a: Ciphertext, value: number): Ciphertext
  /**
   * Slot-wise, at the lower level. The scales multiply; rescale when it is time.
   * @throws GloveboxError `scale-mismatch` where the product of the scales exceeds half the modulus, `unsupported` for a value of a trimmed reply,
   * `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  multiplyPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * Slot-wise by one real number, taken as the integer nearest to value times `scale`; the scales multiply. A scale of 1 multiplies by a rounded integer
   * and costs no level.
   * @throws RangeError for a value that is not finite or does not fit half the modulus at `scale`, a scale that is not positive and finite, and a product
   * of the scales below 1; GloveboxError `scale-mismatch` where that exceeds half the modulus; TypeError for an operand of another kind, GloveboxError
   * `parameters-mismatch` for one of another context.
   */
  multiplyConstant(a: Ciphertext, value: number, scale: number): Ciphertext
  /**
   * Slot-wise, at the lower level; the scales multiply. Three parts: relinearise before rotating or multiplying again.
   * @throws GloveboxError `unsupported` for an operand in three parts or of a trimmed reply, `scale-mismatch` where the product of the scales exceeds half
   * the modulus, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  /**
   * The product of a with itself; three parts.
   * @throws GloveboxError `unsupported` for an operand in three parts or of a trimmed reply, `scale-mismatch` where the product of the scales exceeds half
   * the modulus, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  square(a: Ciphertext): Ciphertext
  /**
   * Three parts back to two, at the same level and scale; a copy where there are two already. Hybrid key switching: Han and Ki 2020 (eprint 2019/688),
   * section 3.
   * @throws GloveboxError `missing-key` without relinearisation key or with one for lower levels only, `parameters-mismatch` for an operand or key of
   * another context; TypeError for another kind.
   */
  relinearise(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /**
   * Divides message and scale by the last prime of the level; one level down. Relinearise first: rescaling rounds each part, and the rounding of a third
   * part is multiplied by s^2, which costs about log2(N)/2 bits (7 at N = 8192).
   * @throws GloveboxError `level-exhausted` at level 0, `scale-mismatch` where the scale is smaller than the prime, `parameters-mismatch` for an operand of
   * another context; TypeError for another kind.
   */
  rescale(a: Ciphertext): Ciphertext
  /**
   * To a level from 0 to its own, without dividing: message and scale stay.
   * @throws RangeError for what is no level; GloveboxError `level-exhausted` for a higher one, `scale-mismatch` where the scale exceeds half its modulus,
   * `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  dropLevel(a: Ciphertext, level: number): Ciphertext
  /**
   * Slots to the left by `steps`, any integer, modulo N/2: out[j] = in[j + steps]. Negative steps go right; by 0 it is a copy.
   * @throws GloveboxError `missing-key` without the Galois key of the rotation or with one for lower levels only, `unsupported` for three parts,
   * `parameters-mismatch` for an operand or key of another context; TypeError for steps that are no integer, and for an operand of another kind.
   */
  rotate(a: Ciphertext, steps: number, keys: EvaluationKeys): Ciphertext
  /**
   * Complex conjugates of the slots.
   * @throws GloveboxError `missing-key` without the Galois key of conjugation or with one for lower levels only, `unsupported` for three parts,
   * `parameters-mismatch` for an operand or key of another context; TypeError for another kind.
   */
  conjugate(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /**
   * Decomposes once what many rotations of one ciphertext share; the ciphertext must live as long. Halevi and Shoup 2018 (eprint 2018/244).
   * @throws GloveboxError `unsupported` for three parts, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  hoist(a: Ciphertext): Hoisted
  /**
   * As `rotate`, of a hoisted ciphertext.
   * @throws GloveboxError `missing-key` without the Galois key of the rotation or with one for lower levels only, `parameters-mismatch` for an operand or
   * key of another context; TypeError for steps that are no integer, and for an operand of another kind.
   */
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

/**
 * Opens a context: tables for every prime in one memory. Accepts a literal too; dispose of it to give up memory and threads.
 * @throws TypeError for what is no object, RangeError for a value out of range (see `ParamsLiteral`, {@link OpenOptions}) and for another scheme;
 * GloveboxError `no-primes`, `insecure-parameters`, `out-of-memory`.
 */
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
