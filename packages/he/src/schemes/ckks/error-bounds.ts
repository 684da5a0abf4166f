import type { Params } from '../../params/params.ts'
import type { EncodeOptions } from './ckks.ts'
import type { Slots } from './encoder.ts'
import type { ErrorTerms } from './error-terms.ts'

/** What is known of a plaintext or ciphertext before there is one. */
export interface Bound {
  /** What it stands for. */
  readonly kind: 'plaintext' | 'ciphertext'
  /** ℓ, from 0 to `params.maxLevel`, as the value would have it. */
  readonly level: number
  /** At least 1, as the value would have it. */
  readonly scale: number
  /** Polynomials, as the value would have it; 1 for a plaintext. */
  readonly parts: 1 | 2 | 3
  /** No slot of the message is larger in absolute value: from 0, in units of the message. */
  readonly magnitude: number
  /** No slot is further off: from 0, in units of the message; Infinity where the message may not fit the modulus of the level. */
  readonly error: number
  /** The sources of noise that the error comes from; not for use outside. */
  readonly terms: ErrorTerms
}

/** A split into baby and giant steps, as `planLinear` makes it: every rotation is one of each, modulo N/2. */
export interface LinearSteps {
  /** Rotations of the input, in slots, 0 to N/2 - 1. */
  readonly babies: readonly number[]
  /** Rotations of partial sums, in slots, 0 to N/2 - 1, ascending. */
  readonly giants: readonly number[]
}

/** A linear transform: for each giant step, bounds of the weights that its babies meet. See `encodeLinear`. */
export interface LinearBound {
  /** Of the ciphertexts that it is applied to, 0 to `params.maxLevel`. */
  readonly level: number
  /** Of the weights, at least 1. */
  readonly scale: number
  /** For each giant step (in slots) its weights, by baby. */
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
  /**
   * The probability that a bound may fail with over all slots, between 0 and 1 (exclusive): of each source of noise for `worst`, of each value for
   * `expected`. Default 2^-40.
   */
  readonly failure?: number
}

/**
 * CKKS on bounds in place of ciphertexts: the operations have the names and rules of {@link Ckks}, so a program written for one runs on the other, and
 * tells its error before anything is encrypted. Keys may be passed and are ignored.
 */
export interface ErrorBounds {
  /** The parameters that it is for: CKKS, checked. */
  readonly params: Params
  /**
   * Of a vector, or of all vectors whose slots stay below a magnitude. For `expected`, rounding is random but for the harmonics of the largest slot, so a
   * magnitude should be one that is reached: a single slot of far less than that loses more to rounding, which only `worst` covers.
   * @throws TypeError for what is neither, and without options; RangeError for what is not finite, a level out of range or a scale below 1; GloveboxError
   * `scale-mismatch` for a scale beyond half the modulus of the level.
   */
  encode(values: Slots | number, options: EncodeOptions): Bound
  /** Under a public key: 2 parts. @throws TypeError for what is no bound of a plaintext. */
  encrypt(plaintext: Bound): Bound
  /** Under the secret key: 2 parts. @throws TypeError for what is no bound of a plaintext. */
  encryptSymmetric(plaintext: Bound): Bound
  /** Decryption adds no error. @throws TypeError for what is no bound of a ciphertext. */
  decrypt(ciphertext: Bound): Bound
  /**
   * Of the decoded slots, in units of the message: `magnitude` of what was meant, `error` of what comes out.
   * @throws TypeError for what is no bound of a plaintext.
   */
  decode(plaintext: Bound): { readonly magnitude: number; readonly error: number }

