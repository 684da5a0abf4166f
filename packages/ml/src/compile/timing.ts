import { type Circuit, inputsOf } from '../layout/circuit.ts'
import type { Timing } from '../program/program.ts'

/**
 * The linear steps in classes that are rescaled together: those whose results meet in a sum or a product.
 * `classOf[i]` is the class of step i, -1 for products; the class of the output, where it is a linear one, is the last.
 */
export function linearClasses(circuit: Circuit): { classOf: number[]; count: number } {
  const parent = circuit.steps.map((_, i) => i)
  const find = (i: number): number => (parent[i] === i ? i : find(parent[i]!))
  const isLinear = (register: number): boolean => register > 0 && circuit.steps[register - 1]!.op !== 'multiply'
  circuit.steps.forEach((step, i) => {
    const [a, b] = inputsOf(step) as [number, number]
    if (step.op === 'add') for (const input of [a, b]) parent[find(input - 1)] = find(i)
    if (step.op === 'multiply' && isLinear(a) && isLinear(b)) parent[find(a - 1)] = find(b - 1)
  })
  const numbers = new Map<number, number>()
  const classOf = circuit.steps.map((step, i) => {
    if (step.op === 'multiply') return -1
    if (!numbers.has(find(i))) numbers.set(find(i), numbers.size)
    return numbers.get(find(i))!
  })
  return { classOf, count: numbers.size }
}

/**
 * The lowest levels at which every step can run, from the output (level 0) back. Products are always rescaled, linear steps where `early` says so for their class:
 * otherwise they share the rescaling of the product that follows.
 */
export function timeSteps(circuit: Circuit, early: readonly boolean[]): { steps: Timing[]; inputLevel: number } {
  const { classOf } = linearClasses(circuit)
  const levels = new Array<number>(circuit.steps.length + 1).fill(0)
  const steps: Timing[] = []
  for (let i = circuit.steps.length - 1; i >= 0; i--) {
    const step = circuit.steps[i]!
    const rescale = step.op === 'multiply' || (step.op === 'linear' && early[classOf[i]!] === true)
    const level = levels[i + 1]! + (rescale ? 1 : 0)
    steps.unshift({ level, rescale })
    for (const input of inputsOf(step)) levels[input] = Math.max(levels[input]!, level)
  }
  return { steps, inputLevel: levels[0]! }
}
