import { GloveboxError } from '@glovebox/he'
import { type Sensitivity, sensitivity } from '../analysis/sensitivity.ts'
import type { Graph } from '../graph/graph.ts'
import type { Circuit, Packing } from '../layout/circuit.ts'
import { type Model, modelOf } from '../model/model.ts'
import { type ApproximateOptions, approximate } from '../passes/approximate.ts'
import { lower } from '../passes/lower.ts'
import { peelOutput } from '../passes/peel-output.ts'
import type { PixelScaling, Program } from '../program/program.ts'
import { type CostTable, defaultCostTable } from '../run/cost.ts'
import { build, type Facts } from './build.ts'
import { splitSamples, syntheticSamples } from './calibration.ts'
import { type Attempt, alternativesOf, cheapest, explore, rejectedRings, type Tried } from './explore.ts'
import { compileIntegers, requireAffine } from './integers.ts'
import { divideOutputs, unitsOf } from './output-units.ts'
import { circuitsOf } from './packings.ts'
import { type Load, priceOf } from './price.ts'
import { search } from './search.ts'
import { shortfall } from './shortfall.ts'
import { type Candidate, type Goal, replyShare, searchShare } from './sizes.ts'
import { requireSummands, sumsOf } from './sums.ts'
import { typicalRows } from './typical-rows.ts'
import { refuseConstant, verify } from './verify.ts'

/** What `compile` may be told; it chooses what is left out. */
export interface CompileOptions {
  /**
   * What computes: `ckks` (default), real numbers with noise; or `bfv`, exact integers, for affine models. There inputs and weights are rounded so finely
   * that no input in range moves an output by more than 2^-precisionBits of the largest output, inputs out of range are refused, and an encrypted run gives
   * the result of the rounded model to the last bit.
   */
  readonly scheme?: 'ckks' | 'bfv'
  /** What the model is called; default: the name of its input. */
  readonly name?: string
  /** Inputs to measure magnitudes on, one after the other; default: synthetic ones. */
  readonly samples?: Float64Array
  /** The largest error of an output may be 2^-precisionBits of the largest output. Default 10, which is 0.1 %. */
  readonly precisionBits?: number
  /**
   * What the error of an output is measured by: the largest output of all, the largest value of that output itself, for those that are small beside others and
   * as important, or a number for each output. Default 'largest'.
   */
  readonly precisionOf?: 'largest' | 'each' | readonly number[]
  /** Samples that the server may be asked to add up encrypted, to answer for the sum; what is promised holds for sums of as many. Default 1. */
  readonly summands?: number
  /**
   * Bits that values may exceed their calibrated magnitude by, from 0. Default 2, which is four times. In BFV, bits that the range of inputs is widened by:
   * default 1, or 0 where they are multiples of a step (see `IntegerInput`).
   */
  readonly headroomBits?: number
  /** Ring degrees that may be used, ascending. Default 2048 to 32768. */
  readonly ringDegrees?: readonly number[]
  /** How pictures of bytes become inputs. Default: byte / 255. */
  readonly pixels?: PixelScaling
  /** How activations become polynomials. Default: least squares of chosen degrees. */
  readonly activations?: ApproximateOptions
  /** How samples are to lie in ciphertexts. Default: what costs least. */
  readonly packing?: Packing
  /** Samples that are usually asked for at once. Default 1. */
  readonly batchSize?: number
  /** Of the link between client and server, in Mbit/s. Default 50. */
  readonly megabitsPerSecond?: number
  /** What operations cost where the program will run; default: as measured here. */
  readonly costTable?: CostTable
}

/** Samples that noise is measured on; magnitudes come from all. */
const maxNoiseSamples = 8
const syntheticCount = 8
const packings: readonly Packing[] = ['coefficient', 'slots', 'batch']
const schemes: readonly string[] = ['ckks', 'bfv']

/**
 * Compiles a model to an encrypted program: replaces activations by polynomials, composes affine maps, lays vectors out in ciphertexts, chooses for each packing the smallest parameters that are
 * precise enough at 128-bit security, and takes the packing of the least price. Throws GloveboxError `unsupported` or `too-large`, naming the layer, where nothing fits.
 */
