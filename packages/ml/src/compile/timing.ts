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

/** Which steps divide their result by a prime. */
export interface Schedule {
  /** By class of linear steps. */
  readonly linear: readonly boolean[]
  /** By step; only those of products count. A product that is not rescaled leaves it to the linear steps that read it. */
  readonly products: readonly boolean[]
}

/**
 * Products that may wait: whoever reads them is a linear step that is rescaled itself, so that one prime divides away the scales of both.
 * That costs the same bits as two primes, and one limb less at every level above.
 */
export function patientProducts(circuit: Circuit, linear: readonly boolean[]): number[] {
  const { classOf } = linearClasses(circuit)
  return circuit.steps.flatMap((step, i) => {
    if (step.op !== 'multiply' || i === circuit.steps.length - 1) return []
    const readers = circuit.steps.flatMap((reader, k) => (inputsOf(reader).includes(i + 1) ? [k] : []))
    const ready = readers.every((k) => circuit.steps[k]!.op === 'linear' && linear[classOf[k]!] === true)
    return ready ? [i] : []
  })
}

/** The lowest levels at which every step can run, from the output (level 0) back. */
export function timeSteps(circuit: Circuit, schedule: Schedule): { steps: Timing[]; inputLevel: number } {
  const { classOf } = linearClasses(circuit)
  const levels = new Array<number>(circuit.steps.length + 1).fill(0)
  const steps: Timing[] = []
  for (let i = circuit.steps.length - 1; i >= 0; i--) {
    const step = circuit.steps[i]!
    const rescale =
      (step.op === 'multiply' && schedule.products[i] === true) ||
      (step.op === 'linear' && schedule.linear[classOf[i]!] === true)
    const level = levels[i + 1]! + (rescale ? 1 : 0)
    steps.unshift({ level, rescale })
    for (const input of inputsOf(step)) levels[input] = Math.max(levels[input]!, level)
  }
  return { steps, inputLevel: levels[0]! }
}

/**
 * How many scales every prime above the base divides away, by level from 1: that of a product or of weights is one; weights that are squared
 * before they are divided count twice.
 */
export function scalesPerPrime(circuit: Circuit, timing: readonly Timing[], inputLevel: number): number[] {
  const units = new Array<number>(inputLevel).fill(1)
  const pending = (register: number): number => {
    const step = register === 0 ? undefined : circuit.steps[register - 1]!
    if (!step || timing[register - 1]!.rescale) return 0
    return 1 + inputsOf(step).reduce((sum, input) => sum + pending(input), 0) * (step.op === 'linear' ? 1 : 0.5)
  }
  circuit.steps.forEach((step, i) => {
    const { level, rescale } = timing[i]!
    if (!rescale) return
    const before = inputsOf(step).reduce((sum, input) => sum + pending(input), 0)
    units[level - 1] = Math.max(units[level - 1]!, 1 + before)
  })
  return units
}
