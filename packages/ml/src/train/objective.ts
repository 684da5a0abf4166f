/** A function of many numbers that is to be made small. Writes the gradient at `at` into `gradient` and gives back the value. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number

/** What is told after each step of a training. */
export interface Step {
  /** From 1. */
  readonly step: number
  /** Value of the objective; of minibatches, the mean over the step. */
  readonly loss: number
  /** The numbers now; they change with the next step. */
  readonly at: Float64Array
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** y += factor · x */
export function addScaled(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i]! += factor * x[i]!
}

export function largestMagnitude(x: Float64Array): number {
  return x.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
}
