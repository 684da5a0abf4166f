/** States that a program can handle, one code each. Mistakes in arguments are TypeError or RangeError instead. */
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

/** An error with a `code`. Its message never holds a secret: no coefficient, no plaintext, no key. */
export class GloveboxError extends Error {
  /** What a program can tell states apart by. */
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GloveboxError'
    this.code = code
  }
}
