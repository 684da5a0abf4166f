import type { ParamsLiteral } from '@glovebox/he'
import type { Circuit } from '../layout/circuit.ts'
import { type Program, timed } from '../program/program.ts'
import { type CostTable, costOf } from '../run/cost.ts'
import type { TimedCircuit } from './scales.ts'
import { linearClasses, timeSteps } from './timing.ts'

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
/** With more classes of linear steps than this all but the last are treated alike. */
const maxClasses = 4

/** Every structure worth a try, fastest first: where to rescale, when to relinearise, digits of key switching. */
export function structuresOf(circuit: Circuit, ringDegree: number, table: CostTable): Structure[] {
  const { count } = linearClasses(circuit)
  const found: Structure[] = []
  for (const early of earlyChoices(count)) {
    const { steps: timing, inputLevel } = timeSteps(circuit, early)
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

/** Which classes of linear steps are rescaled on their own. The last class is the output's. */
function earlyChoices(count: number): boolean[][] {
  if (count <= maxClasses) {
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
