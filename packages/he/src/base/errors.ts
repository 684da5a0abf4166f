/**
 * States that a program can handle, one code each. Mistakes in arguments are TypeError (kind) or RangeError (value) instead.
 *
 * - `insecure-parameters`: above the limit of the security tables, or INSECURE where that may not be.
 * - `no-primes`: too few primes of a size that are 1 modulo 2N.
 * - `parameters-mismatch`: made under other parameters, in another context, or for another program.
 * - `level-exhausted`: no prime is left to divide by.
 * - `scale-mismatch`: scales that differ, or leave the message no room within the modulus.
 * - `missing-key`: an evaluation key that was not made.
 * - `malformed`: bytes or a file that do not follow their format.
 * - `too-large`: more bytes than the reader accepts.
 * - `unsupported`: right, but not to be had here.
 * - `out-of-memory`: the kernels' memory cannot grow. Dispose of values.
 * - `disposed`: the value, or its context, was disposed of.
 * - `not-found`, `unauthorised`, `unavailable`, `exists`: of models and services.
 */
export type ErrorCode =
  | 'insecure-parameters'
  | 'no-primes'
  | 'parameters-mismatch'
  | 'level-exhausted'
  | 'scale-mismatch'
  | 'missing-key'
  | 'malformed'
  | 'too-large'
  | 'unsupported'
  | 'out-of-memory'
  | 'disposed'
  | 'not-found'
  | 'unauthorised'
  | 'unavailable'
  | 'exists'

/** An error with a `code`; its `name` is 'GloveboxError'. Its message never holds a secret: no coefficient, no plaintext, no key. */
export class GloveboxError extends Error {
  /** What a program tells states apart by; messages may change. */
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GloveboxError'
    this.code = code
  }
}
