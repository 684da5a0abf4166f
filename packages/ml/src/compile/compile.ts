import { createParams, GloveboxError } from '@glovebox/he'
import { noiseModel, replyVariance } from '../analysis/noise.ts'
import { type Sensitivity, sensitivity } from '../analysis/sensitivity.ts'
import type { Graph } from '../graph/graph.ts'
import type { Circuit } from '../layout/circuit.ts'
import { pack } from '../layout/pack.ts'
import { lower } from '../passes/lower.ts'
import { type PixelScaling, type Program, registersOf, timed } from '../program/program.ts'
import type { Report } from '../program/report.ts'
import { type CostTable, defaultCostTable } from '../run/cost.ts'
import { splitSamples, syntheticSamples } from './calibration.ts'
import { contributions } from './error.ts'
import { inputHeadroom } from './range.ts'
import { assignScales } from './scales.ts'
import { search } from './search.ts'
import { shortfall } from './shortfall.ts'
import type { Candidate, Goal } from './sizes.ts'
import { largestOf, refuseConstant, verify } from './verify.ts'

/** What `compile` may be told; it chooses what is left out. */
export interface CompileOptions {
  /** What the model is called; default: the name of its input. */
  readonly name?: string
  /** Inputs to measure magnitudes on, one after the other; default: synthetic ones. */
  readonly samples?: Float64Array
  /** The largest error of an output may be 2^-precisionBits of the largest output. Default 10, which is 0.1 %. */
  readonly precisionBits?: number
  /** Bits that values may exceed their calibrated magnitude by. Default 2, which is four times. */
  readonly headroomBits?: number
  /** Ring degrees that may be used, ascending. Default 4096 to 32768. */
  readonly ringDegrees?: readonly number[]
  /** How pictures of bytes become inputs. Default: byte / 255. */
  readonly pixels?: PixelScaling
  /** What operations cost where the program will run; default: as measured here. */
  readonly costTable?: CostTable
}

/** Samples that noise is measured on; magnitudes come from all. */
const maxNoiseSamples = 8
const syntheticCount = 8
/** Of the error allowed, what trimming the reply may make and what is left for the rest: squares add up to 1. */
const replyShare = 0.35
const searchShare = Math.sqrt(1 - replyShare ** 2)

/**
 * Compiles a model to an encrypted program: composes affine maps, lays vectors out in slots and chooses the smallest parameters that are precise
 * enough at 128-bit security. Throws GloveboxError `unsupported` or `too-large`, naming the layer, where nothing fits.
 */
