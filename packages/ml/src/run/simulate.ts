import { createParams, type Params } from '@glovebox/he'
import { type NoiseModel, noiseModel } from '../analysis/noise.ts'
import { splitOffset } from '../layout/circuit.ts'
import { rotated } from '../layout/evaluate.ts'
import { collect, repeat, spread } from '../layout/layout.ts'
import { type Program, type ProgramStep, registersOf, relinearisationLevel } from '../program/program.ts'
import { normalNumbers } from '../tensor/random.ts'

/** What `simulate` may be told. */
export interface SimulateOptions {
  /** Without noise the answer is that of the clear model, but for rounding of doubles. Default true. */
  readonly noise?: boolean
  /** Same seed, same noise. Default 1. */
  readonly seed?: number
}

/**
 * Runs a program step by step on plain vectors of N/2 slots, with rotations, baby and giant steps and folds as they are done encrypted, and with
 * noise of the size that encryption, rounding, rescaling and key switching would add. `samples` holds sample after sample; so does the answer.
 */
export function simulate(program: Program, samples: Float64Array, options: SimulateOptions = {}): Float64Array {
  const params = createParams(program.params)
  const gauss = normalNumbers(options.seed ?? 1)
  const noisy = options.noise ?? true
  const context: Context = {
    program,
    params,
    model: noiseModel({
      ringDegree: params.ringDegree,
      chain: params.primes.map(Math.log2),
      special: params.special.map(Math.log2),
      digitSize: params.digitSize,
    }),
    registers: registersOf(program, params),
    disturb: (x, variance, scale) => {
      const deviation = noisy ? Math.sqrt(variance) / scale : 0
      return deviation === 0 ? x : x.map((v) => v + deviation * gauss())
    },
  }
  // Weights are encoded once, so their rounding is the same for all samples.
  const weights = program.steps.map((step) => (step.op === 'linear' ? encodeWeights(context, step) : undefined))
  const size = program.input.layout.size
  const count = samples.length / size
  if (!Number.isInteger(count))
    throw new RangeError(`"samples" expected a multiple of ${size} numbers, got ${samples.length}`)
  const results: Float64Array[] = []
  for (let i = 0; i < count; i++) results.push(runOne(context, weights, samples.subarray(i * size, (i + 1) * size)))
  const out = new Float64Array(count * program.output.layout.size)
  results.forEach((result, i) => {
    out.set(result, i * program.output.layout.size)
  })
  return out
}

interface Context {
  readonly program: Program
  readonly params: Params
  readonly model: NoiseModel
  readonly registers: readonly { readonly level: number; readonly scale: number }[]
  readonly disturb: (x: Float64Array, variance: number, scale: number) => Float64Array
}
type Linear = Extract<ProgramStep, { op: 'linear' }>
type Weights = ReadonlyMap<number, Float64Array>

/** Diagonals by offset, over all slots, with the rounding of their encoding. */
function encodeWeights({ params, model, disturb }: Context, { diagonals, scale }: Linear): Weights {
  return new Map(
    diagonals.offsets.map((offset, k) => [
      offset,
      disturb(repeat(diagonals.values[k]!, params.slots), model.plaintext, scale),
    ]),
  )
}

function runOne(context: Context, weights: readonly (Weights | undefined)[], sample: Float64Array): Float64Array {
  const { program, params, model, registers, disturb } = context
  const fresh = repeat(spread(program.input.layout, sample), params.slots)
  const values = [disturb(fresh, model.fresh, program.input.scale)]
  program.steps.forEach((step, i) => {
    const { scale } = registers[i + 1]!
    const before = step.rescale ? scale * params.primes[step.level]! : scale
    let out: Float64Array
    if (step.op === 'linear') {
      out = linear(context, step, weights[i]!, values[step.input]!, registers[step.input]!.scale, before)
    } else {
      const [a, b] = step.inputs.map((input) => values[input]!) as [Float64Array, Float64Array]
      out = step.op === 'add' ? a.map((v, s) => v + b[s]!) : a.map((v, s) => v * b[s]!)
    }
    const switchLevel = relinearisationLevel(program, step)
    if (step.op === 'multiply' && program.relinearise === 'before')
      out = disturb(out, model.keySwitch(switchLevel), before)
    if (step.rescale) {
      out = disturb(
        out,
        step.op === 'multiply' && program.relinearise === 'after' ? model.rescaleThree : model.rescale,
        scale,
      )
    }
    if (step.op === 'multiply' && program.relinearise === 'after')
      out = disturb(out, model.keySwitch(switchLevel), scale)
    values.push(out)
  })
  return collect(program.output.layout, values.at(-1)!)
}

/** sum over giants g, ascending, of rotate_g( sum over babies b of rotate_-g(diagonal_(g+b)) · rotate_b(x) ), then folds and bias. */
function linear(
  { params, model, disturb }: Context,
  step: Linear,
  weights: Weights,
  x: Float64Array,
  inputScale: number,
  outputScale: number,
): Float64Array {
  const { plan, diagonals, bias, level } = step
  const babies = new Map<number, Float64Array>()
  for (const baby of plan.babies) {
    babies.set(baby, baby === 0 ? x : disturb(rotated(x, baby), model.keySwitch(level), inputScale))
  }
  const partial = new Map<number, Float64Array>()
  for (const [offset, diagonal] of weights) {
    const { giant, baby } = splitOffset(plan, offset, params.slots)
    const sum = partial.get(giant) ?? new Float64Array(params.slots)
    partial.set(giant, sum)
    const turned = rotated(diagonal, params.slots - giant)
    const from = babies.get(baby)!
    for (let s = 0; s < sum.length; s++) sum[s]! += turned[s]! * from[s]!
  }
  const turn = (v: Float64Array, steps: number): Float64Array =>
    steps === 0 ? v : disturb(rotated(v, steps), model.keySwitch(level), outputScale)
  // Horner's rule, as applyLinear does it: from the last giant down, by differences.
  let out: Float64Array = new Float64Array(params.slots)
  for (const [g, giant] of [...plan.giants.entries()].reverse()) {
    const part = partial.get(giant)
    const sum = part ? out.map((v, s) => v + part[s]!) : out
    out = turn(sum, giant - (plan.giants[g - 1] ?? 0))
  }
  for (const fold of diagonals.folds) {
    const other = turn(out, fold)
    out = out.map((v, s) => v + other[s]!)
  }
  if (!bias) return out
  const added = disturb(repeat(bias, params.slots), model.plaintext, outputScale)
  return out.map((v, s) => v + added[s]!)
}
