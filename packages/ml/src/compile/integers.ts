import { createParams, GloveboxError } from '@glovebox/he'
import type { Graph } from '../graph/graph.ts'
import type { Circuit, LinearStep, Packing } from '../layout/circuit.ts'
import type { Model } from '../model/model.ts'
import { isMultiple } from '../program/integers.ts'
import { type PixelScaling, type Program, registersOf, timed } from '../program/program.ts'
import type { Report } from '../program/report.ts'
import { runClear } from '../run/clear.ts'
import { costOf } from '../run/cost.ts'
import { identityMap } from '../tensor/affine.ts'
import type { Facts } from './build.ts'
import { alternativesOf, cheapest, explore, rejectedRings } from './explore.ts'
import { type IntegerParams, integerParams, noiseOf } from './integer-params.ts'
import { circuitsOf } from './packings.ts'
import { priceOf } from './price.ts'
import { type Quantised, quantise, stepOf } from './quantise.ts'
import type { Goal } from './sizes.ts'
import { keptBy, pricedOf, type Structure } from './structure.ts'
import { largestOf, verify } from './verify.ts'

/** What is compiled, as `compile` has prepared it. */
export interface IntegerSource {
  readonly model: Model
  /** One affine map. */
  readonly lowered: Graph
  /** Samples. */
  readonly vectors: readonly Float64Array[]
  /** Samples, and sums of them. */
  readonly all: readonly Float64Array[]
  readonly facts: Facts
}

/** What is asked for. */
export interface IntegerGoal {
  readonly precision: number
  readonly goal: Pick<Goal, 'load' | 'costTable'>
  readonly degrees: readonly number[]
}

/** What pixels are scaled by where nobody says otherwise. */
const bytes: PixelScaling = { scale: 1 / 255, offset: 0 }
/** Samples that circuits are compared with the model on. */
const verified = 8
/** Replies have 40 bits at most, and a mask, so that results beyond this never fit. */
const largestModulus = 2 ** 31

/**
 * Refuses what is no affine map, before anything is approximated: BFV has no rounding, so that numbers would grow with every product. Throws GloveboxError
 * `unsupported`, naming the layer.
 */
export function requireAffine(graph: Graph, packing: Packing | undefined): void {
  if (packing === 'slots')
    throw new GloveboxError('unsupported', 'programs in BFV have coefficient or batch packing: slots need CKKS')
  const other = graph.nodes.find(({ op }) => op === 'activation' || op === 'multiply')
  if (!other) return
  const what = other.activation ? `is ${other.activation.kind}` : 'multiplies variables'
  throw new GloveboxError(
    'unsupported',
    `"${other.name}" ${what}, and programs in BFV are for affine models, whose results are exact integers: compile this one for CKKS (--scheme ckks)`,
  )
}

/** A program in BFV for an affine model: rounded to integers that no input in range makes wrap around, in the smallest parameters that are exact. */
export function compileIntegers(
  { model, lowered, vectors, all, facts }: IntegerSource,
  { precision, goal, degrees }: IntegerGoal,
  options: {
    readonly name?: string
    readonly pixels?: PixelScaling
    readonly packing?: Packing
    readonly headroomBits?: number
  },
): Program {
  const node = lowered.nodes[lowered.output]!
  const map = node.map ?? identityMap(node.size)
  const largestOutput = largestOf(...all.map((sample) => runClear(lowered, sample)))
  const { pixels = bytes } = options
  const step = facts.synthetic ? byteStep(model, pixels) : stepOf(vectors, pixels)
  const quantised = quantise(map, {
    range: rangeOf(model, facts, step, pixels),
    step,
    headroom: options.headroomBits,
    summands: facts.summands,
    error: 2 ** -precision * largestOutput,
  })
  const plaintextModulus = quantised ? 2 ** Math.ceil(Math.log2(2 * quantised.largest + 1)) : Infinity
  if (!quantised || plaintextModulus > largestModulus) throw tooWide(node.name, precision, plaintextModulus)
  const layouts = circuitsOf(lowered, degrees, options.packing).filter(({ packing }) => packing !== 'slots')
  if (layouts.length === 0)
    throw new GloveboxError('too-large', `"${node.name}" is too wide for coefficient and batch packing`)
  const tried = explore<Candidate>(layouts, goal.load, (circuit, ringDegree) => {
    const noise = { ...noiseOf(integerStepOf(circuit, quantised)), summands: facts.summands }
    const found = integerParams({ ...noise, ringDegree, plaintextModulus })
      .map((params) => candidateOf(circuit, params, goal))
      .sort((a, b) => a.price.milliseconds - b.price.milliseconds)[0]
    if (found) return { found, price: found.price }
    return { why: `integers modulo 2^${Math.log2(plaintextModulus)} and their noise do not fit its secure moduli` }
  })
  const best = cheapest(tried)
  if (!best?.found) {
    throw new GloveboxError(
      'unsupported',
      `no parameters up to ring degree ${degrees.at(-1)} compute "${node.name}" in integers with ${precision} bits of precision: ${tried.at(-1)!.why}; ask for fewer bits (--precision), or use CKKS (--scheme ckks)`,
    )
  }
  verify(model.graph, best.circuit, vectors.slice(0, verified))
  const { inputs: _, approximation: _none, calibration } = facts
  const report = {
    calibration,
    notes: [...best.circuit.notes, describe(quantised, plaintextModulus), ...rejectedRings(tried, best)],
    alternatives: alternativesOf(tried),
    largestOutput,
    relativeError: quantised.error / largestOutput,
    targetError: 2 ** -precision,
  }
  return programOf(model, best.found, quantised, facts, report, options)
}

