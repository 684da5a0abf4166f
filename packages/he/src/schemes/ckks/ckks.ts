import { openBackend } from '../../backend/open.ts'
import { checkedParams, type Params, type ParamsLiteral } from '../../params/params.ts'
import { openRing, type Ring } from '../../ring/ring.ts'
import type { Ciphertext, Plaintext } from '../../rlwe/ciphertext.ts'
import { requireRing } from '../../rlwe/ciphertext.ts'
import { encryptPublic } from '../../rlwe/encrypt-public.ts'
import { conjugate, type Hoisted, hoist, rotate, rotateHoisted } from '../../rlwe/galois.ts'
import type { EvaluationKeys, PublicKey } from '../../rlwe/keys.ts'
import { relinearise } from '../../rlwe/relinearise.ts'
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
  readonly level?: number
  readonly scale: number
}

/**
 * Approximate arithmetic on vectors of N/2 real or complex numbers under encryption.
 * Cheon, Kim, Kim, Song 2016 (eprint 2016/421) in the full-RNS form of Cheon, Han, Kim, Kim, Song 2018 (eprint 2018/931).
 *
 * Every method returns a new value and leaves its operands; all hold memory of the context and may be used with `using`.
 * Operands at different levels meet at the lower one.
 */
export interface Ckks {
  readonly ring: Ring
  readonly params: Params
  encode(values: Slots, options: EncodeOptions): Plaintext
  /** Real parts of the slots. */
  decode(plaintext: Plaintext): Float64Array
  decodeComplex(plaintext: Plaintext): ComplexSlots
  encodeCoefficients(coefficients: ArrayLike<number>, options: EncodeOptions): Plaintext
  decodeCoefficients(plaintext: Plaintext): Float64Array
  /** Encrypts under a public key. With the secret key, `encryptSymmetric` of `@glovebox/he/secret` gives half the bytes. */
  encrypt(key: PublicKey, plaintext: Plaintext): Ciphertext

  add(a: Ciphertext, b: Ciphertext): Ciphertext
  subtract(a: Ciphertext, b: Ciphertext): Ciphertext
  negate(a: Ciphertext): Ciphertext
  addPlain(a: Ciphertext, b: Plaintext): Ciphertext
  subtractPlain(a: Ciphertext, b: Plaintext): Ciphertext
  addConstant(a: Ciphertext, value: number): Ciphertext
  /** The scales multiply; rescale when it is time. */
  multiplyPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /** Slot-wise by one real number, taken at `scale`. A scale of 1 multiplies by a rounded integer and costs no level. */
  multiplyConstant(a: Ciphertext, value: number, scale: number): Ciphertext
  /** Three parts: relinearise before rotating or multiplying again. */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  square(a: Ciphertext): Ciphertext
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
  conjugate(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /** Decomposes once what many rotations of one ciphertext share. */
  hoist(a: Ciphertext): Hoisted
  rotateHoisted(hoisted: Hoisted, steps: number, keys: EvaluationKeys): Ciphertext
}

export interface OpenOptions {
  /** Default `auto`: the fastest that this engine runs. `reference` is bigint, for checking. */
  readonly backend?: 'auto' | 'wasm-fused' | 'wasm' | 'reference'
}

/** Opens a context: tables for every prime in one memory. Accepts a literal too. */
export function openCkks(params: Params | ParamsLiteral, options: OpenOptions = {}): Ckks {
  const checked = checkedParams(params)
  if (checked.scheme !== 'ckks') throw new RangeError(`"params.scheme" expected 'ckks', got '${checked.scheme}'`)
  const ring = openRing(checked, openBackend(options.backend ?? 'auto'))
  const top = checked.maxLevel
  const own = (name: string, value: Ciphertext): Ciphertext => {
    requireRing(ring, name, value, 'ciphertext')
    return value
  }
  const ownPlain = (name: string, value: Plaintext): Plaintext => {
    requireRing(ring, name, value, 'plaintext')
    return value
  }
  return {
    ring,
    params: checked,
    encode: (values, { level = top, scale }) => encodeSlots(ring, values, level, scale),
    decode: (plaintext) => decodeSlots(ring, plaintext).re,
    decodeComplex: (plaintext) => decodeSlots(ring, plaintext),
    encodeCoefficients: (values, { level = top, scale }) => encodeCoefficients(ring, values, level, scale),
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
    relinearise: (a, keys) => relinearise(own('a', a), keys),
    rescale: (a) => arithmetic.rescale(own('a', a)),
    dropLevel: (a, level) => arithmetic.dropLevel(own('a', a), level),
    rotate: (a, steps, keys) => rotate(own('a', a), steps, keys),
    conjugate: (a, keys) => conjugate(own('a', a), keys),
    hoist: (a) => hoist(own('a', a)),
    rotateHoisted: (hoisted, steps, keys) => {
      requireRing(ring, 'hoisted', hoisted)
      return rotateHoisted(hoisted, steps, keys)
    },
  }
}
