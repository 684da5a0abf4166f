/** How near outputs are to those that they should be. */
export interface Accuracy {
  /** Root of the mean squared error over that of the outputs. */
  readonly relativeError: number
  /** The largest error over the largest |output|. */
  readonly maxError: number
  /** Of several outputs: the share of samples whose largest output is the same one. */
  readonly agreement?: number
}

/** Compares outputs, sample after sample of `size` numbers each. What is not finite is an infinite error. */
export function accuracyOf(expected: Float64Array, actual: Float64Array, size: number): Accuracy {
  let [squares, total, worst, largest] = [0, 0, 0, Number.MIN_VALUE]
  expected.forEach((v, i) => {
    const error = Math.abs(actual[i]! - v)
    squares += error * error
    total += v * v
    worst = Math.max(worst, error)
    largest = Math.max(largest, Math.abs(v))
  })
  const finite = (v: number): number => (Number.isNaN(v) ? Infinity : v)
  const relativeError = finite(Math.sqrt(squares / Math.max(total, Number.MIN_VALUE)))
  const accuracy = { relativeError, maxError: finite(worst / largest) }
  if (size === 1) return accuracy
  const samples = expected.length / size
  let same = 0
  for (let s = 0; s < samples; s++)
    if (largestAt(expected, s * size, size) === largestAt(actual, s * size, size)) same++
  return { ...accuracy, agreement: same / samples }
}

function largestAt(values: Float64Array, first: number, size: number): number {
  let best = 0
  for (let i = 1; i < size; i++) if (values[first + i]! > values[first + best]!) best = i
  return best
}
