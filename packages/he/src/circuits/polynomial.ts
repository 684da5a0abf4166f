import { requireArrayLike, requireObject, typeName } from '../base/require.ts'

/** A real polynomial, coefficients from the constant one up; zeros at the end do not count for its degree. */
export interface Polynomial {
  /** `monomial`: sum c_k x^k. `chebyshev`: sum c_k T_k(t) with t = the interval mapped to [-1, 1]. */
  readonly basis: 'monomial' | 'chebyshev'
  /** c_0 first, at least one; finite numbers. */
  readonly coefficients: ArrayLike<number>
  /** [low, high], finite, low < high: of the Chebyshev basis only; default [-1, 1]. */
  readonly interval?: readonly [number, number]
}

export function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`"${name}" expected a finite number, got ${String(value)}`)
}

/** Coefficients without leading zeros, checked. */
export function checkedCoefficients(polynomial: Polynomial): number[] {
  requireObject('polynomial', '{ basis, coefficients, interval? }', polynomial)
  const { basis, coefficients, interval } = polynomial
  if (basis !== 'monomial' && basis !== 'chebyshev')
    throw new RangeError(
      `"polynomial.basis" expected 'monomial' or 'chebyshev', got ${typeof basis === 'string' ? `'${String(basis)}'` : typeName(basis)}`,
    )
  requireArrayLike('polynomial.coefficients', 'an array of numbers', coefficients)
  if (coefficients.length === 0) throw new RangeError('"polynomial.coefficients" expected at least one, got none')
  const checked = Array.from(coefficients)
  checked.forEach((c, k) => {
    requireFinite(`polynomial.coefficients[${k}]`, c)
  })
  if (interval !== undefined) {
    if (basis === 'monomial') throw new RangeError('"polynomial.interval" expected none in the monomial basis')
    requireArrayLike('polynomial.interval', '[low, high]', interval)
    requireFinite('polynomial.interval[0]', interval[0])
    requireFinite('polynomial.interval[1]', interval[1])
    if (!(interval[0] < interval[1]))
      throw new RangeError(`"polynomial.interval" expected [low, high] with low < high, got [${interval.join(', ')}]`)
  }
  while (checked.length > 1 && checked.at(-1) === 0) checked.pop()
  return checked
}

/** t = factor * x + offset takes the interval to [-1, 1]. */
export function intervalMap({ interval: [low, high] = [-1, 1] }: Polynomial): { factor: number; offset: number } {
  // `+ 0` turns a negative zero into zero.
  return { factor: 2 / (high - low), offset: -(low + high) / (high - low) + 0 }
}

/**
 * p(x) in the clear, x any finite number. Horner; Clenshaw 1955 for the Chebyshev basis.
 * @throws RangeError for another x, no coefficients or ones that are not finite, an unknown basis, an interval that is none or in the monomial basis;
 * TypeError for what is no polynomial.
 */
export function polynomialAt(polynomial: Polynomial, x: number): number {
  const { basis } = polynomial ?? {}
  const coefficients = checkedCoefficients(polynomial)
  requireFinite('x', x)
  if (basis === 'monomial') {
    let sum = 0
    for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k]!
    return sum
  }
  const { factor, offset } = intervalMap(polynomial)
  return clenshaw(coefficients, factor * x + offset)
}

/** sum c_k T_k(t). Clenshaw 1955. */
export function clenshaw(coefficients: ArrayLike<number>, t: number): number {
  let [one, two] = [0, 0]
  for (let k = coefficients.length - 1; k > 0; k--) [one, two] = [coefficients[k]! + 2 * t * one - two, one]
  return (coefficients[0] ?? 0) + t * one - two
}

/**
 * Levels that the evaluation takes: ⌈log2(degree + 1)⌉, and one more for an interval whose map is more than an integer times x and a shift.
 * @throws RangeError for no coefficients or ones that are not finite, an unknown basis, an interval that is none or in the monomial basis; TypeError for
 * what is no polynomial.
 */
export function polynomialDepth(polynomial: Polynomial): number {
  const degree = checkedCoefficients(polynomial).length - 1
  const mapped = polynomial.basis === 'chebyshev' && !Number.isInteger(intervalMap(polynomial).factor)
  return Math.ceil(Math.log2(degree + 1)) + (mapped ? 1 : 0)
}
