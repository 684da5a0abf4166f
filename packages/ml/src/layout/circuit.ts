import type { Layout } from './layout.ts'
import type { LinearMap } from './linear-map.ts'

/** How samples lie in ciphertexts; see layout/layout.ts. */
export type Packing = 'coefficient' | 'slots' | 'batch'
/** Whether numbers are coefficients of the message polynomial, or its values at roots of unity, which products work on. */
export type Encoding = 'coefficients' | 'slots'

/** out = map(in) + bias. Register 0 is the input; step i writes register i + 1. */
export interface LinearStep {
  readonly op: 'linear'
  readonly name: string
  readonly input: number
  readonly map: LinearMap
  /** One period of every tile of the output; undefined where it is 0. */
  readonly bias: Float64Array | undefined
}
/** Place by place; both inputs the same for a square. */
export interface MultiplyStep {
  readonly op: 'multiply'
  readonly name: string
  readonly inputs: readonly [number, number]
}
export interface AddStep {
  readonly op: 'add'
  readonly name: string
  readonly inputs: readonly [number, number]
}
export type CircuitStep = LinearStep | MultiplyStep | AddStep

/** A model on the places of ciphertexts, before levels and scales. The last register is the output. */
export interface Circuit {
  readonly packing: Packing
  readonly encoding: Encoding
  /** Numbers that a ciphertext holds: N in coefficients, N/2 in slots. */
  readonly capacity: number
  readonly input: Layout
  readonly output: Layout
  readonly steps: readonly CircuitStep[]
  /** Ciphertexts of every register. */
  readonly tiles: readonly number[]
  /** Why it is laid out like this, for people. */
  readonly notes: readonly string[]
}

export function inputsOf(step: CircuitStep): readonly number[] {
  return step.op === 'linear' ? [step.input] : step.inputs
}

/** Cost of a baby in units of a giant, as `planLinear` has it, and of a multiplication by a diagonal; see the cost table. */
const babyCost = 0.2
const diagonalCost = 0.03

/** The work of a circuit in slots, in units of one rotation. */
export function rotationCost(circuit: Circuit): number {
  return circuit.steps.reduce((sum, step) => {
    if (step.op !== 'linear' || step.map.kind !== 'rotations') return sum
    const { diagonals, plan } = step.map
    const babies = plan.babies.filter((steps) => steps !== 0).length
    const giants = plan.giants.filter((steps) => steps !== 0).length
    const products = diagonals.blocks.reduce((all, { offsets }) => all + offsets.length, 0)
    const own = diagonals.blocks.length * (babyCost * babies + giants)
    return sum + own + diagonals.targets * diagonals.folds.length + diagonalCost * products
  }, 0)
}
