import { chebyshevCoefficients } from './chebyshev.ts'

/** An odd polynomial near the sign function, in the Chebyshev basis of [-1, 1]. */
export interface MinimaxSign {
  /** c_0 … c_degree, those of even index 0. */
  readonly coefficients: Float64Array
  /** The largest |p(x) - sign(x)| on [-1, -low] and [low, 1]. */
  readonly error: number
}

/**
 * The odd polynomial of a degree that is nearest to the sign function on [-1, -low] ∪ [low, 1], by Remez' exchange.
 * Lee, Lee, No, Kim 2021 (eprint 2020/834), section 3. Odd polynomials x g(x²) of n coefficients satisfy Haar's condition on [low, 1], and all n - 1
 * zeros of the derivative lie there, so the error has n + 1 extrema, the ends among them, and every exchange takes all of them.
 * In doubles: for `low` from 2^-30 and degrees to 63; errors below 2^-46 are not resolved.
 */
export function minimaxSign(degree: number, low: number): MinimaxSign {
  if (!Number.isInteger(degree) || degree < 1 || degree > 63 || degree % 2 === 0)
    throw new RangeError(`"degree" expected an odd number from 1 to 63, got ${String(degree)}`)
  if (!(low >= 2 ** -30 && low < 1))
    throw new RangeError(`"low" expected a number from 2^-30 to below 1, got ${String(low)}`)
  const n = (degree + 1) / 2
  const grid = points(low, 64 * (n + 1))
  // Columns x T_j(u) with u = x² mapped from [low², 1] to [-1, 1]: well conditioned on any interval.
  const basis = (x: number): number[] => {
    const u = (2 * x * x - 1 - low * low) / (1 - low * low)
    const row = [x, x * u]
    for (let j = 2; j < n; j++) row.push(2 * u * row[j - 1]! - row[j - 2]!)
    return row.slice(0, n)
  }
  const value = (weights: readonly number[], x: number): number =>
    basis(x).reduce((sum, b, j) => sum + b * weights[j]!, 0)
  let reference = Array.from({ length: n + 1 }, (_, i) => nodeOf(low, i / n))
  let weights: number[] = []
  let error = 1
  for (let round = 0; round < 60; round++) {
    const solution = solve(reference.map((x, i) => [...basis(x), i % 2 === 0 ? 1 : -1, 1]))
    const levelled = Math.abs(solution[n]!)
    weights = solution.slice(0, n)
    reference = alternation(grid, (x) => value(weights, x) - 1, n + 1)
    error = Math.max(...reference.map((x) => Math.abs(value(weights, x) - 1)))
    if (error - levelled <= 2 ** -40 * levelled + 2 ** -50) break
  }
  // Between 0 and `low` the polynomial climbs without a turn, so it is bounded on all of [-1, 1], and its values there give its coefficients.
  const coefficients = chebyshevCoefficients((x) => Math.sign(x) * value(weights, Math.abs(x)), degree + 1)
  for (let k = 0; k <= degree; k += 2) coefficients[k] = 0
  return { coefficients, error }
}

/** From low to 1 as t goes from 0 to 1, with x² at the extrema of a Chebyshev polynomial of [low², 1]. */
function nodeOf(low: number, t: number): number {
  return Math.sqrt((1 + low * low - (1 - low * low) * Math.cos(Math.PI * t)) / 2)
}

/** Points of [low, 1], ascending, dense at both ends: the extrema crowd towards `low` by ratios and towards 1 as Chebyshev nodes do. */
function points(low: number, count: number): Float64Array {
  const all = new Set<number>()
  for (let i = 0; i <= count; i++) {
    const t = i / count
    all.add(low ** (1 - t))
    all.add(low + (1 - low) * Math.sin((Math.PI / 2) * t))
    all.add(nodeOf(low, t))
  }
  return Float64Array.from(all, (x) => Math.min(1, Math.max(low, x))).sort()
}

/** The `count` largest extrema of alternating sign, refined by parabolas. */
function alternation(grid: Float64Array, f: (x: number) => number, count: number): number[] {
  const values = grid.map(f)
  const found: number[] = []
  for (let start = 0; start < grid.length; ) {
    let end = start
    let best = start
    while (end < grid.length && values[end]! > 0 === values[start]! > 0) {
      if (Math.abs(values[end]!) > Math.abs(values[best]!)) best = end
      end++
    }
    found.push(refine(grid, values, best, f))
    start = end
  }
  // Rounding near the resolution of doubles can add runs: the smallest at an end are let go.
  while (found.length > count) {
    const first = Math.abs(f(found[0]!)) < Math.abs(f(found.at(-1)!))
    if (first) found.shift()
    else found.pop()
  }
  if (found.length < count)
    throw new RangeError(`"degree" is more than doubles resolve: ${found.length} extrema of ${count}`)
  return found
}

/** The top of the parabola through a grid point and its neighbours. */
function refine(grid: Float64Array, values: Float64Array, i: number, f: (x: number) => number): number {
  if (i === 0 || i === grid.length - 1) return grid[i]!
  const [x0, x1, x2] = [grid[i - 1]!, grid[i]!, grid[i + 1]!]
  const [y0, y1, y2] = [values[i - 1]!, values[i]!, values[i + 1]!]
  const left = (x1 - x0) * (y1 - y2)
  const right = (x1 - x2) * (y1 - y0)
  const top = x1 - ((x1 - x0) * left - (x1 - x2) * right) / (2 * (left - right))
  return top > x0 && top < x2 && Math.abs(f(top)) > Math.abs(y1) ? top : x1
}

/** Gauss with partial pivoting; rows hold the right-hand side last. */
function solve(rows: number[][]): number[] {
  const n = rows.length
  for (let k = 0; k < n; k++) {
    let pivot = k
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[pivot]![k]!)) pivot = i
    ;[rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!]
    for (let i = k + 1; i < n; i++) {
      const ratio = rows[i]![k]! / rows[k]![k]!
      for (let j = k; j <= n; j++) rows[i]![j]! -= ratio * rows[k]![j]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let k = n - 1; k >= 0; k--) {
    let sum = rows[k]![n]!
    for (let j = k + 1; j < n; j++) sum -= rows[k]![j]! * x[j]!
    x[k] = sum / rows[k]![k]!
  }
  return x
}
