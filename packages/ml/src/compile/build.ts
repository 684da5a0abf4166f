import { createParams } from '@glovebox/he'
import { noiseModel, replyVariance } from '../analysis/noise.ts'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Model } from '../model/model.ts'
import { type PixelScaling, type Program, type ProgramInput, registersOf, timed } from '../program/program.ts'
import type { Report } from '../program/report.ts'
import { deviationsOf } from './deviations.ts'
import { contributions } from './error.ts'
import { inputHeadroom } from './range.ts'
import { assignScales } from './scales.ts'
import { type Candidate, type Goal, mostReplyBits, searchShare } from './sizes.ts'
import { keptBy } from './structure.ts'

/** What a program says of itself that the search does not change. */
export interface Facts extends Pick<Report, 'calibration' | 'approximation'> {
  /** The least and the largest element of the samples. */
  readonly inputs: ProgramInput['calibrated']
  /** Whether there are no samples, but pictures that were made up. */
  readonly synthetic: boolean
  /** Samples in a sum. */
  readonly summands: number
  /** Of the outputs, where they have some. */
  readonly units: readonly number[] | undefined
}

/** The program of a candidate with the exact primes of its parameters. */
export function build(
  { graph, before, after }: Model,
  candidate: Candidate,
  reach: Sensitivity,
  goal: Goal,
  samples: readonly Float64Array[],
  { inputs, summands, units, synthetic: _, ...facts }: Facts & Pick<Report, 'notes' | 'alternatives'>,
  options: { readonly name?: string; readonly pixels?: PixelScaling },
): Program {
  const { circuit, timing, relinearise, literal } = candidate
  const params = createParams(literal)
  const wanted = new Map(
    [...candidate.sizes].map(([register, size]) => [register, 2 ** size / reach.magnitude[register]!]),
  )
  const scales = assignScales(candidate, params.primes, reach.magnitude, wanted)
  const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, scales.weights[i]!))
  const chain = params.primes.map(Math.log2)
  const { packing, encoding } = circuit
  const model = noiseModel({ ...params, chain, special: params.special.map(Math.log2), encoding, summands })
  const variance = contributions(candidate, relinearise, model, reach, scales, params.primes).reduce(
    (sum, part) => sum + part.variance,
    0,
  )
  const last = circuit.steps.length
  const outputScale = scales.register[last]!
  const largestOutput = reach.magnitude[last]!
  const kept = keptBy(circuit, params.ringDegree)
  const targetError = goal.relativeError / searchShare
  const deviations = deviationsOf(circuit)
  const allowed = ((goal.replyError * largestOutput * outputScale) / deviations) ** 2
  const most = mostReplyBits(chain[0]!)
  let bits = 2
  while (bits < most && replyVariance(params.ringDegree, chain[0]!, { bits, ...kept }, encoding) > allowed) bits++
  const reply = { bits, ...kept }
  const total = variance + replyVariance(params.ringDegree, chain[0]!, reply, encoding) / outputScale ** 2
  const program: Program = {
    name: options.name ?? graph.inputName,
    packing,
    encoding,
    params: params.literal,
    input: {
      name: graph.inputName,
      shape: graph.inputShape,
      before,
      layout: circuit.input,
      level: params.maxLevel,
      scale: scales.register[0]!,
      largest:
        summands *
        Math.max(Math.abs(inputs.low), Math.abs(inputs.high)) *
        inputHeadroom(candidate, params, reach, scales, samples, goal.headroom),
      calibrated: inputs,
      pixels: options.pixels ?? { scale: 1 / 255, offset: 0 },
      ...(summands > 1 && { summands }),
    },
    steps,
    relinearise,
    output: {
      name: graph.outputName,
      shape: graph.outputShape,
      layout: circuit.output,
      scale: outputScale,
      reply,
      after,
      ...(units && { units }),
    },
    report: {
      ...facts,
      largestOutput,
      relativeError: (deviations * Math.sqrt(total)) / largestOutput,
      targetError,
    },
  }
  registersOf(program, params)
  return program
}
