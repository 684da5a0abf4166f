import { GloveboxError } from '@glovebox/he'
import type { SparseMatrix } from '../tensor/sparse.ts'
import type { LinearModel } from './linear-model.ts'

/** The normal equations take a matrix of columns by columns. */
const mostColumns = 4096

/**
 * Linear regression with squared weights held down: minimises the sum of squared errors plus alpha times the sum of squared weights (not of the bias),
 * exactly, by the Cholesky factors of the normal equations. `alpha` above 0 makes them regular. Throws GloveboxError `too-large` above 4,096 columns.
 */
export function trainRidge(inputs: SparseMatrix, targets: ArrayLike<number>, alpha = 1): LinearModel {
  const { rows, columns: n, start, index, value } = inputs
  if (targets.length !== rows || rows === 0)
    throw new RangeError(`"targets" expected one for each of ${rows} rows, got ${targets.length}`)
  if (!(alpha > 0 && alpha < Infinity)) throw new RangeError(`"alpha" expected a number above 0, got ${alpha}`)
  if (n > mostColumns)
    throw new GloveboxError('too-large', `ridge regression takes at most ${mostColumns} columns, got ${n}`)
  const means = new Float64Array(n)
  for (let k = 0; k < index.length; k++) means[index[k]!]! += value[k]! / rows
  const mean = Float64Array.from(targets).reduce((sum, v) => sum + v, 0) / rows
  // Centred, so that the bias has nothing to hold down.
  const matrix = new Float64Array(n * n)
  const right = new Float64Array(n)
  const row = new Float64Array(n)
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < n; i++) row[i] = -means[i]!
    for (let k = start[r]!; k < start[r + 1]!; k++) row[index[k]!]! += value[k]!
    const target = targets[r]! - mean
    for (let i = 0; i < n; i++) {
      const x = row[i]!
      right[i]! += x * target
      for (let j = 0; j <= i; j++) matrix[i * n + j]! += x * row[j]!
    }
  }
  for (let i = 0; i < n; i++) matrix[i * n + i]! += alpha
  solve(matrix, right)
  const bias = right.reduce((sum, w, i) => sum - w * means[i]!, mean)
  return { inputs: n, outputs: 1, weights: right, bias: Float64Array.of(bias) }
}

/** Solves A x = b for a symmetric positive definite A, of which the lower half is given; both are overwritten, b by x. */
function solve(a: Float64Array, b: Float64Array): void {
  const n = b.length
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i]! -= a[i * n + k]! * b[k]!
    b[i]! /= a[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i]! -= a[k * n + i]! * b[k]!
    b[i]! /= a[i * n + i]!
  }
}