export function compile(graph: Graph, options: CompileOptions = {}): Program {
  const lowered = lower(graph)
  const size = lowered.nodes[0]!.size
  const given = options.samples
  const samples = given ?? syntheticSamples(graph.inputShape, syntheticCount)
  const vectors = splitSamples(samples, size)
  refuseConstant(lowered)
  const precision = options.precisionBits ?? 10
  if (!(precision > 0 && precision <= 40))
    throw new RangeError(`"precisionBits" expected a number from 0 to 40, got ${precision}`)
  const goal: Goal = {
    relativeError: 2 ** -precision * searchShare,
    headroom: options.headroomBits ?? 2,
    costTable: options.costTable ?? defaultCostTable,
  }
  const degrees = options.ringDegrees ?? [4096, 8192, 16384, 32768]
  const rejected: string[] = []
  let why: string | undefined
  let tooLarge: unknown
  for (const ringDegree of degrees) {
    let circuit: Circuit
    try {
      circuit = pack(lowered, ringDegree / 2)
    } catch (error) {
      if (!(error instanceof GloveboxError && error.code === 'too-large')) throw error
      tooLarge = error
      rejected.push(`ring degree ${ringDegree} is not enough: ${error.message}`)
      continue
    }
    const reach = measure(circuit, vectors)
    const finding = search(circuit, ringDegree, reach, goal)
    if (finding.candidate) {
      verify(graph, circuit, thin(vectors))
      const calibration = given
        ? `${vectors.length} given samples`
        : `${vectors.length} synthetic samples, uniform noise and bright rectangles in [0, 1]`
      return build(
        graph,
        finding.candidate,
        reach,
        goal,
        vectors,
        { calibration, notes: [...circuit.notes, ...rejected] },
        options,
      )
    }
    why = shortfall(finding, circuit, reach)
    rejected.push(`ring degree ${ringDegree} is not enough: ${why}`)
  }
  if (why === undefined) throw tooLarge ?? new RangeError('"ringDegrees" expected at least one ring degree, got none')
  throw new GloveboxError(
    'unsupported',
    `no parameters up to ring degree ${degrees.at(-1)} compute this model with a relative error of 2^-${precision}: ${why}`,
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

/** Magnitudes over all samples, sensitivity over a few. */
function measure(circuit: Circuit, samples: readonly Float64Array[]): Sensitivity {
  return sensitivity(circuit, thin(samples), samples.length <= maxNoiseSamples ? [] : samples)
}

function thin(samples: readonly Float64Array[]): readonly Float64Array[] {
  return samples.filter((_, i) => i % Math.ceil(samples.length / maxNoiseSamples) === 0)
}

/** The program of a candidate with the exact primes of its parameters. */
function build(
  graph: Graph,
  candidate: Candidate,
  reach: Sensitivity,
  goal: Goal,
  samples: readonly Float64Array[],
  facts: Pick<Report, 'calibration' | 'notes'>,
  options: CompileOptions,
): Program {
  const { circuit, timing, relinearise, literal } = candidate
  const params = createParams(literal)
  const wanted = new Map(
    [...candidate.sizes].map(([register, size]) => [register, 2 ** size / reach.magnitude[register]!]),
  )
  const scales = assignScales(candidate, params.primes, reach.magnitude, wanted)
  const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, scales.weights[i]!))
  const chain = params.primes.map(Math.log2)
  const model = noiseModel({ ...params, chain, special: params.special.map(Math.log2) })
  const variance = contributions(candidate, relinearise, model, reach, scales, params.primes).reduce(
    (sum, part) => sum + part.variance,
    0,
  )
  const last = circuit.steps.length
  const outputScale = scales.register[last]!
  const largestOutput = reach.magnitude[last]!
  const stride = params.slots / circuit.output.period
  const targetError = goal.relativeError / searchShare
  // 4 standard deviations, as everywhere.
  const allowed = ((targetError * replyShare * largestOutput * outputScale) / 4) ** 2
  const most = Math.min(40, Math.floor(chain[0]!))
  let bits = 2
  while (bits < most && replyVariance(params.ringDegree, chain[0]!, { bits, stride }) > allowed) bits++
  const reply = { bits, stride }
  const total = variance + replyVariance(params.ringDegree, chain[0]!, reply) / outputScale ** 2
  const program: Program = {
    name: options.name ?? graph.inputName,
    params: params.literal,
    input: {
      name: graph.inputName,
      shape: graph.inputShape,
      layout: circuit.input,
      level: params.maxLevel,
      scale: scales.register[0]!,
      // Synthetic samples come close to 1.
      largest:
        (options.samples ? largestOf(...samples) : 1) *
        inputHeadroom(candidate, params, reach, scales, thin(samples), goal.headroom),
      calibrated: options.samples ? rangeOf(samples) : { low: 0, high: 1 },
      pixels: options.pixels ?? { scale: 1 / 255, offset: 0 },
    },
    steps,
    relinearise,
    output: { name: graph.outputName, shape: graph.outputShape, layout: circuit.output, scale: outputScale, reply },
    report: {
      ...facts,
      largestOutput,
      relativeError: (4 * Math.sqrt(total)) / largestOutput,
      targetError,
    },
  }
  registersOf(program, params)
  return program
}
