import type { SparseMatrix } from '../tensor/sparse.ts'
import { type AdamOptions, adam } from './adam.ts'
import type { LinearModel } from './linear-model.ts'
import { type MinimiseOptions, minimise } from './minimise.ts'
import type { Step } from './objective.ts'

/** Samples and the classes that they belong to. */
export interface Labelled {
  /** A row a sample. */
  readonly inputs: SparseMatrix
  /** From 0, one for each row. */
  readonly labels: ArrayLike<number>
  /** How many there are. */
  readonly classes: number
}

/** Which model is trained. */
export interface SoftmaxOptions {
  /** The loss is the mean cross-entropy plus decay / 2 times the sum of the squared weights (not of the biases). Default 1e-4. */
  readonly decay?: number
  /** Weight of each row; default 1. The mean is over rows, not over weights. */
  readonly weights?: ArrayLike<number>
}

/** Minimises to the end, on all rows at once. */
export type TrainOptions = SoftmaxOptions & MinimiseOptions
/** Minimises in minibatches: for many rows, where the last digits of the minimum do not matter. */
export type TrainInBatchesOptions = SoftmaxOptions &
  Omit<AdamOptions, 'onEpoch'> & {
    /** After every epoch, with its number, the mean loss, and the model that there is by then. */
    readonly onEpoch?: (step: Omit<Step, 'at'> & { readonly model: LinearModel }) => void
  }

/** Multinomial logistic regression by L-BFGS: one score for each class. Throws RangeError for labels that are no classes. */
export function trainSoftmax(set: Labelled, options: TrainOptions = {}): LinearModel {
  requireLabels(set)
  return modelOf(
    set,
    minimise((at, gradient) => softmaxLoss(set, at, gradient, options), startOf(set), options),
  )
}

/** The same by Adam. */
export function trainSoftmaxInBatches(set: Labelled, options: TrainInBatchesOptions): LinearModel {
  requireLabels(set)
  const objective = (at: Float64Array, gradient: Float64Array, rows: Uint32Array): number =>
    softmaxLoss(set, at, gradient, options, rows)
  const { onEpoch, ...rest } = options
  const found = adam(objective, startOf(set), set.inputs.rows, {
    ...rest,
    ...(onEpoch && { onEpoch: ({ step, loss, at }) => onEpoch({ step, loss, model: modelOf(set, at) }) }),
  })
  return modelOf(set, found)
}

/** Weights first, feature by feature with a number for each class, then biases: one row of data touches what lies together. */
function startOf({ inputs, classes }: Labelled): Float64Array {
  return new Float64Array((inputs.columns + 1) * classes)
}

function modelOf({ inputs: { columns }, classes }: Labelled, numbers: Float64Array): LinearModel {
  const weights = new Float64Array(columns * classes)
  for (let i = 0; i < columns; i++)
    for (let c = 0; c < classes; c++) weights[c * columns + i] = numbers[i * classes + c]!
  return { inputs: columns, outputs: classes, weights, bias: numbers.slice(columns * classes) }
}

/** The loss and its gradient, over all rows or some. */
export function softmaxLoss(
  { inputs: { start, index, value, rows: all, columns }, labels, classes }: Labelled,
  numbers: Float64Array,
  gradient: Float64Array,
  { decay = 1e-4, weights }: SoftmaxOptions = {},
  some?: Uint32Array,
): number {
  gradient.fill(0)
  const count = some?.length ?? all
  const biases = columns * classes
  const scores = new Float64Array(classes)
  let loss = 0
  for (let i = 0; i < count; i++) {
    const row = some ? some[i]! : i
    const [from, to] = [start[row]!, start[row + 1]!]
    for (let c = 0; c < classes; c++) scores[c] = numbers[biases + c]!
    for (let k = from; k < to; k++) {
      const x = value[k]!
      const place = index[k]! * classes
      for (let c = 0; c < classes; c++) scores[c]! += x * numbers[place + c]!
    }
    const label = labels[row]!
    const weight = weights ? weights[row]! : 1
    const own = scores[label]!
    loss += weight * (exponentiate(scores) - own)
    for (let c = 0; c < classes; c++) {
      scores[c] = (weight * (scores[c]! - (c === label ? 1 : 0))) / count
      gradient[biases + c]! += scores[c]!
    }
    for (let k = from; k < to; k++) {
      const x = value[k]!
      const place = index[k]! * classes
      for (let c = 0; c < classes; c++) gradient[place + c]! += x * scores[c]!
    }
  }
  let squares = 0
  for (let i = 0; i < biases; i++) {
    const w = numbers[i]!
    squares += w * w
    gradient[i]! += decay * w
  }
  return loss / count + (decay / 2) * squares
}

/** Scores become probabilities, in place; gives the logarithm of the sum of their exponentials. */
function exponentiate(scores: Float64Array): number {
  let top = scores[0]!
  for (let c = 1; c < scores.length; c++) top = Math.max(top, scores[c]!)
  let sum = 0
  for (let c = 0; c < scores.length; c++) {
    scores[c] = Math.exp(scores[c]! - top)
    sum += scores[c]!
  }
  for (let c = 0; c < scores.length; c++) scores[c]! /= sum
  return top + Math.log(sum)
}

function requireLabels({ inputs, labels, classes }: Labelled): void {
  if (labels.length !== inputs.rows || inputs.rows === 0)
    throw new RangeError(`"labels" expected one for each of ${inputs.rows} rows, got ${labels.length}`)
  const wrong = Array.prototype.findIndex.call(
    labels,
    (label: number) => !(Number.isInteger(label) && label >= 0 && label < classes),
  )
  if (wrong >= 0) throw new RangeError(`"labels[${wrong}]" expected 0 to ${classes - 1}, got ${labels[wrong]}`)
}
