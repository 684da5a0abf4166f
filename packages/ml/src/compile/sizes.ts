import type { Params, ParamsLiteral } from '@glovebox/he'
import { noiseModel, replyVariance } from '../analysis/noise.ts'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { CostTable } from '../run/cost.ts'
import { deviationsOf } from './deviations.ts'
import { type Contribution, contributions } from './error.ts'
import type { Load } from './price.ts'
import { assignScales, freeRegisters, overflow } from './scales.ts'
import { keptBy, type Structure } from './structure.ts'

/** What is asked for. */
export interface Goal {
  /** Largest error of an output, so many standard deviations as `deviationsOf` has, relative to the largest output. */
  readonly relativeError: number
  /** The same of what trimming the reply adds; it comes on top. */
  readonly replyError: number
  /** Bits that values may exceed their calibrated magnitude by. */
  readonly headroom: number
  /** Encryptions that an input may be the sum of. */
  readonly summands: number
  readonly costTable: CostTable
  /** What programs are compared for. */
  readonly load: Load
}

/** Parameters with all that the final program needs beside exact primes. */
export interface Candidate extends Structure {
  readonly literal: ParamsLiteral
  /** log2(scale · magnitude) of the free registers. */
  readonly sizes: ReadonlyMap<number, number>
  readonly relativeError: number
  readonly contributions: readonly Contribution[]
}

/** Of the error allowed, what trimming the reply may make and what is left for the rest: squares add up to 1. */
export const replyShare = 0.35
export const searchShare: number = Math.sqrt(1 - replyShare ** 2)

/** Bits of a coefficient that a reply may have, by those of the base. */
export function mostReplyBits(baseBits: number): number {
  return Math.min(40, Math.floor(baseBits))
}

/** The largest weight of a map as an integer, at least: rounding makes it, and the noise that it carries, an eighth larger at most. */
const leastWeight = 4

/** What primes are assumed to miss of their power of two, in bits. */
const primeShortfall = 0.02

/**
 * Sizes of the free registers by coordinate descent on the predicted error; undefined where nothing fits the moduli.
 * With `params` the primes are exact, else a little below their powers of two and the first sizes that meet the goal are enough;
 * `start` is tried before all others.
 */
export function fitSizes(
  structure: Structure,
  literal: ParamsLiteral,
  reach: Sensitivity,
  goal: Goal,
  { params, start }: { readonly params?: Params; readonly start?: ReadonlyMap<number, number> } = {},
): Candidate | undefined {
  const chain = params?.primes.map(Math.log2) ?? literal.modulusBits.map((bits) => bits - primeShortfall)
  const primes = params?.primes ?? chain.map((bits) => 2 ** bits)
  const special = params?.special.map(Math.log2) ?? literal.specialBits.map((bits) => bits - primeShortfall)
  const { ringDegree } = literal
  const { digitSize, circuit } = structure
  const deviations = deviationsOf(circuit)
  const model = noiseModel({
    ringDegree,
    chain,
    special,
    digitSize,
    encoding: circuit.encoding,
    summands: goal.summands,
  })
  const free = freeRegisters(structure.circuit)
  const output = structure.circuit.steps.length
  // Noise stays below a sixteenth of the values everywhere, so that products of noise with noise, which the prediction leaves out, are small.
  const smallestSize = 16 * Math.sqrt(special.length > 0 ? model.keySwitch(structure.inputLevel) : model.fresh)
  const smallestWeights = structure.circuit.steps.map((step, i) => {
    const rounding = step.op === 'linear' && step.map.kind === 'scalars' ? model.scalar : model.plaintext
    const precise = (16 * Math.sqrt(rounding * reach.ownWeights[i]!)) / reach.magnitude[i + 1]!
    // Rounded weights carry the noise of what they multiply: beside a large bias they might all be next to nothing.
    const largest = reach.largestWeight[i]!
    return Math.max(precise, largest > 0 ? leastWeight / largest : 0)
  })

  // A small base leaves few bits for the reply, however little it is trimmed.
  const bits = mostReplyBits(chain[0]!)
  const leastReply = replyVariance(ringDegree, chain[0]!, { bits, ...keptBy(circuit, ringDegree) }, circuit.encoding)

  const evaluate = (sizes: ReadonlyMap<number, number>): { variance: number; parts: Contribution[] } | undefined => {
    const wanted = new Map([...sizes].map(([register, size]) => [register, 2 ** size / reach.magnitude[register]!]))
    const scales = assignScales(structure, primes, reach.magnitude, wanted)
    // The encoder and rescaling refuse scales below 1.
    if (scales.register.some((scale) => !(scale >= 1)) || scales.weights.some((scale) => !(scale >= 1)))
      return undefined
    if (scales.register.some((scale, register) => !(scale * reach.magnitude[register]! >= smallestSize)))
      return undefined
    if (scales.weights.some((scale, i) => !(scale >= smallestWeights[i]!))) return undefined
    if (!(overflow(structure, chain, reach, scales, goal.headroom) <= 0)) return undefined
    const parts = contributions(structure, structure.relinearise, model, reach, scales, primes)
    const excess =
      leastReply / scales.register[output]! ** 2 - ((goal.replyError * reach.magnitude[output]!) / deviations) ** 2
    if (excess > 0) parts.push({ name: 'reply', variance: excess })
    return { variance: parts.reduce((sum, part) => sum + part.variance, 0), parts }
  }

  let best: { sizes: Map<number, number>; variance: number; parts: Contribution[] } | undefined
  const attempt = (sizes: Map<number, number>): boolean => {
    const result = evaluate(sizes)
    if (!result || !(result.variance < (best?.variance ?? Infinity))) return false
    best = { sizes, ...result }
    return true
  }
  const enough = params ? 0 : ((goal.relativeError * reach.magnitude[output]!) / deviations) ** 2
  const done = (): boolean => best !== undefined && best.variance <= enough
  if (start) attempt(new Map(start))
  for (let size = 12; size <= 44 && !done(); size += 2) {
    // A product that is not rescaled has the scales of both its factors.
    const own = (register: number): number =>
      structure.circuit.steps[register - 1]?.op === 'multiply' && !structure.timing[register - 1]!.rescale
        ? 2 * size
        : size
    for (const last of [size, chain[0]! - goal.headroom - 1.01]) {
      attempt(new Map(free.map((register) => [register, register === output ? last : own(register)])))
    }
  }
  for (let stride = 4; best && stride >= 0.5; stride /= 2) {
    for (let improved = true; improved && !done(); ) {
      improved = false
      for (const register of free) {
        for (const change of [stride, -stride]) {
          if (done()) break
          improved = attempt(new Map(best.sizes).set(register, best.sizes.get(register)! + change)) || improved
        }
      }
    }
  }
  if (!best) return undefined
  return {
    ...structure,
    literal,
    sizes: best.sizes,
    relativeError: (deviations * Math.sqrt(best.variance)) / reach.magnitude[output]!,
    contributions: best.parts,
  }
}
