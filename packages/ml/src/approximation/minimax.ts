import { chebyshevRow, clenshaw } from './chebyshev.ts'

/** The polynomial of least largest error on [-1, 1], and that error. */
export interface Minimax {
  readonly coefficients: Float64Array
  readonly error: number
}

/** Points of the grid for each coefficient. */
const pointsEach = 64
const maxExchanges = 1000

/**
 * The polynomial of a degree that is nearest to a continuous function on [-1, 1], by Remez' exchange of one point at a time, which needs no
 * assumption about the function (Powell, Approximation Theory and Methods, 1981, chapter 8): the levelled error of degree + 2 points grows with every
 * exchange, until it is the largest error.
 */
export function minimax(f: (t: number) => number, degree: number): Minimax {
  const count = degree + 2
  const intervals = pointsEach * count
  const grid = Float64Array.from({ length: intervals + 1 }, (_, i) => -Math.cos((Math.PI * i) / intervals))
  const values = grid.map(f)
  const size = values.reduce((most, v) => Math.max(most, Math.abs(v)), Number.MIN_VALUE)
  let reference = Array.from({ length: count }, (_, i) => -Math.cos((Math.PI * i) / (count - 1)))
  for (let round = 0; ; round++) {
    const { coefficients, levelled } = level(f, reference, degree)
    const error = (t: number): number => f(t) - clenshaw(coefficients, t)
    const worst = worstPoint(grid, values, coefficients, error)
    const largest = Math.abs(error(worst))
    if (largest - Math.abs(levelled) <= 1e-10 * largest + 1e-15 * size || round === maxExchanges)
      return { coefficients, error: largest }
    reference = exchange(reference, levelled, worst, error(worst))
  }
}

/** The polynomial whose error is +levelled, -levelled, … at the reference. */
function level(
  f: (t: number) => number,
  reference: readonly number[],
  degree: number,
): { coefficients: Float64Array; levelled: number } {
  const solution = solve(reference.map((t, i) => [...chebyshevRow(t, degree), i % 2 === 0 ? 1 : -1, f(t)]))
  return { coefficients: Float64Array.from(solution.slice(0, degree + 1)), levelled: solution[degree + 1]! }
}

function worstPoint(
  grid: Float64Array,
  values: Float64Array,
  coefficients: Float64Array,
  error: (t: number) => number,
): number {
  const errors = grid.map((t, i) => Math.abs(values[i]! - clenshaw(coefficients, t)))
  const largest = errors.reduce((most, e) => Math.max(most, e), 0)
  let [worst, at] = [-1, 0]
  // Between points a top may be higher than at them, but not by a hundredth.
  errors.forEach((e, i) => {
    if (e < 0.99 * largest || e < (errors[i - 1] ?? 0) || e < (errors[i + 1] ?? 0)) return
    const top = topBetween(grid[Math.max(0, i - 1)]!, grid[Math.min(grid.length - 1, i + 1)]!, error)
    for (const t of [grid[i]!, top]) if (Math.abs(error(t)) > worst) [worst, at] = [Math.abs(error(t)), t]
  })
  return at
}

/** Where an error that has one top between two points is largest, be it a kink: ternary search. */
function topBetween(from: number, to: number, error: (t: number) => number): number {
  let [low, high] = [from, to]
  for (let step = 0; step < 40; step++) {
    const [left, right] = [low + (high - low) / 3, high - (high - low) / 3]
    if (Math.abs(error(left)) > Math.abs(error(right))) high = right
    else low = left
  }
  return (low + high) / 2
}

/** The worst point takes the place of a neighbour of its sign, so that signs go on alternating. */
function exchange(reference: readonly number[], levelled: number, worst: number, error: number): number[] {
  const signOf = (i: number): number => (i % 2 === 0 ? 1 : -1) * (levelled < 0 ? -1 : 1)
  const next = [...reference]
  const after = reference.findIndex((t) => t >= worst)
  const sign = Math.sign(error)
  const last = reference.length - 1
  if (after < 0) return signOf(last) === sign ? [...next.slice(0, -1), worst] : [...next.slice(1), worst]
  if (after === 0) return signOf(0) === sign ? [worst, ...next.slice(1)] : [worst, ...next.slice(0, -1)]
  next[signOf(after) === sign ? after : after - 1] = worst
  return next
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
