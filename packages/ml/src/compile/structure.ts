import type { ParamsLiteral } from '@glovebox/he'
import type { Circuit } from '../layout/circuit.ts'
import { type Program, timed } from '../program/program.ts'
import { type CostTable, costOf } from '../run/cost.ts'
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
  for (const schedule of schedules(circuit)) {
    const { steps: timing, inputLevel } = timeSteps(circuit, schedule)
    const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, 1))
    for (const relinearise of ['after', 'before'] as const) {
      for (const [digitSize, specials] of digitChoices(inputLevel)) {
        const literal: ParamsLiteral = {
          scheme: 'ckks',
          ringDegree,
          modulusBits: new Array<number>(inputLevel + 1).fill(largestPrime),
          specialBits: new Array<number>(specials).fill(largestPrime),
          digitSize,
        }
        const priced = {
          params: literal,
          steps,
          relinearise,
          input: { level: inputLevel },
          output: { reply: { bits: 25, stride: 1 } },
        }
        const { milliseconds } = costOf(priced, table)
        found.push({ circuit, timing, inputLevel, relinearise, digitSize, specials, milliseconds })
      }
    }
  }
  return found.sort((a, b) => a.milliseconds - b.milliseconds)
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

/** Primes in a digit, and special primes. More special primes than a digit needs make key switching less noisy. */
function digitChoices(inputLevel: number): [number, number][] {
  const choices: [number, number][] = [
    [1, 1],
    [1, 2],
  ]
  for (let size = 2; size <= Math.min(4, inputLevel + 1); size++) choices.push([size, size])
  return choices
}
