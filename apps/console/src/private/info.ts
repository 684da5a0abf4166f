import type { AnyModel, EncryptedModel } from '@glovebox/client'
import { short, showCount } from '../format.ts'
import type { ColumnInfo, ModelInfo } from './types.ts'

type Part = EncryptedModel<AnyModel>['part']
type Before = Part['input']['before'][number]
type After = Part['output']['after'][number]

/** What the public part of a model says, for people. */
export function infoOf(part: Part): ModelInfo {
  const [first] = part.input.before
  const { scheme, ringDegree, modulusBits, specialBits, security = '128-classical' } = part.params
  const columns = first?.op === 'columns' ? first.columns.filter((column) => !column.unused) : undefined
  const [only] = columns ?? []
  return {
    name: part.name,
    digest: Array.from(part.digest, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    packing: part.packing,
    scheme,
    ringDegree,
    modulusBits: [...modulusBits, ...specialBits].reduce((sum, bits) => sum + bits, 0),
    security,
    inputShape: part.input.shape,
    outputShape: part.output.shape,
    ...(columns && { columns: columns.map(columnOf) }),
    takesText: first?.op === 'hash-text' || (columns?.length === 1 && only?.text === true),
    inputSize: part.input.layout.size,
    calibrated: part.input.calibrated,
    first: part.input.before.flatMap(describeFirst),
    last: part.output.after.map(describeLast),
    keyBytes: part.cost.keyBytes,
    keyCount: part.keys.rotations.length + (part.keys.relinearisation === undefined ? 0 : 1),
    expectedMs: part.cost.milliseconds,
    relativeError: part.report.relativeError,
  }
}

type ColumnStep = Extract<Before, { op: 'columns' }>['columns'][number]

function columnOf({ name, values, text }: ColumnStep): ColumnInfo {
  return { name, ...(values && { values }), ...(text && { text }) }
}

function describeFirst(step: Before): string[] {
  switch (step.op) {
    case 'columns':
      return []
    case 'impute':
      return ['fills in missing values']
    case 'encode':
      return [`turns ${step.columns.length} columns into zeros, ones and codes`]
    case 'scale':
      return [`scales ${showCount(step.factor.length)} numbers`]
    case 'normalise':
      return ['divides by the length of the sample']
    case 'products':
      return [`multiplies columns to ${step.terms.length} products`]
    case 'branches':
      return [...new Set(step.branches.flatMap(({ steps }) => steps.flatMap(describeFirst)))]
    case 'hash-text':
      return [`hashes words and pairs of words to ${showCount(step.size)} numbers`]
  }
}

function describeLast(step: After): string {
  switch (step.op) {
    case 'softmax':
      return 'makes probabilities of the scores (softmax)'
    case 'sigmoid':
      return 'makes a probability of the score (logistic function)'
    case 'total':
      return `adds up ${step.names.length} contributions and ${short(step.bias)}`
    case 'exp':
      return 'takes the exponential'
    case 'labels':
      return 'names the most likely class'
    case 'names':
      return 'names the values'
    case 'argmax':
      return 'takes the index of the largest score'
    case 'scale':
      return `multiplies by ${short(step.factor)} and adds ${short(step.offset)}`
    case 'clip':
      return `keeps values from ${short(step.low)} to ${short(step.high)}`
    case 'share':
      return 'divides by the sum'
    case 'apply':
      return `applies ${step.activation.kind}`
  }
}
