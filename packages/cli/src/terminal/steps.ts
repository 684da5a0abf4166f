import type { Column, ColumnEncoding, InputStep, OutputStep } from '@glovebox/ml'
import { shorten, showCount } from './format.ts'

// What the client does in the clear, in words of people who train models; nothing of it is seen by the server.

/** Names that a line lists. */
const mostNames = 8
const longestName = 24

/** A line for each step before encryption. */
export function describeBefore(steps: readonly InputStep[]): string[] {
  return steps.flatMap(describeInput)
}

function describeInput(step: InputStep): string[] {
  switch (step.op) {
    case 'columns':
      return [`takes a row of ${count(step.columns.length, 'column')}: ${list(step.columns.map(nameOf))}`]
    case 'impute':
      return [
        `fills in missing values (${list(step.values.map((value) => (typeof value === 'number' ? short(value) : String(value))))})`,
      ]
    case 'encode':
      return encodings(step.columns)
    case 'scale':
      return [`scales ${count(step.factor.length, 'number')}: (x − offset) · factor`]
    case 'normalise':
      return [`divides each sample by its ${norms[step.norm]}`]
    case 'products':
      return [`multiplies columns to ${count(step.terms.length, 'product')} (polynomial features)`]
    case 'branches':
      return step.branches.flatMap(({ from, steps }) => {
        const some = `${count(from.length, 'column')} of them`
        const own = describeBefore(steps)
        return own.length === 0 ? [`passes on ${some}`] : own.map((line) => `of ${some}: ${line}`)
      })
    case 'hash-text': {
      const [least, most] = step.ngrams
      const words = least === most ? `${least}` : `${least} to ${most}`
      return [`hashes the text, ${words} words at a time, to ${showCount(step.size)} numbers`]
    }
  }
}

/** A line for each step after decryption. */
export function describeAfter(steps: readonly OutputStep[]): string[] {
  return steps.map(describeOutput)
}

function describeOutput(step: OutputStep): string {
  switch (step.op) {
    case 'softmax':
      return step.log ? 'takes the logarithm of the softmax' : 'makes probabilities of the scores (softmax)'
    case 'argmax':
      return 'takes the index of the largest score (argmax)'
    case 'sigmoid':
      return 'makes a probability of each score (logistic function)'
    case 'exp':
      return 'takes the exponential'
    case 'apply':
      return `applies ${step.activation.kind}`
    case 'scale':
      return `multiplies by ${short(step.factor)} and adds ${short(step.offset)}`
    case 'clip':
      return `keeps values from ${short(step.low)} to ${short(step.high)}`
    case 'share':
      return 'divides by the sum, to probabilities'
    case 'total':
      return `adds up the contributions of ${list(step.names)} and ${short(step.bias)}`
    case 'names':
      return `names the values ${list(step.names)}`
    case 'labels':
      return `names the most likely class: ${list(step.names)}`
  }
}

function encodings(columns: readonly ColumnEncoding[]): string[] {
  const of = (kind: ColumnEncoding['kind']): number => columns.filter((column) => column.kind === kind).length
  const all: readonly (readonly [number, string])[] = [
    [of('one-hot'), 'to 0 and 1 for each category (one-hot)'],
    [of('ordinal'), 'to numbers, one for each category'],
    [of('bins'), 'to bins, 1 for the one that a number is in'],
  ]
  return all.filter(([n]) => n > 0).map(([n, what]) => `turns ${count(n, 'column')} ${what}`)
}

function nameOf({ name, values, text }: Column): string {
  if (text) return `${name} (a text)`
  return values ? `${name} (${values.length} categories)` : name
}

const norms = { l1: 'sum of absolute values', l2: 'length', max: 'largest absolute value' } as const

function list(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).map((name) => shorten(name, longestName))
  return shown.join(', ') + (names.length > mostNames ? ` and ${names.length - mostNames} more` : '')
}

function count(n: number, what: string): string {
  return `${showCount(n)} ${what}${n === 1 ? '' : 's'}`
}

/** Four digits that count. */
export function short(x: number): string {
  return String(Number(x.toPrecision(4)))
}
