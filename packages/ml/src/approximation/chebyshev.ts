/** A polynomial on an interval: sum of c_k T_k(t), where t goes from -1 to 1 as x goes from low to high. */
export interface Chebyshev {
  /** c_0 … c_degree, at least one. */
  readonly coefficients: Float64Array
  readonly low: number
  /** Above `low`. */
  readonly high: number
}

/** The value at t in [-1, 1], by Clenshaw's recurrence. */
export function clenshaw(coefficients: ArrayLike<number>, t: number): number {
  let b1 = 0
  let b2 = 0
  for (let k = coefficients.length - 1; k > 0; k--) {
    const b0 = coefficients[k]! + 2 * t * b1 - b2
    b2 = b1
    b1 = b0
  }
  return coefficients[0]! + t * b1 - b2
}

/** x -> p(x), also beyond the interval. */
export function evaluatorOf({ coefficients, low, high }: Chebyshev): (x: number) => number {
  const [scale, shift] = [2 / (high - low), (low + high) / (low - high)]
  return (x) => clenshaw(coefficients, scale * x + shift)
}

/** T_0(t) … T_degree(t). */
export function chebyshevRow(t: number, degree: number): Float64Array {
  const row = new Float64Array(degree + 1)
  row[0] = 1
  if (degree > 0) row[1] = t
  for (let k = 2; k <= degree; k++) row[k] = 2 * t * row[k - 1]! - row[k - 2]!
  return row
}

/** Coefficients that are rounding beside the largest become 0, and the last one is none of them: even and odd functions have half as many. */
export function trimmed(coefficients: Float64Array, tolerance = 1e-10): Float64Array {
  const noise = tolerance * coefficients.reduce((most, c) => Math.max(most, Math.abs(c)), 0)
  const kept = coefficients.map((c) => (Math.abs(c) <= noise ? 0 : c))
  let length = kept.length
  while (length > 1 && kept[length - 1] === 0) length--
  return kept.subarray(0, length)
}

/**
 * p(t) = sum over k of (even[k] + odd[k] t) w^k, for w = t² or, better conditioned, w = T_2(t) = 2t² - 1. Both arrays are equally long.
 * In w = T_2: T_2k(t) = T_k(w), and A_k = T_(2k+1)(t) / t has A_0 = 1, A_(k+1) = 2w A_k - A_(k-1), A_(-1) = 1.
 */
export function splitParity(
  coefficients: ArrayLike<number>,
  basis: 'square' | 'T2',
): { readonly even: Float64Array; readonly odd: Float64Array } {
  const length = Math.ceil(coefficients.length / 2)
  // T_2 = slope · w + offset.
  const [slope, offset] = basis === 'square' ? [2, -1] : [1, 0]
  const times = (p: Float64Array): Float64Array => p.map((c, i) => 2 * (offset * c + (i > 0 ? slope * p[i - 1]! : 0)))
  const one = new Float64Array(length).fill(1, 0, 1)
  const sum = (first: Float64Array, before: Float64Array, parity: number): Float64Array => {
    const total = new Float64Array(length)
    let [now, last] = [first, before]
    for (let k = 0; 2 * k + parity < coefficients.length; k++) {
      const c = coefficients[2 * k + parity]!
      now.forEach((v, i) => {
        total[i]! += c * v
      })
      const doubled = times(now)
      ;[now, last] = [doubled.map((v, i) => v - last[i]!), now]
    }
    return total
  }
  const w = times(one).map((v) => v / 2)
  return { even: sum(one, w, 0), odd: sum(one, one, 1) }
}
