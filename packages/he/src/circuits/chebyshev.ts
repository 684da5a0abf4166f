import { requireArrayLike, requireFunction } from '../base/require.ts'
import { clenshaw, type Polynomial, requireFinite } from './polynomial.ts'

/** A Chebyshev polynomial and how far it is from the function that it stands for. */
export interface Approximation extends Polynomial {
  /** Coefficients are those of T_0 … T_degree. */
  readonly basis: 'chebyshev'
  /** [low, high], low < high: where it stands for the function. */
  readonly interval: readonly [number, number]
  /** The largest |f - p| on a grid of 32 points a coefficient, from 0; nothing is said about the outside. */
  readonly error: number
}

/** Coefficients c with f(cos θ) = sum c_k cos(kθ), for an f of degree below `count`: its values at `count` Chebyshev nodes, transformed. */
export function chebyshevCoefficients(f: (t: number) => number, count: number): Float64Array {
  const values = Float64Array.from({ length: count }, (_, j) => f(Math.cos((Math.PI * (j + 0.5)) / count)))
  return values.map((_, k) => {
    let sum = 0
    // Angles are reduced as integers: (j + 1/2) k / count modulo 4 count half steps.
    for (let j = 0; j < count; j++)
      sum += values[j]! * Math.cos((Math.PI * (((2 * j + 1) * k) % (4 * count))) / (2 * count))
    return (k === 0 ? 1 : 2) * (sum / count)
  })
}

/**
 * The polynomial of a degree, 0 to 2047, that equals `f` at the Chebyshev nodes of an interval: within a factor of 2 + 2/π log(degree + 1) of the best one
 * (Trefethen, Approximation Theory and Approximation Practice, theorem 15.2). Coefficients that are nothing but rounding (2^-50 of the largest) become 0,
 * so that odd and even functions cost less.
 * @throws RangeError for an empty interval, a degree out of range, and a function that is not finite on the interval; TypeError for what is no function or
 * interval.
 */
export function chebyshevInterpolation(
  f: (x: number) => number,
  interval: readonly [number, number],
  degree: number,
): Approximation {
  requireFunction('f', 'a function of one number', f)
  requireArrayLike('interval', '[low, high]', interval)
  const [a, b] = interval
  requireFinite('interval[0]', a)
  requireFinite('interval[1]', b)
  if (!(a < b)) throw new RangeError(`"interval" expected [low, high] with low < high, got [${a}, ${b}]`)
  if (!Number.isInteger(degree) || degree < 0 || degree > 2047)
    throw new RangeError(`"degree" expected an integer from 0 to 2047, got ${String(degree)}`)
  const at = (t: number): number => {
    const x = (a + b) / 2 + ((b - a) / 2) * t
    const y = f(x)
    if (!Number.isFinite(y)) throw new RangeError(`"f" expected to be finite on the interval, got ${String(y)} at ${x}`)
    return y
  }
  const coefficients = chebyshevCoefficients(at, degree + 1)
  const noise = 2 ** -50 * Math.max(...coefficients.map(Math.abs))
  coefficients.forEach((c, k) => {
    if (Math.abs(c) <= noise) coefficients[k] = 0
  })
  const points = 32 * (degree + 1) + 1
  let error = 0
  for (let i = 0; i < points; i++) {
    const t = Math.cos((Math.PI * i) / (points - 1))
    error = Math.max(error, Math.abs(at(t) - clenshaw(coefficients, t)))
  }
  return { basis: 'chebyshev', coefficients: Array.from(coefficients), interval: [a, b], error }
}
