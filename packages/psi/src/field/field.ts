/**
 * The integers modulo a prime t. Elements are doubles that are integers from 0 to t - 1, so that products are exact; matrices and polynomials add up as
 * many products as fit below 2^53 before they reduce.
 */
export interface Field {
  /** The prime t, 2 to 2^26. */
  readonly t: number
  /** 1/t, rounded. */
  readonly inverse: number
  /** How many products of two elements, and one element, may be added up: the sum stays below 2^53. At least 2. */
  readonly lazy: number
  /** The product of two elements. */
  multiply(a: number, b: number): number
}

/**
 * The field of t elements; that t is prime is the caller's to know.
 * @throws RangeError for a t that is no integer from 2 to 2^26.
 */
export function createField(t: number): Field {
  if (!Number.isInteger(t) || t < 2 || t > 2 ** 26)
    throw new RangeError(`"t" expected a prime from 2 to 2^26, got ${String(t)}`)
  const inverse = 1 / t
  return {
    t,
    inverse,
    lazy: Math.floor((2 ** 53 - t) / (t - 1) ** 2),
    multiply: (a, b) => reduceBy(t, inverse, a * b),
  }
}

/** x modulo t for 0 <= x < 2^53: the quotient is off by one at most, either way. */
export function reduce({ t, inverse }: Field, x: number): number {
  return reduceBy(t, inverse, x)
}

/** As `reduce`, for loops that keep t and 1/t at hand. */
export function reduceBy(t: number, inverse: number, x: number): number {
  const r = x - Math.floor(x * inverse) * t
  return r < 0 ? r + t : r >= t ? r - t : r
}

/** a^e for 0 <= e < 2^31. */
export function power({ t, inverse }: Pick<Field, 't' | 'inverse'>, a: number, e: number): number {
  let [result, square] = [1 % t, a]
  for (let rest = e; rest > 0; rest >>>= 1) {
    if (rest & 1) result = reduceBy(t, inverse, result * square)
    square = reduceBy(t, inverse, square * square)
  }
  return result
}

/**
 * Replaces `count` elements, none of them 0, by their inverses: one power and 3 products for each (Montgomery's trick: P. L. Montgomery, Speeding the Pollard
 * and elliptic curve methods of factorization, 1987, section 10.3.1). `scratch` has room for as many.
 */
export function invertAll({ t, inverse }: Field, values: Float64Array, count: number, scratch: Float64Array): void {
  let product = 1 % t
  for (let i = 0; i < count; i++) {
    scratch[i] = product
    product = reduceBy(t, inverse, product * values[i]!)
  }
  // Fermat: a^(t-2) is the inverse of a.
  let rest = power({ t, inverse }, product, t - 2)
  for (let i = count - 1; i >= 0; i--) {
    const value = values[i]!
    values[i] = reduceBy(t, inverse, rest * scratch[i]!)
    rest = reduceBy(t, inverse, rest * value)
  }
}
