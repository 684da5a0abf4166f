import { errorVariance, secretVariance } from '../params/distributions.ts'
import type { Params } from '../params/params.ts'

/**
 * How large the noise of each operation gets in a slot: in the canonical embedding, in units of the scaled message.
 *
 * A polynomial with n independent coefficients of variance v has a value of variance n v at each root of unity, close to a complex normal
 * one, and uncorrelated from root to root. This is the heuristic of Gentry, Halevi, Smart 2012 (eprint 2012/099, appendix A.5), of Kim,
 * Papadimitriou, Polyakov 2020 (eprint 2020/1118) and, for averages, of Costache et al. 2022 (eprint 2022/162). Where they take 6, 16 and
 * 40 standard deviations for values of one, two and three polynomials, `tails` solves for a stated probability.
 */

/** Of what rounding to integers takes away. */
const roundingVariance = 1 / 12

/** What a bound may fail with, over all slots of one polynomial. */
export const defaultFailure: number = 2 ** -40

/**
 * Bounds in standard deviations that |X|, |X Y| and |X Y^2| pass in one of n/2 slots with probability `failure`, for independent
 * complex normal X and Y: P(|X| > t) = e^(-t^2); P(|X Y| > t) = 2 t K_1(2 t), about sqrt(pi t) e^(-2 t); and
 * P(|X Y^2| > t) is the integral of e^(-u - t^2/u^2), by Laplace's method about sqrt(2 pi u / 3) e^(-3 u / 2) at u^3 = 2 t^2.
 */
export function tails(n: number, failure: number = defaultFailure): { one: number; two: number; three: number } {
  const exponent = Math.log(n / 2 / failure)
  let two = exponent / 2
  let u = exponent / 1.5
  for (let i = 0; i < 20; i++) {
    two = (exponent + Math.log((1 + 3 / (16 * two)) * Math.sqrt(Math.PI * two))) / 2
    u = (exponent + Math.log((2 * Math.PI * u) / 3) / 2) / 1.5
  }
  return { one: Math.sqrt(exponent), two, three: Math.sqrt(u ** 3 / 2) }
}

/**
 * Rounding the coefficients of a message whose largest slot, scaled, has the absolute value `size`.
 *
 * One slot alone makes coefficients that are a cosine of amplitude A = 2 size / n, and what rounding takes from a cosine is not random: its
 * harmonics fall into single slots. Measured for n from 2^8 to 2^15 and A from 2^-2 to 2^24, they stay below 0.7 n / (2 sqrt(A)), and below that of
 * more slots at once, which dither each other. Nothing exceeds n / 2, the sum of all coefficients.
 */
export function encodingBound(n: number, size: number = Infinity, failure?: number): number {
  if (size === 0) return 0
  const random = tails(n, failure).one * Math.sqrt(n * roundingVariance)
  return Math.min(n / 2, random + n / 2 / Math.sqrt((2 * size) / n))
}

/** e. */
export function symmetricBound(n: number, failure?: number): number {
  return tails(n, failure).one * Math.sqrt(n * errorVariance)
}

/** e u + e_0 + e_1 s. */
export function publicBound(n: number, failure?: number): number {
  const product = Math.sqrt(2 * n * errorVariance * n * secretVariance)
  return tails(n, failure).two * product + symmetricBound(n, failure)
}

/** Rounding of every part: t_0 + t_1 s (+ t_2 s^2), |t| <= 1/2. */
export function roundingBound(n: number, parts: 2 | 3, failure?: number): number {
  const rounding = Math.sqrt(n * roundingVariance)
  const secret = n * secretVariance
  const { one, two, three } = tails(n, failure)
  const linear = one * rounding + two * rounding * Math.sqrt(secret)
  return parts === 2 ? linear : linear + three * rounding * secret
}

/**
 * The sum over digits of digit times error, divided by P, and the rounding of the division. A digit of product D is uniform in (-D/2, D/2);
 * the last digit of a level may be short.
 */
export function keySwitchBound(params: Params, level: number, failure?: number): number {
  const { ringDegree: n, digitSize } = params
  const log2P = params.special.reduce((sum, p) => sum + Math.log2(p), 0)
  let squares = 0
  for (let first = 0; first <= level; first += digitSize) {
    const digit = params.primes.slice(first, Math.min(first + digitSize, level + 1))
    const log2D = digit.reduce((sum, p) => sum + Math.log2(p), 0)
    squares += 2 ** (2 * (log2D - log2P)) * n * roundingVariance * n * errorVariance
  }
  return tails(n, failure).two * Math.sqrt(squares) + roundingBound(n, 2, failure)
}

/** What doubles round away in encoding or decoding values up to `magnitude`; in units of the message itself. */
export function doubleBound(magnitude: number): number {
  return magnitude * 2 ** -48
}
