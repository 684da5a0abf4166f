import type { Answer } from '@glovebox/ml'
import { largest } from '../terminal/outputs.ts'

/** What the same samples gave, encrypted and in the clear. */
export interface Comparison {
  readonly samples: number
  /** Which of the two kinds of models it is: classes are right or wrong, numbers are near or far. */
  readonly kind: 'classes' | 'numbers'
  /** Shares of classes that are right, or root mean squared errors of numbers; null where the truth is not known. */
  readonly encrypted: number | null
  readonly clear: number | null
  /** Samples whose classes are the same; null of numbers. */
  readonly agree: number | null
  /** Of an output, the largest anywhere; and the largest output. */
  readonly largestDifference: number
  readonly largestOutput: number
}

/** The class of an answer: its label, or the place of the largest of several outputs; undefined of one number. */
export function classOf({ label, values }: Answer): string | undefined {
  if (label !== undefined) return label
  return values.length > 1 ? String(largest(values)) : undefined
}

export interface Side {
  readonly outputs: readonly ArrayLike<number>[]
  readonly answers: readonly Answer[]
}

/** `truth` has a text for each sample, or is undefined. Of regressions with several outputs none is chosen: they have no score. */
export function compare(encrypted: Side, clear: Side, truth: readonly string[] | undefined): Comparison {
  let [largestDifference, largestOutput] = [0, 0]
  clear.outputs.forEach((row, i) => {
    for (let k = 0; k < row.length; k++) {
      const off = Math.abs(row[k]! - encrypted.outputs[i]![k]!)
      // NaN must not pass for no difference.
      largestDifference = off <= largestDifference ? largestDifference : off
      largestOutput = Math.max(largestOutput, Math.abs(row[k]!))
    }
  })
  const samples = clear.answers.length
  const classes = clear.answers.map(classOf)
  const found = encrypted.answers.map(classOf)
  const kind = classes.every((one) => one !== undefined) ? 'classes' : 'numbers'
  const shared = { samples, kind, largestDifference, largestOutput } as const
  if (kind === 'classes') {
    const share = (labels: readonly (string | undefined)[]): number | null =>
      truth ? labels.filter((label, i) => label === truth[i]).length / samples : null
    const agree = classes.filter((label, i) => label === found[i]).length
    return { ...shared, encrypted: share(found), clear: share(classes), agree }
  }
  const error = ({ answers }: Side): number | null => {
    const numbers = truth?.map(Number)
    if (!numbers || numbers.some((value) => !Number.isFinite(value))) return null
    return Math.sqrt(answers.reduce((sum, { values }, i) => sum + (values[0]! - numbers[i]!) ** 2, 0) / samples)
  }
  return { ...shared, encrypted: error(encrypted), clear: error(clear), agree: null }
}

/** The value below which a share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
