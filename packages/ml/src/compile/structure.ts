import type { ParamsLiteral } from '@glovebox/he'
import type { Circuit } from '../layout/circuit.ts'
import { type Program, type ProgramStep, type ReplyForm, timed } from '../program/program.ts'
import { type CostTable, costOf, type Priced } from '../run/cost.ts'
import type { TimedCircuit } from './scales.ts'
import { linearClasses, patientProducts, type Schedule, timeSteps } from './timing.ts'

/** All about a program that is chosen before the sizes of its primes. */
export interface Structure extends TimedCircuit {
  readonly inputLevel: number
  readonly relinearise: Program['relinearise']
  readonly digitSize: number
  readonly specials: number
  /** Estimated server time, which does not depend on the sizes. */
  readonly milliseconds: number
}

/** Residues are below 2^50. */
export const largestPrime = 50
/** More steps than these that could be timed apart are treated alike, all but the last. */
const maxChoices = 4

/** Every structure worth a try, fastest first: where to rescale, when to relinearise, digits of key switching. */
export function structuresOf(circuit: Circuit, ringDegree: number, table: CostTable): Structure[] {
  const found: Structure[] = []
  const keys = needsKeys(circuit)
  for (const schedule of schedules(circuit)) {
    const { steps: timing, inputLevel } = timeSteps(circuit, schedule)
    const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, 1))
    for (const relinearise of circuit.packing === 'batch' ? inBatch : inSlots) {
      for (const [digitSize, specials] of keys ? digitChoices(inputLevel) : noKeys) {
        const literal: ParamsLiteral = {
          scheme: 'ckks',
          ringDegree,
          modulusBits: new Array<number>(inputLevel + 1).fill(largestPrime),
          specialBits: new Array<number>(specials).fill(largestPrime),
          digitSize,
        }
        const { milliseconds } = costOf(pricedOf(circuit, literal, steps, relinearise, inputLevel), table)
        found.push({ circuit, timing, inputLevel, relinearise, digitSize, specials, milliseconds })
      }
    }
  }
  return found.sort((a, b) => a.milliseconds - b.milliseconds)
}

/** What a circuit costs with given parameters and levels depends on this; bits of the reply are a guess. */
export function pricedOf(
  circuit: Circuit,
  params: ParamsLiteral,
  steps: readonly ProgramStep[],
  relinearise: Program['relinearise'],
  level: number,
): Priced {
  const { packing, encoding, input, output } = circuit
  const reply = { bits: 25, ...keptBy(circuit, params.ringDegree) }
  const form = { packing, encoding, params, steps, relinearise }
  return { ...form, input: { level, layout: input }, output: { layout: output, reply } }
}

/** The coefficients of c_0 that the client needs. */
export function keptBy({ packing, input, output }: Circuit, ringDegree: number): Pick<ReplyForm, 'stride' | 'count'> {
  if (packing === 'batch') return { stride: 1, count: ringDegree }
  if (packing === 'coefficient') return { stride: output.period === 1 ? 1 : input.period, count: output.period }
  return { stride: ringDegree / 2 / output.period, count: 2 * output.period }
}

/** Whether anything is rotated, or multiplied by another ciphertext. */
export function needsKeys(circuit: Circuit): boolean {
  return circuit.steps.some(
    (step) =>
      step.op === 'multiply' ||
      (step.op === 'linear' &&
        step.map.kind === 'rotations' &&
        [...step.map.plan.babies, ...step.map.plan.giants, ...step.map.diagonals.folds].some((steps) => steps !== 0)),
  )
}

/** Linear steps divide by a prime of their own or share that of the product behind; products do, or share that of the linear step behind. */
function schedules(circuit: Circuit): Schedule[] {
  const { count } = linearClasses(circuit)
  return choices(count).flatMap((linear) => {
    const patient = patientProducts(circuit, linear)
    return choices(patient.length).map((waits) => ({
      linear,
      products: circuit.steps.map((_, i) => !(patient.includes(i) && waits[patient.indexOf(i)])),
    }))
  })
}

/** All ways to say yes or no to a few questions; of more than a few, all alike but the last. */
function choices(count: number): boolean[][] {
  if (count <= maxChoices) {
    return Array.from({ length: 2 ** count }, (_, bits) =>
      Array.from({ length: count }, (_, i) => ((bits >> i) & 1) === 1),
    )
  }
  return [false, true].flatMap((inner) =>
    [false, true].map((last) => Array.from({ length: count }, (_, i) => (i < count - 1 ? inner : last))),
  )
}

const inBatch = ['sums'] as const
const inSlots = ['after', 'before'] as const
const noKeys: readonly [number, number][] = [[1, 0]]

/** Primes in a digit, and special primes. More special primes than a digit needs make key switching less noisy. */
function digitChoices(inputLevel: number): [number, number][] {
  const choices: [number, number][] = [
    [1, 1],
    [1, 2],
  ]
  for (let size = 2; size <= Math.min(4, inputLevel + 1); size++) choices.push([size, size])
  return choices
}
