import type { NoiseModel } from '../analysis/noise.ts'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import { type Program, relinearisationLevel } from '../program/program.ts'
import type { Scales, TimedCircuit } from './scales.ts'

/** Variance at the worst output by the step (or `input`) where the noise enters. */
export interface Contribution {
  readonly name: string
  readonly variance: number
}

/** The variance that every part of a program contributes to its worst output, to first order. Mirrors run/simulate.ts place by place. */
export function contributions(
  timed: TimedCircuit,
  relinearise: Program['relinearise'],
  model: NoiseModel,
  reach: Sensitivity,
  scales: Scales,
  primes: readonly number[],
): Contribution[] {
  const found: Contribution[] = [
    { name: 'input', variance: (reach.register[0]! * model.fresh) / scales.register[0]! ** 2 },
  ]
  timed.circuit.steps.forEach((step, i) => {
    const { level, rescale } = timed.timing[i]!
    const after = scales.register[i + 1]!
    const before = rescale ? after * primes[level]! : after
    let variance = 0
    if (step.op === 'linear') {
      const input = scales.register[step.input]!
      const { babies, giants } = step.plan
      const folds = step.diagonals.folds.length
      const full = giants.filter((steps) => steps !== 0).length * 2 ** folds + 2 ** folds - 1
      if (babies.some((steps) => steps !== 0)) variance += (reach.babies[i]! * model.keySwitch(level)) / input ** 2
      if (full > 0) variance += (reach.register[i + 1]! * full * model.keySwitch(level)) / before ** 2
      variance += (reach.weights[i]! * model.plaintext) / scales.weights[i]! ** 2
    } else if (step.op === 'multiply') {
      const at = relinearise === 'before' ? before : after
      variance +=
        (reach.register[i + 1]! * model.keySwitch(relinearisationLevel({ relinearise }, { level, rescale }))) / at ** 2
    }
    if (rescale) {
      const rounding = step.op === 'multiply' && relinearise === 'after' ? model.rescaleThree : model.rescale
      variance += (reach.register[i + 1]! * rounding) / after ** 2
    }
    found.push({ name: step.name, variance })
  })
  return found
}
