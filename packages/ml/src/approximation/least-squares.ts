import { chebyshevRow } from './chebyshev.ts'
import type { Weights } from './weights.ts'

/**
 * The coefficients c_0 … c_degree of least sum of weight · (f(t) - p(t))², by orthogonalisation of the basis at the points (modified Gram and Schmidt,
 * Björck 1967), which keeps the digits that normal equations lose. There must be more points than coefficients.
 */
export function leastSquares(f: (t: number) => number, degree: number, { t, weight }: Weights): Float64Array {
  const roots = weight.map(Math.sqrt)
  const rows = Array.from(t, (point) => chebyshevRow(point, degree))
  const columns = Array.from({ length: degree + 1 }, (_, k) => roots.map((root, i) => root * rows[i]![k]!))
  const rest = roots.map((root, i) => root * f(t[i]!))
  const upper: Float64Array[] = []
  const projected = new Float64Array(degree + 1)
  columns.forEach((column, k) => {
    const length = Math.sqrt(dot(column, column))
    const unit = column.map((v) => v / length)
    upper[k] = new Float64Array(degree + 1)
    upper[k][k] = length
    for (let j = k + 1; j <= degree; j++) upper[k][j] = remove(columns[j]!, unit)
    projected[k] = remove(rest, unit)
  })
  const c = new Float64Array(degree + 1)
  for (let k = degree; k >= 0; k--) {
    let sum = projected[k]!
    for (let j = k + 1; j <= degree; j++) sum -= upper[k]![j]! * c[j]!
    c[k] = sum / upper[k]![k]!
  }
  return c
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Takes the part along a unit vector away, and says how long it was. */
function remove(from: Float64Array, unit: Float64Array): number {
  const along = dot(from, unit)
  for (let i = 0; i < from.length; i++) from[i]! -= along * unit[i]!
  return along
}
