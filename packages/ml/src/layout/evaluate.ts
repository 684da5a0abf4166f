import type { Circuit, CircuitStep } from './circuit.ts'
import { collect, repeat, spread } from './layout.ts'
import { applyMap } from './linear-map.ts'

export function evaluateStep(step: CircuitStep, registers: readonly Float64Array[]): Float64Array {
  if (step.op === 'linear') {
    const { bias } = step
    const out = applyMap(step.map, registers[step.input]!)
    if (bias) for (let s = 0; s < out.length; s++) out[s]! += bias[s % bias.length]!
    return out
  }
  const [a, b] = step.inputs.map((i) => registers[i]!) as [Float64Array, Float64Array]
  return step.op === 'add' ? a.map((v, s) => v + b[s]!) : a.map((v, s) => v * b[s]!)
}

/** All registers for one sample, tile after tile: in slots, whole ciphertexts; else one place for each element. */
export function evaluateCircuit(circuit: Circuit, sample: ArrayLike<number>): Float64Array[] {
  const registers = [placed(circuit, sample)]
  for (const step of circuit.steps) registers.push(evaluateStep(step, registers))
  return registers
}

/** A sample as the first register has it. */
export function placed({ packing, input, capacity }: Circuit, sample: ArrayLike<number>): Float64Array {
  const places = spread(input, sample)
  if (packing === 'slots') return repeat(places, capacity)
  // The last ciphertext of coefficients may have places that are not used.
  return places.slice(0, Math.min(places.length, input.size))
}

/** The output of a sample from the last register. */
export function outputOf({ output }: Circuit, register: Float64Array): Float64Array {
  return collect(output, register)
}

/** The same circuit on as few slots as its periods allow: it computes the same, faster. */
export function compact(circuit: Circuit): Circuit {
  if (circuit.packing !== 'slots') return circuit
  const periods = circuit.steps.map((step) =>
    step.op === 'linear' && step.map.kind === 'rotations' ? step.map.diagonals.period : 1,
  )
  return { ...circuit, capacity: Math.max(circuit.input.period, circuit.output.period, ...periods) }
}