export function compile(source: Model | Graph, options: CompileOptions = {}): Program {
  const scheme = options.scheme ?? 'ckks'
  if (!schemes.includes(scheme)) throw new RangeError(`"scheme" expected ckks or bfv, got ${String(scheme)}`)
  const peeled = peelOutput('graph' in source ? source : modelOf(source))
  if (scheme === 'bfv') requireAffine(peeled.graph, options.packing)
  const size = peeled.graph.nodes[0]!.size
  const given = options.samples
  const rows = given || peeled.before.length === 0 ? undefined : typicalRows(peeled)
  const samples = given ?? rows?.samples ?? syntheticSamples(peeled.graph.inputShape, syntheticCount)
  const vectors = splitSamples(samples, size)
  const summands = requireSummands(options.summands ?? 1)
  const sums = sumsOf(vectors, summands)
  const all = [...vectors, ...sums]
  const approximated = approximate(peeled.graph, sums.length > 0 ? joined(all) : samples, options.activations)
  const { report: approximation } = approximated
  const units = unitsOf(approximated.graph, all, options.precisionOf ?? 'largest')
  const graph = units ? divideOutputs(approximated.graph, units) : approximated.graph
  const model = { ...peeled, graph }
  const lowered = lower(graph)
  refuseConstant(lowered)
  const precision = options.precisionBits ?? 10
  if (!(precision > 0 && precision <= 40))
    throw new RangeError(`"precisionBits" expected a number from 0 to 40, got ${precision}`)
  const headroom = options.headroomBits ?? 2
  if (!(headroom >= 0 && headroom < Infinity))
    throw new RangeError(`"headroomBits" expected a number from 0, got ${headroom}`)
  const { pixels } = options
  if (pixels && !(Number.isFinite(pixels.scale) && Number.isFinite(pixels.offset)))
    throw new RangeError(`"pixels" expected a finite scale and offset, got ${pixels.scale} and ${pixels.offset}`)
  const load: Load = { batchSize: options.batchSize ?? 1, megabitsPerSecond: options.megabitsPerSecond ?? 50 }
  if (!(Number.isInteger(load.batchSize) && load.batchSize >= 1))
    throw new RangeError(`"batchSize" expected an integer from 1, got ${load.batchSize}`)
  if (!(load.megabitsPerSecond > 0))
    throw new RangeError(`"megabitsPerSecond" expected a number above 0, got ${load.megabitsPerSecond}`)
  if (options.packing !== undefined && !packings.includes(options.packing))
    throw new RangeError(`"packing" expected ${packings.join(', ')} or nothing, got ${options.packing}`)
  const goal: Goal = {
    relativeError: 2 ** -precision * searchShare,
    replyError: 2 ** -precision * replyShare,
    headroom,
    summands,
    costTable: options.costTable ?? defaultCostTable,
    load,
  }
  const degrees = options.ringDegrees ?? [2048, 4096, 8192, 16384, 32768]
  if (degrees.length === 0) throw new RangeError('"ringDegrees" expected at least one ring degree, got none')
  const odd = degrees.find((n) => !(n >= 1024 && n <= 131072 && Number.isInteger(Math.log2(n))))
  if (odd !== undefined) throw new RangeError(`"ringDegrees" expected powers of two from 1024 to 131072, got ${odd}`)
  const facts: Facts = {
    calibration:
      (given
        ? `${vectors.length} given samples`
        : `${vectors.length} synthetic ${rows ? 'rows, by what the steps of the client say of its columns' : 'samples, uniform noise and bright rectangles in [0, 1]'}`) +
      (summands > 1 ? `, and sums of ${summands}` : ''),
    // Synthetic pictures come close to 1.
    inputs: given || rows ? rangeOf(vectors) : { low: 0, high: 1 },
    synthetic: !given && !rows,
    ...(approximation.activations.length > 0 && { approximation }),
    summands,
    units,
  }
  if (scheme === 'bfv') {
    const source = { model, lowered, vectors, all, facts }
    return compileIntegers(source, { precision, goal, degrees }, options)
  }
  // Batches differ by ring in nothing but how many samples they take.
  let batch: Sensitivity | undefined
  const tried = explore<Found>(circuitsOf(lowered, degrees, options.packing), load, (circuit, ringDegree) => {
    const reach = (circuit.packing === 'batch' ? batch : undefined) ?? measure(circuit, vectors, sums)
    if (circuit.packing === 'batch') batch = reach
    return attempt(circuit, ringDegree, reach, goal)
  })
  const best = cheapest(tried)
  if (!best?.found) throw refusal(tried, degrees, precision, options.packing)
  verify(graph, best.circuit, thin(vectors))
  const { approximation: polynomials, ...others } = facts
  return build(
    model,
    best.found.candidate,
    best.found.reach,
    goal,
    [...thin(vectors), ...sums],
    {
      ...others,
      notes: [...best.circuit.notes, ...rejectedRings(tried, best)],
      ...(polynomials && { approximation: polynomials }),
      alternatives: alternativesOf(tried),
    },
    options,
  )
}

interface Found {
  readonly candidate: Candidate
  readonly reach: Sensitivity
}

function attempt(circuit: Circuit, ringDegree: number, reach: Sensitivity, goal: Goal): Attempt<Found> {
  const finding = search(circuit, ringDegree, reach, goal)
  const { candidate } = finding
  if (candidate) return { found: { candidate, reach }, price: priceOf(candidate, goal) }
  return { why: shortfall(finding, circuit, reach, goal.relativeError) }
}

function refusal(
  tried: readonly Tried<Found>[],
  degrees: readonly number[],
  precision: number,
  packing: Packing | undefined,
): GloveboxError {
  return new GloveboxError(
    'unsupported',
    `no parameters up to ring degree ${degrees.at(-1)} compute this model with a relative error of 2^-${precision}` +
      `${packing ? ` in ${packing} packing` : ''}: ${tried.at(-1)?.why ?? `${packing} packing is for affine models, this one has products of variables`}`,
  )
}

function rangeOf(samples: readonly Float64Array[]): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity]
  for (const sample of samples) {
    for (const value of sample) {
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
  }
  return { low, high }
}

/** Magnitudes over all samples, sensitivity over a few, and both over sums. */
function measure(circuit: Circuit, samples: readonly Float64Array[], sums: readonly Float64Array[]): Sensitivity {
  return sensitivity(circuit, [...thin(samples), ...sums], samples.length <= maxNoiseSamples ? [] : samples)
}

function joined(samples: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(samples.length * samples[0]!.length)
  samples.forEach((sample, i) => all.set(sample, i * sample.length))
  return all
}

/** A few of them, from all over. */
function thin(samples: readonly Float64Array[]): readonly Float64Array[] {
  return samples.filter((_, i) => i % Math.ceil(samples.length / maxNoiseSamples) === 0)
}
