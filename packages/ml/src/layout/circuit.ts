import type { LinearPlan } from '@glovebox/he'
import type { Diagonals } from './diagonals.ts'
import type { Layout } from './layout.ts'

/** out = diagonals(in) + bias. Register 0 is the input; step i writes register i + 1. */
export interface LinearStep {
  readonly op: 'linear'
  readonly name: string
  readonly input: number
  readonly diagonals: Diagonals
  readonly plan: LinearPlan
  /** One period of the output; undefined where it is 0. */
  readonly bias: Float64Array | undefined
}
/** Slot by slot; both inputs the same for a square. */
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

/** A model on vectors of slots, before levels and scales. The last register is the output. */
export interface Circuit {
  readonly slots: number
  readonly input: Layout
  readonly output: Layout
  readonly steps: readonly CircuitStep[]
  /** Nodes of the lowered graph that the registers hold. */
  readonly nodes: readonly number[]
  /** Why it is laid out like this, for people. */
  readonly notes: readonly string[]
}

export function inputsOf(step: CircuitStep): readonly number[] {
  return step.op === 'linear' ? [step.input] : step.inputs
}

/** Cost of a baby in units of a giant, as `planLinear` has it, and of a multiplication by a diagonal; see the cost table. */
const babyCost = 0.2
const diagonalCost = 0.03

/** The work of a circuit in units of one rotation. */
export function circuitCost(circuit: Circuit): number {
  return circuit.steps.reduce((sum, step) => {
    if (step.op !== 'linear') return sum
    const babies = step.plan.babies.filter((steps) => steps !== 0).length
    const giants = step.plan.giants.filter((steps) => steps !== 0).length
    const { offsets, folds } = step.diagonals
    return sum + babyCost * babies + giants + folds.length + diagonalCost * offsets.length
  }, 0)
}

/** How a plan makes a rotation: the first pair of giant and baby that fits, in the order that they are encoded in. */
export function splitOffset(plan: LinearPlan, offset: number, slots: number): { giant: number; baby: number } {
  for (const giant of plan.giants) {
    for (const baby of plan.babies) if ((giant + baby) % slots === offset) return { giant, baby }
  }
  throw new RangeError(`"plan" has no baby and giant for rotation ${offset}`)
}
