import { randomNumbers } from '../tensor/random.ts'
import type { Step } from './objective.ts'

/** The mean of a loss over some rows and its gradient, written into `gradient`. */
export type BatchObjective = (at: Float64Array, gradient: Float64Array, rows: Uint32Array) => number

/** What `adam` may be told. */
export interface AdamOptions {
  /** How often every row is looked at. */
  readonly epochs: number
  /** Rows of one step; default 200. */
  readonly batch?: number
  /** Length of a step at the beginning; it falls along a half cosine to 0. Default 0.01. */
  readonly rate?: number
  /** Of the order of rows; default 1. Same seed, same result. */
  readonly seed?: number
  /** After every epoch, `step` is its number. */
  readonly onEpoch?: (step: Step) => void
}

/** Memory of the mean and of the square of gradients, as published. */
const [keptMean, keptSquare, least] = [0.9, 0.999, 1e-8]

/** Minimises a mean over rows in minibatches: Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), with a falling rate. */
export function adam(objective: BatchObjective, start: Float64Array, rows: number, options: AdamOptions): Float64Array {
  const { epochs, batch = 200, rate = 0.01, seed = 1, onEpoch } = options
  const at = start.slice()
  const gradient = new Float64Array(at.length)
  const [mean, square] = [new Float64Array(at.length), new Float64Array(at.length)]
  const order = Uint32Array.from({ length: rows }, (_, i) => i)
  const random = randomNumbers(seed)
  const total = epochs * Math.ceil(rows / batch)
  let [leftMean, leftSquare, step] = [1, 1, 0]
  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(order, random)
    let loss = 0
    for (let from = 0; from < rows; from += batch) {
      const some = order.subarray(from, from + batch)
      loss += objective(at, gradient, some) * some.length
      leftMean *= keptMean
      leftSquare *= keptSquare
      const length = (rate * (1 + Math.cos((Math.PI * step++) / total))) / 2 / (1 - leftMean)
      const unbias = 1 / (1 - leftSquare)
      for (let i = 0; i < at.length; i++) {
        const g = gradient[i]!
        const m = keptMean * mean[i]! + (1 - keptMean) * g
        const s = keptSquare * square[i]! + (1 - keptSquare) * g * g
        mean[i] = m
        square[i] = s
        at[i]! -= (length * m) / (Math.sqrt(s * unbias) + least)
      }
    }
    onEpoch?.({ step: epoch, loss: loss / rows, at })
  }
  return at
}

/** Fisher and Yates. */
export function shuffle(order: Uint32Array, random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const k = Math.floor(random() * (i + 1))
    const kept = order[i]!
    order[i] = order[k]!
    order[k] = kept
  }
}
