import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Circuit } from '../layout/circuit.ts'
import { inputsOf } from '../layout/circuit.ts'
import type { Timing } from '../program/program.ts'

/** A circuit with its levels. */
export interface TimedCircuit {
  readonly circuit: Circuit
  readonly timing: readonly Timing[]
}

/** Scales of all registers and of the weights of all linear steps (1 for others). */
export interface Scales {
  readonly register: Float64Array
  readonly weights: Float64Array
}

/** Registers whose scale can be chosen: the input, products that have a linear step on at least one side, the output where it is linear. */
export function freeRegisters({ steps }: Circuit): number[] {
  const scaled = new Set([0])
  const free = [0]
  steps.forEach((step, i) => {
    if (step.op !== 'multiply') return
    if (step.inputs.some((input) => !scaled.has(input))) free.push(i + 1)
    for (const register of [...step.inputs, i + 1]) scaled.add(register)
  })
  if (steps.length > 0 && steps.at(-1)!.op !== 'multiply') free.push(steps.length)
  return free
}

/**
 * Chooses the scale of every linear step's weights so that the free registers get exactly the scales wanted, whatever the primes are:
 * nothing drifts. A product of two linear values splits what is missing so that both have the same size.
 */
export function assignScales(
  { circuit, timing }: TimedCircuit,
  primes: readonly number[],
  magnitude: Float64Array,
  wanted: ReadonlyMap<number, number>,
): Scales {
  const { steps } = circuit
  const register = new Float64Array(steps.length + 1)
  const weights = new Float64Array(steps.length).fill(1)
  const divisor = (i: number): number => (timing[i]!.rescale ? primes[timing[i]!.level]! : 1)
  const settle = (at: number, scale: number): void => {
    if (register[at] !== 0) return
    register[at] = scale
    const step = steps[at - 1]!
    if (step.op === 'linear') weights[at - 1] = (scale * divisor(at - 1)) / register[step.input]!
    else for (const input of inputsOf(step)) settle(input, scale)
  }
  register[0] = wanted.get(0)!
  steps.forEach((step, i) => {
    if (step.op !== 'multiply') return
    const [a, b] = step.inputs
    const target = wanted.get(i + 1)
    if (target !== undefined) {
      const product = target * divisor(i)
      const ratio = magnitude[b]! / magnitude[a]!
      if (register[a] === 0 && register[b] === 0 && a !== b) settle(a, Math.sqrt(product * ratio))
      if (a === b) settle(a, Math.sqrt(product))
      else if (register[a] === 0) settle(a, product / register[b]!)
      else settle(b, product / register[a]!)
    }
    register[i + 1] = (register[a]! * register[b]!) / divisor(i)
  })
  const last = steps.length
  const target = wanted.get(last)
  if (target !== undefined) settle(last, target)
  return { register, weights }
}

/**
 * By how many bits the tightest value misses its modulus, with `headroom` bits above the calibrated magnitude and one for the sign:
 * at most 0 where everything fits.
 */
export function overflow(
  { circuit, timing }: TimedCircuit,
  chain: readonly number[],
  reach: Pick<Sensitivity, 'magnitude' | 'largestWeight'>,
  scales: Scales,
  headroom: number,
): number {
  const { magnitude } = reach
  const room: number[] = []
  for (const bits of chain) room.push((room.at(-1) ?? 0) + bits)
  // A scale must fit by itself too.
  const need = (at: number): number =>
    Math.log2(scales.register[at]!) + Math.max(Math.log2(magnitude[at]!) + headroom, 0) + 1
  let worst = need(circuit.steps.length) - room[0]!
  circuit.steps.forEach((step, i) => {
    const { level, rescale } = timing[i]!
    for (const input of inputsOf(step)) worst = Math.max(worst, need(input) - room[level]!)
    worst = Math.max(worst, need(i + 1) - room[level - (rescale ? 1 : 0)]!)
    // Weights must fit as well; beyond 2^99 the encoder refuses.
    if (step.op === 'linear') {
      const bits = Math.log2(scales.weights[i]! * Math.max(1, reach.largestWeight[i]!)) + 1
      worst = Math.max(worst, bits - Math.min(room[level]!, 90))
    }
  })
  return worst
}