/** Of a model that takes pictures as they are. */
function takesPictures({ graph, before }: Model): boolean {
  return before.length === 0 && graph.inputShape.filter((size) => size > 1).length > 1
}

/** The least number of integers for 1 that make scaled bytes integers, where there is a small one: from -1 to 1 they are odd multiples of 1/255. */
function byteStep(model: Model, { scale, offset }: PixelScaling): number | undefined {
  const steps = [1, 2, 4].map((parts) => parts / Math.abs(scale))
  return takesPictures(model) ? steps.find((step) => isMultiple(offset, step)) : undefined
}

/** The range of the samples; of pictures of bytes, that of all bytes. */
function rangeOf(
  model: Model,
  { inputs, synthetic }: Facts,
  step: number | undefined,
  pixels: PixelScaling,
): Facts['inputs'] {
  const ofBytes = step !== undefined && Math.abs(step / (byteStep(model, pixels) ?? Infinity) - 1) < 1e-9
  if (!takesPictures(model) || !(synthetic || ofBytes)) return inputs
  const ends = [pixels.offset, 255 * pixels.scale + pixels.offset]
  return { low: Math.min(inputs.low, ...ends), high: Math.max(inputs.high, ...ends) }
}

interface Candidate extends Structure {
  readonly params: IntegerParams
  readonly literal: IntegerParams['literal']
  readonly price: ReturnType<typeof priceOf>
}

/** A circuit in parameters: all at the top, and down to level 0 at the end. */
function candidateOf(circuit: Circuit, params: IntegerParams, goal: IntegerGoal['goal']): Candidate {
  const { literal } = params
  const top = literal.modulusBits.length - 1
  const timing = circuit.steps.map(() => ({ level: top, rescale: top > 0 }))
  const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, 1))
  const { milliseconds } = costOf(pricedOf(circuit, literal, steps, 'before', top), goal.costTable)
  const structure = {
    circuit,
    timing,
    inputLevel: top,
    relinearise: 'before',
    digitSize: 1,
    specials: 0,
    milliseconds,
  } as const
  return { ...structure, params, literal, price: priceOf({ ...structure, literal }, goal) }
}

/** The one step of a circuit with the weights as integers. */
function integerStepOf({ steps }: Circuit, { weightScale }: Quantised): LinearStep | undefined {
  const [step] = steps
  if (step?.op !== 'linear' || step.map.kind === 'rotations') return undefined
  const { matrix } = step.map
  const value = matrix.value.map((w) => Math.round(w * weightScale))
  return { ...step, map: { ...step.map, matrix: { ...matrix, value } } }
}

function programOf(
  { graph, before, after }: Model,
  { circuit, timing, literal, params, inputLevel }: Candidate,
  { inputScale, weightScale, integers }: Quantised,
  { inputs, summands, units }: Facts,
  report: Report,
  options: { readonly name?: string; readonly pixels?: PixelScaling },
): Program {
  const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, weightScale))
  const { packing, encoding } = circuit
  const program: Program = {
    name: options.name ?? graph.inputName,
    packing,
    encoding,
    params: literal,
    input: {
      name: graph.inputName,
      shape: graph.inputShape,
      before,
      layout: circuit.input,
      level: inputLevel,
      scale: inputScale,
      largest: Math.max(Math.abs(integers.low), Math.abs(integers.high)) || 1,
      calibrated: inputs,
      pixels: options.pixels ?? bytes,
      ...(summands > 1 && { summands }),
      integers,
    },
    steps,
    relinearise: 'before',
    output: {
      name: graph.outputName,
      shape: graph.outputShape,
      layout: circuit.output,
      scale: steps.length > 0 ? inputScale * weightScale : inputScale,
      reply: { bits: params.replyBits, ...keptBy(circuit, literal.ringDegree) },
      after,
      ...(units && { units }),
    },
    report,
  }
  registersOf(program, createParams(literal))
  return program
}

function describe({ inputScale, weightScale, integers, error }: Quantised, modulus: number): string {
  const of = (scale: number): string => (scale === 1 ? 'whole numbers' : `multiples of 1/${short(scale)}`)
  return (
    `exact integers modulo 2^${Math.log2(modulus)}: inputs are ${integers.multiples ? '' : 'rounded to '}${of(inputScale)} from ${short(integers.low)} to ${short(integers.high)}, ` +
    `weights rounded to ${of(weightScale)}; no output is off by more than ${error.toPrecision(2)}`
  )
}

function short(value: number): number {
  return Number(value.toPrecision(5))
}

function tooWide(name: string, precision: number, modulus: number): GloveboxError {
  const needed = modulus < Infinity ? `modulo 2^${Math.log2(modulus)}` : 'beyond 2^40'
  return new GloveboxError(
    'unsupported',
    `"${name}" needs integers ${needed} for ${precision} bits of precision, and programs in BFV have 2^${Math.log2(largestModulus)} at most: ` +
      'ask for fewer bits (--precision), calibrate on narrower inputs, or use CKKS (--scheme ckks)',
  )
}
