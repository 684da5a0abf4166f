import type { Params } from '../params/params.ts'

/**
 * How large the error in a slot may get, from the theory, in the canonical embedding.
 *
 * A polynomial whose n coefficients are independent with variance v has a value of variance n*v at each root of unity. Products of values of
 * one, two or three such polynomials stay below 6, 16 and 40 times the product of their standard deviations but with probability below 2^-50
 * or so (Gentry, Halevi, Smart 2012, eprint 2012/099, appendix A.5).
 *
 * All results are in units of the scaled message: divide by the scale.
 */
const one = 6
const two = 16
const three = 40

const errorVariance = 10.5
const ternaryVariance = 2 / 3
const roundingVariance = 1 / 12

/** Rounding the coefficients of a message. */
export function encodingBound(n: number): number {
  return one * Math.sqrt(n * roundingVariance)
}

/** e. */
export function symmetricBound(n: number): number {
  return one * Math.sqrt(n * errorVariance)
}

/** e u + e_0 + e_1 s. */
export function publicBound(n: number): number {
  const product = two * Math.sqrt(n * errorVariance * n * ternaryVariance)
  return Math.SQRT2 * product + symmetricBound(n)
}

/** Rounding of every part: t_0 + t_1 s (+ t_2 s^2), |t| <= 1/2. */
export function roundingBound(n: number, parts: 2 | 3): number {
  const rounding = n * roundingVariance
  const secret = n * ternaryVariance
  const linear = one * Math.sqrt(rounding) + two * Math.sqrt(rounding * secret)
  return parts === 2 ? linear : linear + three * Math.sqrt(rounding) * secret
}

/** The sum over digits of digit times error, divided by P, and the rounding of the division. A digit is uniform in (-D/2, D/2). */
export function keySwitchBound(params: Params, level: number): number {
  const { ringDegree: n, digitSize } = params
  const log2P = params.special.reduce((sum, p) => sum + Math.log2(p), 0)
  let squares = 0
  for (let first = 0; first <= level; first += digitSize) {
    const digit = params.primes.slice(first, Math.min(first + digitSize, level + 1))
    const log2D = digit.reduce((sum, p) => sum + Math.log2(p), 0)
    squares += 2 ** (2 * (log2D - log2P)) * n * roundingVariance * n * errorVariance
  }
  return two * Math.sqrt(squares) + roundingBound(n, 2)
}

/** What doubles round away in encoding and decoding values up to `magnitude`; in units of the message itself. */
export function doubleBound(magnitude: number): number {
  return magnitude * 2 ** -48
}
