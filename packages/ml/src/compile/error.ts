import type { NoiseModel } from '../analysis/noise.ts'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import { type Program, partsOf, relinearisationLevel, timed as timedStep } from '../program/program.ts'
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
  const parts = partsOf({
    relinearise,
    steps: timed.circuit.steps.map((step, i) => timedStep(step, timed.timing[i]!, 1)),
  })
  timed.circuit.steps.forEach((step, i) => {
    const { level, rescale } = timed.timing[i]!
    const after = scales.register[i + 1]!
    const before = rescale ? after * primes[level]! : after
    let variance = 0
    if (step.op === 'linear') {
      const input = scales.register[step.input]!
      const { map } = step
      if (map.kind === 'rotations') {
        const { babies, giants } = map.plan
        const { folds, blocks, targets } = map.diagonals
        const perTile = Math.ceil(blocks.length / targets)
        const full = giants.filter((steps) => steps !== 0).length * perTile * 2 ** folds.length + 2 ** folds.length - 1
        if (babies.some((steps) => steps !== 0)) variance += (reach.babies[i]! * model.keySwitch(level)) / input ** 2
        if (full > 0) variance += (reach.register[i + 1]! * full * model.keySwitch(level)) / before ** 2
      }
      const rounding = map.kind === 'scalars' ? model.scalar : model.plaintext
      variance += (reach.weights[i]! * rounding) / scales.weights[i]! ** 2
      if (parts[step.input] === 3) variance += (reach.register[i + 1]! * model.keySwitch(level)) / before ** 2
    } else if (step.op === 'multiply' && parts[i + 1] === 2) {
      const at = relinearise === 'after' ? after : before
      variance +=
        (reach.register[i + 1]! * model.keySwitch(relinearisationLevel({ relinearise }, { level, rescale }))) / at ** 2
    }
    if (rescale) {
      const rounding =
        step.op === 'multiply' && (relinearise === 'after' || parts[i + 1] === 3) ? model.rescaleThree : model.rescale
      variance += (reach.register[i + 1]! * rounding) / after ** 2
    }
    found.push({ name: step.name, variance })
  })
  found.push({ name: 'mask of the reply', variance: model.mask / scales.register.at(-1)! ** 2 })
  return found
}
