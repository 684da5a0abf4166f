import { functionOf } from '../graph/activation.ts'
import type { Along, OutputStep } from './steps.ts'

/** What a client makes of a decrypted output. */
export interface Answer {
  /** The output behind all steps: numbers, or probabilities. */
  readonly values: readonly number[]
  /** Whether the values are probabilities. Of two classes there are two, also where the model computes one. */
  readonly probabilities: boolean
  /** What each value is called, where the model says so. */
  readonly names?: readonly string[]
  /** The class that is most likely, of models that know classes. */
  readonly label?: string
  /** What each feature adds to the total, of models that say so: before a link such as the logistic function. */
  readonly contributions?: readonly { readonly name: string; readonly value: number }[]
}

/**
 * The answer of a model, from the output of its graph. Throws RangeError where steps do not fit the number of outputs; an answer is
 * made of decrypted values and as secret as they are.
 */
export function runAfter(steps: readonly OutputStep[], output: ArrayLike<number>): Answer {
  return steps.reduce(runStep, { values: Array.from(output), probabilities: false })
}

function runStep(answer: Answer, step: OutputStep): Answer {
  const { values } = answer
  switch (step.op) {
    case 'softmax':
      return {
        ...answer,
        values: inGroups(values, step.along, (group) => softmax(group, step.log)),
        probabilities: !step.log && !step.along,
      }
    case 'argmax':
      return {
        ...answer,
        values: inGroups(values, step.along, (group) => [largest(group, step.last)]),
        probabilities: false,
      }
    case 'sigmoid':
      return { ...answer, values: values.map(sigmoid), probabilities: true }
    case 'exp':
      return { ...answer, values: values.map(Math.exp) }
    case 'apply':
      return { ...answer, values: values.map(functionOf(step.activation)) }
    case 'scale':
      return { ...answer, values: values.map((v) => v * step.factor + step.offset) }
    case 'clip':
      return { ...answer, values: values.map((v) => Math.max(step.low, Math.min(step.high, v))) }
    case 'share':
      return { ...answer, values: shares(values), probabilities: true }
    case 'total': {
      requireCount(step.names, values)
      const contributions = values.map((value, i) => ({ name: step.names[i]!, value }))
      return { ...answer, values: [values.reduce((sum, v) => sum + v, step.bias)], contributions }
    }
    case 'names':
      requireCount(step.names, values)
      return { ...answer, names: step.names }
    case 'labels':
      return label(answer, step.names, step.threshold ?? 0)
  }
}

function requireCount(names: readonly string[], values: readonly number[]): void {
  if (names.length !== values.length) {
    throw new RangeError(
      `"output" expected ${names.length} values (${names.slice(0, 8).join(', ')}), got ${values.length}`,
    )
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** Shifted by the largest, so that nothing overflows. */
function softmax(values: readonly number[], log = false): number[] {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity)
  const exponentials = values.map((v) => Math.exp(v - top))
  if (!log) return values.length === 1 ? [1] : shares(exponentials)
  const total = Math.log(exponentials.reduce((a, b) => a + b, 0))
  return values.map((v) => v - top - total)
}

function largest(values: readonly number[], last = false): number {
  return values.reduce((best, v, i) => (v > values[best]! || (last && v === values[best]) ? i : best), 0)
}

/** Applies a function to each group along an axis; its results keep the places of the groups. */
function inGroups(
  values: readonly number[],
  along: Along | undefined,
  f: (group: readonly number[]) => readonly number[],
): readonly number[] {
  if (!along) return f(values)
  const { length, stride } = along
  if (values.length % (length * stride) !== 0)
    throw new RangeError(`"output" expected a multiple of ${length} x ${stride} values, got ${values.length}`)
  const out: number[] = []
  for (let g = 0; g < values.length / length; g++) {
    const outer = Math.floor(g / stride)
    const first = outer * length * stride + (g % stride)
    const made = f(Array.from({ length }, (_, k) => values[first + k * stride]!))
    made.forEach((v, k) => {
      out[outer * made.length * stride + (g % stride) + k * stride] = v
    })
  }
  return out
}

function shares(values: readonly number[]): number[] {
  if (values.length === 1) return [...values]
  const sum = values.reduce((a, b) => a + b, 0)
  return values.map((v) => (sum === 0 ? 1 / values.length : v / sum))
}

function label(answer: Answer, names: readonly string[], threshold: number): Answer {
  const { values, probabilities } = answer
  if (values.length === 1 && names.length === 2) {
    const [value] = values
    const chosen = { ...answer, label: names[value! > threshold ? 1 : 0]! }
    return probabilities ? { ...chosen, values: [1 - value!, value!], names } : chosen
  }
  requireCount(names, values)
  return { ...answer, names, label: names[largest(values)]! }
}
