import type { Params } from '../../params/params.ts'
import type { EncodeOptions } from './ckks.ts'
import type { Slots } from './encoder.ts'
import type { ErrorTerms } from './error-terms.ts'

/** What is known of a plaintext or ciphertext before there is one. */
export interface Bound {
  /** What it stands for. */
  readonly kind: 'plaintext' | 'ciphertext'
  /** As the value would have it. */
  readonly level: number
  /** As the value would have it. */
  readonly scale: number
  /** As the value would have it; 1 for a plaintext. */
  readonly parts: 1 | 2 | 3
  /** No slot of the message is larger, in absolute value. */
  readonly magnitude: number
  /** No slot is further off; Infinity where the message may not fit the modulus of the level. In units of the message. */
  readonly error: number
  /** The sources of noise that the error comes from. */
  readonly terms: ErrorTerms
}

/** A split into baby and giant steps, as `planLinear` makes it. */
export interface LinearSteps {
  /** Rotations of the input, in slots. */
  readonly babies: readonly number[]
  /** Rotations of partial sums, in slots. */
  readonly giants: readonly number[]
}

/** A linear transform: for each giant step, bounds of the weights that its babies meet. See `encodeLinear`. */
export interface LinearBound {
  /** Of the ciphertexts that it is applied to. */
  readonly level: number
  /** Of the weights. */
  readonly scale: number
  /** For each giant step its weights, by baby. */
  readonly giants: readonly {
    readonly steps: number
    readonly terms: readonly { readonly baby: number; readonly weights: Bound }[]
  }[]
}

/** What a bound is to hold for. */
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
