import {
  type Bfv,
  type Ciphertext,
  type Ckks,
  GloveboxError,
  type OpenOptions,
  openBfv,
  openCkks,
  type Params,
  type ParamsLiteral,
  type Plaintext,
} from '@glovebox/he'
import type { Encoding } from '../layout/circuit.ts'

/** What programs are run with: real numbers, with noise, or integers modulo t. */
export type SchemeContext = Ckks | Bfv

/**
 * How the numbers of a program become messages of its scheme, and ciphertexts reach lower levels: all in which schemes differ where a circuit is affine.
 * A program has scales in both: in CKKS a ciphertext bears its scale, in BFV it holds the integers that numbers times the scale are rounded to.
 */
export interface Scheme {
  /** Of the parameters of the program. */
  readonly context: SchemeContext
  /** The scale that a ciphertext of numbers at `scale` bears. */
  borne(scale: number): number
  /** Numbers as a message; rounded to multiples of 1 / scale. */
  encode(values: Float64Array, at: { readonly level: number; readonly scale: number }, encoding: Encoding): Plaintext
  /** The numbers of a message at a scale. */
  decode(plaintext: Plaintext, scale: number, encoding: Encoding): Float64Array
  /** The same numbers at a lower level. */
  dropLevel(ct: Ciphertext, level: number): Ciphertext
  /** One level lower: in CKKS divided by the prime that goes, in BFV with noise that is. */
  rescale(ct: Ciphertext): Ciphertext
}

/** Opens a context for the parameters of a program. Throws GloveboxError `unsupported` for those of another scheme than CKKS and BFV. */
export function openContext(params: Params | ParamsLiteral, options: OpenOptions = {}): SchemeContext {
  if (params.scheme === 'ckks') return openCkks(params, options)
  if (params.scheme === 'bfv') return openBfv(params, options)
  throw new GloveboxError('unsupported', `programs are for ckks or bfv, got parameters of ${params.scheme}`)
}

/** The scheme of a context. */
export function schemeOf(context: SchemeContext): Scheme {
  return isBfv(context) ? bfvScheme(context) : ckksScheme(context)
}

/** What only CKKS does: slots, rotations, products. A program that asks others for it was not made here. */
export function requireCkks(context: SchemeContext): Ckks {
  if (!isBfv(context)) return context
  throw new GloveboxError('unsupported', 'programs in BFV are affine maps of coefficients: this one needs CKKS')
}

export function isBfv(context: SchemeContext): context is Bfv {
  return context.params.scheme === 'bfv'
}

function ckksScheme(ckks: Ckks): Scheme {
  return {
    context: ckks,
    borne: (scale) => scale,
    encode: (values, at, encoding) =>
      encoding === 'slots' ? ckks.encode(values, at) : ckks.encodeCoefficients(values, at),
    decode: (plaintext, _scale, encoding) =>
      encoding === 'slots' ? ckks.decode(plaintext) : ckks.decodeCoefficients(plaintext),
    dropLevel: (ct, level) => ckks.dropLevel(ct, level),
    rescale: (ct) => ckks.rescale(ct),
  }
}

function bfvScheme(bfv: Bfv): Scheme {
  return {
    context: bfv,
    borne: () => 1,
    encode: (values, { level, scale }) =>
      bfv.encodeCoefficients(
        values.map((v) => Math.round(v * scale)),
        { level },
      ),
    decode: (plaintext, scale) => bfv.decodeCoefficients(plaintext, { signed: true }).map((v) => v / scale),
    dropLevel: (ct, level) => bfv.switchModulus(ct, level),
    rescale: (ct) => bfv.switchModulus(ct),
  }
}
