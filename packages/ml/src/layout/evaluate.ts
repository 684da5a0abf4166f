import type { Circuit, CircuitStep } from './circuit.ts'
import type { Diagonals } from './diagonals.ts'
import { repeat } from './layout.ts'

/** out[s] = x[s + steps mod length], as a rotated ciphertext has it. The length is a power of two. */
export function rotated(x: Float64Array, steps: number): Float64Array {
  const out = new Float64Array(x.length)
  const first = steps & (x.length - 1)
  out.set(x.subarray(first))
  out.set(x.subarray(0, first), x.length - first)
  return out
}

/**
 * The matrix on a vector of slots; with `squared`, the matrix of its squared weights, which maps independent variances.
 * `keep` leaves diagonals out.
 */
export function applyDiagonals(
  { period, offsets, values, folds }: Diagonals,
  x: Float64Array,
  options: { readonly squared?: boolean; readonly keep?: (offset: number) => boolean } = {},
): Float64Array {
  const out = new Float64Array(x.length)
  const mask = x.length - 1
  offsets.forEach((offset, k) => {
    if (options.keep && !options.keep(offset)) return
    const weights = options.squared ? values[k]!.map((w) => w * w) : values[k]!
    for (let s = 0; s < x.length; s++) out[s]! += weights[s & (period - 1)]! * x[(s + offset) & mask]!
  })
  return folded(out, folds)
}

export function folded(x: Float64Array, folds: readonly number[]): Float64Array {
  return folds.reduce((sum, fold) => {
    const other = rotated(sum, fold)
    return sum.map((v, s) => v + other[s]!)
  }, x)
}

export function evaluateStep(step: CircuitStep, registers: readonly Float64Array[]): Float64Array {
  if (step.op === 'linear') {
    const out = applyDiagonals(step.diagonals, registers[step.input]!)
    if (step.bias) for (let s = 0; s < out.length; s++) out[s]! += step.bias[s & (step.bias.length - 1)]!
    return out
  }
  const [a, b] = step.inputs.map((i) => registers[i]!) as [Float64Array, Float64Array]
  return step.op === 'add' ? a.map((v, s) => v + b[s]!) : a.map((v, s) => v * b[s]!)
}

/** All registers for one period of input slots. */
export function evaluateCircuit(circuit: Circuit, input: Float64Array): Float64Array[] {
  const registers = [repeat(input, circuit.slots)]
  for (const step of circuit.steps) registers.push(evaluateStep(step, registers))
  return registers
}

/** The same circuit on as few slots as its periods allow: it computes the same, faster. */
export function compact(circuit: Circuit): Circuit {
  const periods = circuit.steps.map((step) => (step.op === 'linear' ? step.diagonals.period : 1))
  return { ...circuit, slots: Math.max(circuit.input.period, circuit.output.period, ...periods) }
}
