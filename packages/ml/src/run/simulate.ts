import { createParams, type Params } from '@glovebox/he'
import { type NoiseModel, noiseModel } from '../analysis/noise.ts'
import { inputsOf } from '../layout/circuit.ts'
import { collect, repeat, spread } from '../layout/layout.ts'
import {
  applyMap,
  type LinearMap,
  type PolynomialMap,
  type RotationMap,
  rotated,
  splitOffset,
} from '../layout/linear-map.ts'
import { integerStep, integersOf } from '../program/integers.ts'
import { type Program, type ProgramStep, partsOf, registersOf, relinearisationLevel } from '../program/program.ts'
import { inUnits } from '../program/units.ts'
import { normalNumbers } from '../tensor/random.ts'
import { multiplyVector } from '../tensor/sparse.ts'

/** What `simulate` may be told. */
export interface SimulateOptions {
  /** Without noise the answer is that of the clear model, but for rounding of doubles. Default true. */
  readonly noise?: boolean
  /** Same seed, same noise. Default 1. */
  readonly seed?: number
  /** Every sample is the sum of so many that were encrypted one by one. Default 1. */
  readonly summands?: number
}

/**
 * Runs a program step by step on plain vectors, with rotations, baby and giant steps and folds as they are done encrypted, and with
 * noise of the size that encryption, rounding, rescaling and key switching would add. `samples` holds sample after sample; so does the answer.
 * A program in BFV has no noise: its integers are computed, and the answer is what an encrypted run gives, to the last bit.
 */
export function simulate(program: Program, samples: Float64Array, options: SimulateOptions = {}): Float64Array {
  const params = createParams(program.params)
  if (params.scheme === 'bfv') return simulateIntegers(program, params, samples)
  const gauss = normalNumbers(options.seed ?? 1)
  const noisy = options.noise ?? true
  const context: Context = {
    program,
    params,
    parts: partsOf(program),
    model: noiseModel({
      ringDegree: params.ringDegree,
      chain: params.primes.map(Math.log2),
      special: params.special.map(Math.log2),
      digitSize: params.digitSize,
      encoding: program.encoding,
      summands: options.summands ?? 1,
    }),
    registers: registersOf(program, params),
    disturb: (x, variance, scale) => {
      const deviation = noisy ? Math.sqrt(variance) / scale : 0
      return deviation === 0 ? x : x.map((v) => v + deviation * gauss())
    },
  }
  // Weights are encoded once, so their rounding is the same for all samples.
  const maps = program.steps.map((step) => (step.op === 'linear' ? encodeMap(context, step) : undefined))
  return eachSample(program, samples, (sample) => runOne(context, maps, sample))
}

function eachSample(
  { input, output }: Program,
  samples: Float64Array,
  run: (sample: Float64Array) => Float64Array,
): Float64Array {
  const { size } = input.layout
  const count = samples.length / size
  if (!Number.isInteger(count))
    throw new RangeError(`"samples" expected a multiple of ${size} numbers, got ${samples.length}`)
  const out = new Float64Array(count * output.layout.size)
  for (let i = 0; i < count; i++) out.set(run(samples.subarray(i * size, (i + 1) * size)), i * output.layout.size)
  return inUnits(output, out)
}

/** Sums of integers below t/2, t up to 2^32, are exact in doubles, whatever the order. */
function simulateIntegers(program: Program, params: Params, samples: Float64Array): Float64Array {
  const { input, output, steps } = program
  const registers = registersOf(program, params)
  const exact = steps.map((step) => {
    if (step.op !== 'linear') throw new Error('internal error: programs in integers are affine')
    return integerStep(step, registers[step.input]!.scale)
  })
  return eachSample(program, samples, (sample) => {
    const placed = integersOf(spread(input.layout, sample), input.scale).slice(0, input.layout.size)
    const values: Float64Array[] = [placed]
    for (const [i, { matrix, bias }] of exact.entries()) {
      const out = multiplyVector(matrix, values[inputsOf(steps[i]!)[0]!]!)
      values.push(bias ? out.map((v, j) => v + bias[j]!) : out)
    }
    return collect(output.layout, values.at(-1)!).map((v) => v / output.scale)
  })
}

interface Context {
  readonly program: Program
  readonly params: Params
  readonly parts: readonly number[]
  readonly model: NoiseModel
  readonly registers: readonly { readonly level: number; readonly scale: number }[]
  readonly disturb: (x: Float64Array, variance: number, scale: number) => Float64Array
}
type Linear = Extract<ProgramStep, { op: 'linear' }>

/** A map with the rounding of its weights, diagonals over all slots. */
function encodeMap({ params, model, disturb }: Context, { map, scale }: Linear): LinearMap {
  if (map.kind !== 'rotations') {
    const { matrix } = map
    const rounding = map.kind === 'scalars' ? model.scalar : model.plaintext
    return { ...map, matrix: { ...matrix, value: disturb(matrix.value, rounding, scale) } }
  }
  const blocks = map.diagonals.blocks.map((block) => ({
    ...block,
    values: block.values.map((values) => disturb(repeat(values, params.slots), model.plaintext, scale)),
  }))
  return { ...map, diagonals: { ...map.diagonals, blocks, period: params.slots } }
}