  /**
   * See `Ckks.add`.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative); TypeError for what is no bound of a ciphertext.
   */
  add(a: Bound, b: Bound): Bound
  /**
   * See `Ckks.subtract`.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative); TypeError for what is no bound of a ciphertext.
   */
  subtract(a: Bound, b: Bound): Bound
  /** See `Ckks.negate`: the same bound. @throws TypeError for what is no bound of a ciphertext. */
  negate(a: Bound): Bound
  /**
   * See `Ckks.addPlain`.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative); TypeError for what is no bound of the kind.
   */
  addPlain(a: Bound, b: Bound): Bound
  /**
   * See `Ckks.subtractPlain`.
   * @throws GloveboxError `scale-mismatch` for scales that differ by more than 2^-40 (relative); TypeError for what is no bound of the kind.
   */
  subtractPlain(a: Bound, b: Bound): Bound
  /**
   * See `Ckks.addConstant`; a sum that may not fit gives an error of Infinity.
   * @throws RangeError for a value that is not finite; TypeError for what is no bound of a ciphertext.
   */
  addConstant(a: Bound, value: number): Bound
  /**
   * See `Ckks.multiplyPlain`.
   * @throws GloveboxError `scale-mismatch` where the product of the scales exceeds half the modulus, RangeError where it exceeds a double; TypeError for
   * what is no bound of the kind.
   */
  multiplyPlain(a: Bound, b: Bound): Bound
  /**
   * See `Ckks.multiplyConstant`; a product that may not fit gives an error of Infinity.
   * @throws RangeError for a value that is not finite, a scale that is not positive and finite, and a product of the scales below 1; GloveboxError
   * `scale-mismatch` where that exceeds half the modulus; TypeError for what is no bound of a ciphertext.
   */
  multiplyConstant(a: Bound, value: number, scale: number): Bound
  /**
   * See `Ckks.multiply`: 3 parts.
   * @throws GloveboxError `unsupported` for three parts, `scale-mismatch` where the product of the scales exceeds half the modulus, RangeError where it
   * exceeds a double; TypeError for what is no bound of a ciphertext.
   */
  multiply(a: Bound, b: Bound): Bound
  /**
   * See `Ckks.square`: 3 parts.
   * @throws GloveboxError `unsupported` for three parts, `scale-mismatch` where the product of the scales exceeds half the modulus, RangeError where it
   * exceeds a double; TypeError for what is no bound of a ciphertext.
   */
  square(a: Bound): Bound
  /**
   * See `Ckks.relinearise`.
   * @throws GloveboxError `missing-key` for three parts where the parameters have no special prime; TypeError for what is no bound of a ciphertext.
   */
  relinearise(a: Bound, keys?: unknown): Bound
  /**
   * See `Ckks.rescale`.
   * @throws GloveboxError `level-exhausted` at level 0, `scale-mismatch` where the scale is smaller than the prime; TypeError for what is no bound of a
   * ciphertext.
   */
  rescale(a: Bound): Bound
  /**
   * See `Ckks.dropLevel`.
   * @throws RangeError for what is no level; GloveboxError `level-exhausted` for a higher one, `scale-mismatch` where the scale exceeds half its modulus;
   * TypeError for what is no bound of a ciphertext.
   */
  dropLevel(a: Bound, level: number): Bound
  /**
   * See `Ckks.rotate`; by 0 the same bound.
   * @throws GloveboxError `unsupported` for three parts, `missing-key` where the parameters have no special prime; TypeError for what is no bound of a
   * ciphertext, and for steps that are no integer.
   */
  rotate(a: Bound, steps: number, keys?: unknown): Bound
  /**
   * See `Ckks.conjugate`.
   * @throws GloveboxError `unsupported` for three parts, `missing-key` where the parameters have no special prime; TypeError for what is no bound of a
   * ciphertext.
   */
  conjugate(a: Bound, keys?: unknown): Bound
  /** See `Ckks.hoist`: the same bound. @throws GloveboxError `unsupported` for three parts; TypeError for what is no bound of a ciphertext. */
  hoist(a: Bound): Bound
  /**
   * See `Ckks.rotateHoisted`; by 0 the same bound.
   * @throws GloveboxError `unsupported` for three parts, `missing-key` where the parameters have no special prime; TypeError for what is no bound of a
   * ciphertext, and for steps that are no integer.
   */
  rotateHoisted(hoisted: Bound, steps: number, keys?: unknown): Bound

  /**
   * As `encodeLinear`, with the largest absolute weight of each diagonal, by rotation in slots from 0 to N/2 - 1.
   * @throws TypeError for what is no map, plan or object; RangeError for no diagonal, one that the plan does not reach, and as `encode`; GloveboxError
   * `scale-mismatch` as `encode`.
   */
  encodeLinear(
    diagonals: ReadonlyMap<number, number>,
    plan: LinearSteps,
    options: { readonly level: number; readonly scale: number },
  ): LinearBound
  /**
   * As `applyLinear`. A bound for it and for ways that round less.
   * @throws GloveboxError `level-exhausted` at another level than the transform's, `scale-mismatch` where the product of the scales exceeds half the
   * modulus, `unsupported` for three parts, `missing-key` where the parameters have no special prime; TypeError for what is no bound of a ciphertext, or no
   * transform.
   */
  applyLinear(a: Bound, transform: LinearBound, keys?: unknown): Bound

  /**
   * The same value where more is known of the message: T_n(x) of |x| <= 1 stays below 1, whatever the sum of its terms. A magnitude above the known one
   * changes nothing.
   * @throws RangeError for a magnitude that is no number from 0; TypeError for what is no bound.
   */
  assume(a: Bound, magnitude: number): Bound
}
