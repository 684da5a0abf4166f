import { type Chebyshev, evaluatorOf, trimmed } from './chebyshev.ts'
import { leastSquares } from './least-squares.ts'
import { minimax } from './minimax.ts'
import { weigh } from './weights.ts'

/** Least squares weighted by values that were seen, or least largest error on the whole interval. */
export type Method = 'least-squares' | 'minimax'

/** A polynomial that stands for a function on an interval. */
export interface Fit extends Chebyshev {
  /** The largest |f - p| on the interval, at 4,097 points. */
  readonly maxError: number
  /** The root of the mean of (f - p)² over the values that were seen. */
  readonly rmsError: number
}

export interface FitOptions {
  readonly method: Method
  readonly degree: number
  /** Whether the values count mirrored too: on an interval around 0, odd functions get odd polynomials and even ones even polynomials. */
  readonly symmetric?: boolean
}

/** Degrees beyond this are no use: their coefficients are lost in noise. */
export const maxDegree = 31

/** The best polynomial of a degree, 0 to 31, for `f` on [low, high], low < high. Its own degree is smaller where the last coefficients are 0. */
export function fit(
  f: (x: number) => number,
  [low, high]: readonly [number, number],
  values: Float64Array,
  { method, degree, symmetric = false }: FitOptions,
): Fit {
  if (!Number.isInteger(degree) || degree < 0 || degree > maxDegree)
    throw new RangeError(`"degree" expected an integer from 0 to ${maxDegree}, got ${String(degree)}`)
  if (!(low < high && Number.isFinite(high - low)))
    throw new RangeError(`"interval" expected [low, high] with low < high, got [${low}, ${high}]`)
  const at = (t: number): number => f((low + high) / 2 + ((high - low) / 2) * t)
  const coefficients = trimmed(
    method === 'minimax'
      ? minimax(at, degree).coefficients
      : leastSquares(at, degree, weigh(values, [low, high], { symmetric })),
  )
  const polynomial: Chebyshev = { coefficients, low, high }
  return { ...polynomial, ...errorsOf(f, evaluatorOf(polynomial), [low, high], values) }
}

/** How far `p` is from `f`: at most on an interval, and on average over values. */
export function errorsOf(
  f: (x: number) => number,
  p: (x: number) => number,
  [low, high]: readonly [number, number],
  values: Float64Array,
): { readonly maxError: number; readonly rmsError: number } {
  let maxError = 0
  for (let i = 0; i <= 4096; i++) {
    const x = low + ((high - low) * i) / 4096
    maxError = Math.max(maxError, Math.abs(f(x) - p(x)))
  }
  let sum = 0
  for (const x of values) sum += (f(x) - p(x)) ** 2
  return { maxError, rmsError: Math.sqrt(sum / Math.max(1, values.length)) }
}
