import type { LinearModel } from './linear-model.ts'
import { minimise } from './minimise.ts'
import type { Labelled, TrainOptions } from './softmax.ts'

/** Logistic regression of two classes, by L-BFGS: one score, the log-odds of class 1. The loss is that of `trainSoftmax`. */
export function trainLogistic(set: Omit<Labelled, 'classes'>, options: TrainOptions = {}): LinearModel {
  const { columns } = set.inputs
  const found = minimise(
    (at, gradient) => logisticLoss(set, at, gradient, options),
    new Float64Array(columns + 1),
    options,
  )
  return { inputs: columns, outputs: 1, weights: found.slice(0, columns), bias: found.slice(columns) }
}

/** The loss and its gradient: weights first, then the bias. */
export function logisticLoss(
  { inputs: { start, index, value, rows, columns }, labels }: Omit<Labelled, 'classes'>,
  numbers: Float64Array,
  gradient: Float64Array,
  { decay = 1e-4, weights }: TrainOptions = {},
): number {
  gradient.fill(0)
  let loss = 0
  for (let row = 0; row < rows; row++) {
    let score = numbers[columns]!
    for (let k = start[row]!; k < start[row + 1]!; k++) score += value[k]! * numbers[index[k]!]!
    const weight = weights ? weights[row]! : 1
    // Cross-entropy is log(1 + e^-m) of the margin m, written so that nothing overflows.
    const margin = labels[row] === 1 ? score : -score
    loss += weight * (Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin))))
    const slope = (weight * (1 / (1 + Math.exp(-score)) - labels[row]!)) / rows
    for (let k = start[row]!; k < start[row + 1]!; k++) gradient[index[k]!]! += slope * value[k]!
    gradient[columns]! += slope
  }
  let squares = 0
  for (let i = 0; i < columns; i++) {
    squares += numbers[i]! ** 2
    gradient[i]! += decay * numbers[i]!
  }
  return loss / rows + (decay / 2) * squares
}
