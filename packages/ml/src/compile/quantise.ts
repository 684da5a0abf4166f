import { integersOf, isMultiple, largestResult, multipleTolerance } from '../program/integers.ts'
import type { IntegerInput, PixelScaling } from '../program/program.ts'
import type { AffineMap } from '../tensor/affine.ts'
import type { SparseMatrix } from '../tensor/sparse.ts'

/** An affine map on integers that stays near enough to the one on real numbers. */
export interface Quantised {
  /** Integers for 1 of the input. */
  readonly inputScale: number
  /** What is taken. */
  readonly integers: IntegerInput
  /** Integers for 1 of a weight. */
  readonly weightScale: number
  /** Weights as integers. */
  readonly matrix: SparseMatrix
  /** The most that an output of any input in range differs from that of the real map. */
  readonly error: number
  /** The largest |integer| of inputs and results. */
  readonly largest: number
}

/** The largest step that samples are looked at for: 1/this. */
const finestStep = 4096
/** Scales are tried four to a power of two. */
const perOctave = 4
/** What may be paid, in integers, for weights that are not rounded at all. */
const dearest = 16
/** Larger integers than these would not be exact in doubles as sums. */
const largestScale = 2 ** 40

/** The least number of integers for 1 that make all samples integers; undefined where there is none. */
export function stepOf(samples: readonly Float64Array[], pixels: PixelScaling | undefined): number | undefined {
  const perByte = pixels && Math.abs(1 / pixels.scale)
  const candidates = Array.from({ length: finestStep }, (_, i) => i + 1)
  if (perByte !== undefined && perByte <= finestStep && !Number.isInteger(perByte)) candidates.push(perByte)
  return candidates.find((scale) => samples.every((sample) => sample.every((v) => isMultiple(v, scale))))
}

/** What is asked of `quantise`. */
export interface QuantiseOptions {
  /** Of the samples that it is calibrated on. */
  readonly range: { readonly low: number; readonly high: number }
  /** What `stepOf` has found. */
  readonly step: number | undefined
  /** What the range is widened by, to 2^headroom of its width; default: 1, or 0 where inputs are multiples of a step. */
  readonly headroom: number | undefined
  /** Samples in a sum. */
  readonly summands: number
  /** The most that an output may be off. */
  readonly error: number
}

/**
 * Rounds inputs and weights no more finely than an error allows that holds for all inputs in range; undefined where integers would be too large for doubles.
 * With e = w - W/s the rounding of a weight, the error of an output is Σ w (x - X/S) + Σ e X/S + (b - B/(sS)): each sum is bounded by the range of x.
 */
export function quantise({ matrix, bias }: AffineMap, options: QuantiseOptions): Quantised | undefined {
  const { range, step, summands, error } = options
  const norm = largestNorm(matrix)
  // Half of the error for inputs, half for weights.
  const rounding = upward((summands * norm) / error)
  const multiples = step !== undefined && step <= 2 * rounding
  const inputScale = multiples ? step : rounding
  const width = 2 ** (options.headroom ?? (multiples ? 0 : 1))
  const more = ((width - 1) * (range.high - range.low)) / 2
  const ends = [(range.low - more) * inputScale, (range.high + more) * inputScale] as const
  const [low, high] = multiples ? [Math.round(ends[0]), Math.round(ends[1])] : [Math.floor(ends[0]), Math.ceil(ends[1])]
  // A sum may be of fewer samples too.
  const [least, most] = [Math.min(low, summands * low), Math.max(high, summands * high)]
  const largestInput = Math.max(Math.abs(least), Math.abs(most))
  const inputError = (summands * norm * (multiples ? multipleTolerance * Math.max(1, largestInput) : 0.5)) / inputScale
  const left = error - inputError
  // Errors of weights are a quarter of a step in the mean, and cancel by half: from well below that.
  const widest = (widestRow(matrix) * largestInput) / inputScale
  const attempt = (weightScale: number): Quantised => {
    const value = integersOf(matrix.value, weightScale)
    const biases = integersOf(bias, weightScale * inputScale)
    const off = { ...matrix, value: matrix.value.map((w, i) => (w - value[i]! / weightScale) / inputScale) }
    const offBias = bias.map((b, j) => b - biases[j]! / (weightScale * inputScale))
    const rounded = { ...matrix, value }
    return {
      inputScale,
      integers: { low: least / inputScale, high: most / inputScale, multiples },
      weightScale,
      matrix: rounded,
      error: inputError + largestResult(off, offBias, [least, most]),
      largest: Math.max(largestInput, largestResult(rounded, biases, [least, most])),
    }
  }
  // Points of scorecards are multiples of something already.
  const own = stepOf([matrix.value, bias], undefined)
  for (let k = Math.floor(perOctave * Math.log2(widest / 64 / left)); ; k++) {
    const weightScale = upward(2 ** (k / perOctave))
    if (!(weightScale * inputScale < largestScale)) return undefined
    if (own !== undefined && own <= dearest * weightScale) {
      const found = attempt(own)
      if (found.error <= error) return found
    }
    const found = attempt(weightScale)
    if (found.error <= error) return found
  }
}

/** An integer, where there is one near above: shorter to say, and as good. */
function upward(scale: number): number {
  return scale > 64 ? Math.ceil(scale) : 2 ** (Math.ceil(perOctave * Math.log2(scale)) / perOctave)
}

/** The largest Σ |w| of a row. */
function largestNorm({ rows, start, value }: SparseMatrix): number {
  let largest = 0
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let k = start[row]!; k < start[row + 1]!; k++) sum += Math.abs(value[k]!)
    largest = Math.max(largest, sum)
  }
  return largest
}

/** The most weights of a row. */
function widestRow({ rows, start }: SparseMatrix): number {
  let most = 1
  for (let row = 0; row < rows; row++) most = Math.max(most, start[row + 1]! - start[row]!)
  return most
}