function runOne(context: Context, maps: readonly (LinearMap | undefined)[], sample: Float64Array): Float64Array {
  const { program, params, model, parts, registers, disturb } = context
  const { input, output, packing } = program
  const placed = spread(input.layout, sample)
  // Tiles one after the other; in a batch or in coefficients a place is one number, whatever else its ciphertext holds.
  const fresh =
    packing === 'slots' ? repeat(placed, params.slots) : placed.slice(0, Math.min(placed.length, input.layout.size))
  const values = [disturb(fresh, model.fresh, input.scale)]
  program.steps.forEach((step, i) => {
    const { scale } = registers[i + 1]!
    const before = step.rescale ? scale * params.primes[step.level]! : scale
    const switchLevel = relinearisationLevel(program, step)
    const after = step.op === 'multiply' && (program.relinearise === 'after' || parts[i + 1] === 3)
    let out: Float64Array
    if (step.op === 'linear') {
      out = linear(context, step, maps[i]!, values[step.input]!, registers[step.input]!, before)
      if (parts[step.input] === 3) out = disturb(out, model.keySwitch(step.level), before)
    } else {
      const [a, b] = step.inputs.map((register) => values[register]!) as [Float64Array, Float64Array]
      out = step.op === 'add' ? a.map((v, s) => v + b[s]!) : a.map((v, s) => v * b[s]!)
    }
    if (step.op === 'multiply' && !after) out = disturb(out, model.keySwitch(switchLevel), before)
    if (step.rescale) out = disturb(out, after ? model.rescaleThree : model.rescale, scale)
    if (step.op === 'multiply' && after && parts[i + 1] === 2) out = disturb(out, model.keySwitch(switchLevel), scale)
    values.push(out)
  })
  // What hides the result in its reply.
  return collect(output.layout, disturb(values.at(-1)!, model.mask, output.scale))
}

function linear(
  context: Context,
  { bias, level }: Linear,
  map: LinearMap,
  x: Float64Array,
  from: { readonly scale: number },
  outputScale: number,
): Float64Array {
  const { model, disturb, params } = context
  const out = map.kind === 'rotations' ? rotations(context, map, x, level, from.scale, outputScale) : applyMap(map, x)
  if (map.kind === 'polynomials') addForeignNoise(context, map, out, from.scale)
  if (!bias) return out
  // One period of a tile is repeated over its slots; several tiles have all their slots in the bias.
  const all = map.kind === 'rotations' ? repeat(bias, params.slots) : bias
  const added = disturb(all, map.kind === 'scalars' ? model.scalar : model.plaintext, outputScale)
  return out.map((v, s) => v + added[s]!)
}

/** Polynomials multiply the noise of coefficients without a message too: each output gets that of the other rows of its ciphertext. */
function addForeignNoise({ model, disturb }: Context, map: PolynomialMap, out: Float64Array, scale: number): void {
  const squares = applyMap(map, new Float64Array(map.matrix.columns).fill(1), { squared: true })
  for (let first = 0; first < out.length; first += map.perTile) {
    const own = squares.subarray(first, first + map.perTile)
    const all = own.reduce((sum, v) => sum + v, 0)
    own.forEach((v, j) => {
      out.set(disturb(out.subarray(first + j, first + j + 1), model.fresh * (all - v), scale), first + j)
    })
  }
}

/** Every tile of the result: sum over blocks, giants g and babies b of rotate_g( rotate_-g(diagonal_(g+b)) · rotate_b(x) ), then folds. */
function rotations(
  { params, model, disturb }: Context,
  { diagonals, plan }: RotationMap,
  x: Float64Array,
  level: number,
  inputScale: number,
  outputScale: number,
): Float64Array {
  const { slots } = params
  const turn = (v: Float64Array, steps: number): Float64Array =>
    steps === 0 ? v : disturb(rotated(v, steps), model.keySwitch(level), outputScale)
  const out = new Float64Array(diagonals.targets * slots)
  for (const { from, to, offsets, values } of diagonals.blocks) {
    const source = x.subarray(from * slots, (from + 1) * slots)
    const babies = new Map<number, Float64Array>()
    for (const baby of plan.babies) {
      babies.set(baby, baby === 0 ? source : disturb(rotated(source, baby), model.keySwitch(level), inputScale))
    }
    const partial = new Map<number, Float64Array>()
    offsets.forEach((offset, k) => {
      const { giant, baby } = splitOffset(plan, offset, slots)
      const sum = partial.get(giant) ?? new Float64Array(slots)
      partial.set(giant, sum)
      const turned = rotated(values[k]!, slots - giant)
      const by = babies.get(baby)!
      for (let s = 0; s < slots; s++) sum[s]! += turned[s]! * by[s]!
    })
    // Horner's rule, as applyLinear does it: from the last giant down, by differences.
    let block: Float64Array = new Float64Array(slots)
    for (const [g, giant] of [...plan.giants.entries()].reverse()) {
      const part = partial.get(giant)
      const sum = part ? block.map((v, s) => v + part[s]!) : block
      block = turn(sum, giant - (plan.giants[g - 1] ?? 0))
    }
    const target = out.subarray(to * slots, (to + 1) * slots)
    for (let s = 0; s < slots; s++) target[s]! += block[s]!
  }
  for (let t = 0; t < out.length; t += slots) {
    const folded = diagonals.folds.reduce(
      (sum: Float64Array, fold) => {
        const other = turn(sum, fold)
        return sum.map((v, s) => v + other[s]!)
      },
      out.slice(t, t + slots),
    )
    out.set(folded, t)
  }
  return out
}
