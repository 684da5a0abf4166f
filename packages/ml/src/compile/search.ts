import { checkSecurity, type ParamsLiteral } from '@glovebox/he'
import { noiseModel } from '../analysis/noise.ts'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Circuit } from '../layout/circuit.ts'
import { type Program, timed } from '../program/program.ts'
import { type CostTable, costOf } from '../run/cost.ts'
import { type Contribution, contributions } from './error.ts'
import { assignScales, freeRegisters, overflow, type TimedCircuit } from './scales.ts'
import { linearClasses, timeSteps } from './timing.ts'

/** What is asked for. */
export interface Goal {
  /** Largest error of an output, 4 standard deviations, relative to the largest output. */
  readonly relativeError: number
  /** Bits that values may exceed their calibrated magnitude by. */
  readonly headroom: number
  readonly costTable: CostTable
}

/** Parameters with all that the final program needs beside exact primes. */
export interface Candidate extends TimedCircuit {
  readonly literal: ParamsLiteral
  readonly inputLevel: number
  readonly relinearise: Program['relinearise']
  /** log2(scale · magnitude) of the free registers. */
  readonly sizes: ReadonlyMap<number, number>
  readonly relativeError: number
  readonly contributions: readonly Contribution[]
}

/** What the search found for a ring degree: a candidate that meets the goal, or how near it came. */
export interface Finding {
  readonly candidate: Candidate | undefined
  readonly nearest: Candidate | undefined
  /** Levels that the least deep schedule needs. */
  readonly levels: number
}

/** Below the bits of a prime that the search reckons with: primes are a little smaller than their power of two. */
const primeShortfall = 0.02
const largestPrime = 50
/** With more classes of linear steps than this all but the last are treated alike. */
const maxClasses = 4

interface Structure extends TimedCircuit {
  readonly inputLevel: number
  readonly relinearise: Program['relinearise']
  readonly digitSize: number
  readonly specials: number
  readonly milliseconds: number
}

/** Bytes that a client sends in a millisecond (50 Mbit/s), and predictions that share one upload of keys. */
const bytesPerMillisecond = 6250
const predictionsPerKeys = 1000

/**
 * Finds the parameters of least time for a client that meet the goal at one ring degree, over all schedules (where to rescale), digits of key
 * switching and sizes of primes. Time is server compute plus transport.
 */
export function search(circuit: Circuit, ringDegree: number, reach: Sensitivity, goal: Goal): Finding {
  const { limit } = checkSecurity('', ringDegree, [2], '128-classical')
  const structures = structuresOf(circuit, ringDegree, goal.costTable).sort((a, b) => a.milliseconds - b.milliseconds)
  let nearest: Candidate | undefined
  let best: { candidate: Candidate; time: number } | undefined
  for (const structure of structures) {
    if (structure.milliseconds > (best?.time ?? Infinity)) break
    const candidate = smallestPrimes(structure, ringDegree, limit, reach, goal)
    if (!candidate) continue
    if (candidate.relativeError > goal.relativeError) {
      if (!(candidate.relativeError >= (nearest?.relativeError ?? Infinity))) nearest = candidate
      continue
    }
    const time = timeOf(candidate, goal.costTable)
    if (!best || time < best.time) best = { candidate, time }
  }
  return { candidate: best?.candidate, nearest, levels: Math.min(...structures.map(({ inputLevel }) => inputLevel)) }
}

function timeOf({ circuit, timing, literal, inputLevel, relinearise }: Candidate, table: CostTable): number {
  const cost = costOf(
    {
      params: literal,
      steps: circuit.steps.map((step, i) => timed(step, timing[i]!, 1)),
      relinearise,
      input: { level: inputLevel },
      output: { reply: typicalReply },
    },
    table,
  )
  return (
    cost.milliseconds + (cost.uploadBytes + cost.replyBytes + cost.keyBytes / predictionsPerKeys) / bytesPerMillisecond
  )
}

const typicalReply = { bits: 25, stride: 1 }

function structuresOf(circuit: Circuit, ringDegree: number, table: CostTable): Structure[] {
  const { count } = linearClasses(circuit)
  const found: Structure[] = []
  for (const early of earlyChoices(count)) {
    const { steps: timing, inputLevel } = timeSteps(circuit, early)
    const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, 1))
    for (const relinearise of ['after', 'before'] as const) {
      for (const [digitSize, specials] of digitChoices(inputLevel)) {
        const literal: ParamsLiteral = {
          scheme: 'ckks',
          ringDegree,
          modulusBits: new Array<number>(inputLevel + 1).fill(largestPrime),
          specialBits: new Array<number>(specials).fill(largestPrime),
          digitSize,
        }
        const priced = {
          params: literal,
          steps,
          relinearise,
          input: { level: inputLevel },
          output: { reply: typicalReply },
        }
        const { milliseconds } = costOf(priced, table)
        found.push({ circuit, timing, inputLevel, relinearise, digitSize, specials, milliseconds })
      }
    }
  }
  return found
}

/** Which classes of linear steps are rescaled on their own. The last class is the output's. */
function earlyChoices(count: number): boolean[][] {
  if (count <= maxClasses) {
    return Array.from({ length: 2 ** count }, (_, bits) =>
      Array.from({ length: count }, (_, i) => ((bits >> i) & 1) === 1),
    )
  }
  return [false, true].flatMap((inner) =>
    [false, true].map((last) => Array.from({ length: count }, (_, i) => (i < count - 1 ? inner : last))),
  )
}

/** Primes in a digit, and special primes. More special primes than a digit needs make key switching less noisy. */
function digitChoices(inputLevel: number): [number, number][] {
  const choices: [number, number][] = [
    [1, 1],
    [1, 2],
  ]
  for (let size = 2; size <= Math.min(4, inputLevel + 1); size++) choices.push([size, size])
  return choices
}

/**
 * The fewest bits that meet the goal, or the most precise candidate where none does; undefined where not even one fits.
 * Starts from equal primes above a base and then takes bits away from one prime after the other.
 */
function smallestPrimes(
  structure: Structure,
  ringDegree: number,
  limit: number,
  reach: Sensitivity,
  goal: Goal,
): Candidate | undefined {
  const smallest = Math.log2(ringDegree) + 8
  const fit = (modulusBits: readonly number[]): Candidate | undefined => {
    const specialBits = chooseSpecial(modulusBits, structure, limit)
    if (!specialBits || !enoughPrimes([...modulusBits, ...specialBits], ringDegree)) return undefined
    return fitSizes(
      structure,
      { scheme: 'ckks', ringDegree, modulusBits, specialBits, digitSize: structure.digitSize },
      reach,
      goal,
    )
  }
  let best: Candidate | undefined
  for (let base = largestPrime; base >= 30; base -= 4) {
    for (let bits = largestPrime; bits >= smallest; bits--) {
      const chain = [base, ...new Array<number>(structure.inputLevel).fill(bits)]
      if (!chooseSpecial(chain, structure, limit) || !enoughPrimes(chain, ringDegree)) continue
      const candidate = fit(chain)
      if (!candidate) break
      if (!best || better(candidate, best, goal.relativeError)) best = candidate
      if (candidate.relativeError > goal.relativeError || structure.inputLevel === 0) break
    }
  }
  for (let shrunk = best !== undefined && best.relativeError <= goal.relativeError; shrunk; ) {
    shrunk = false
    for (let i = 0; i <= structure.inputLevel; i++) {
      const candidate = fit(best!.literal.modulusBits.map((bits, k) => (k === i ? bits - 1 : bits)))
      if (candidate && candidate.relativeError <= goal.relativeError) {
        best = candidate
        shrunk = true
      }
    }
  }
  return best
}

/**
 * Whether there are as many primes of every size that are 1 modulo 2N: about 2^bits / (2N bits ln 2), of which the search counts on half.
 * The smallest size is N times 2^8.
 */
function enoughPrimes(sizes: readonly number[], ringDegree: number): boolean {
  return sizes.every((bits) => {
    const expected = 2 ** bits / (2 * ringDegree * bits * Math.LN2)
    return bits >= Math.log2(ringDegree) + 8 && sizes.filter((other) => other === bits).length <= expected / 2
  })
}

function better(a: Candidate, b: Candidate, target: number): boolean {
  const total = ({ literal }: Candidate): number => literal.modulusBits.reduce((sum, bits) => sum + bits, 0)
  const [aMeets, bMeets] = [a.relativeError <= target, b.relativeError <= target]
  if (aMeets !== bMeets) return aMeets
  return aMeets ? total(a) < total(b) : a.relativeError < b.relativeError
}

/** Special primes as large as the security limit allows; undefined where a digit would be larger than their product. */
function chooseSpecial(
  chain: readonly number[],
  { digitSize, specials }: Structure,
  limit: number,
): number[] | undefined {
  const total = chain.reduce((sum, bits) => sum + bits, 0)
  const bits = Math.min(largestPrime, Math.floor((limit - total) / specials))
  let widest = 0
  for (let i = 0; i < chain.length; i += digitSize) {
    widest = Math.max(
      widest,
      chain.slice(i, i + digitSize).reduce((sum, b) => sum + b, 0),
    )
  }
  return bits * specials >= widest ? new Array<number>(specials).fill(bits) : undefined
}

/** Sizes of the free registers by coordinate descent on the predicted error; undefined where nothing fits the moduli. */
function fitSizes(structure: Structure, literal: ParamsLiteral, reach: Sensitivity, goal: Goal): Candidate | undefined {
  const chain = literal.modulusBits.map((bits) => bits - primeShortfall)
  const primes = chain.map((bits) => 2 ** bits)
  const special = literal.specialBits.map((bits) => bits - primeShortfall)
  const model = noiseModel({ ringDegree: literal.ringDegree, chain, special, digitSize: structure.digitSize })
  const free = freeRegisters(structure.circuit)
  const output = structure.circuit.steps.length
  // Noise stays below a sixteenth of the values everywhere, so that products of noise with noise, which the prediction leaves out, are small.
  const smallestSize = 16 * Math.sqrt(model.keySwitch(structure.inputLevel))
  const smallestWeights = structure.circuit.steps.map(
    (_, i) => (16 * Math.sqrt(model.plaintext * reach.ownWeights[i]!)) / reach.magnitude[i + 1]!,
  )

  const evaluate = (sizes: ReadonlyMap<number, number>): { variance: number; parts: Contribution[] } | undefined => {
    const wanted = new Map([...sizes].map(([register, size]) => [register, 2 ** size / reach.magnitude[register]!]))
    const scales = assignScales(structure, primes, reach.magnitude, wanted)
    if (scales.register.some((scale, register) => !(scale * reach.magnitude[register]! >= smallestSize)))
      return undefined
    if (scales.weights.some((scale, i) => !(scale >= smallestWeights[i]!))) return undefined
    if (!(overflow(structure, chain, reach, scales, goal.headroom) <= 0)) return undefined
    const parts = contributions(structure, structure.relinearise, model, reach, scales, primes)
    return { variance: parts.reduce((sum, part) => sum + part.variance, 0), parts }
  }

  let best: { sizes: Map<number, number>; variance: number; parts: Contribution[] } | undefined
  const attempt = (sizes: Map<number, number>): boolean => {
    const result = evaluate(sizes)
    if (!result || !(result.variance < (best?.variance ?? Infinity))) return false
    best = { sizes, ...result }
    return true
  }
  for (let size = 12; size <= 44; size += 2) {
    for (const last of [size, chain[0]! - goal.headroom - 1.01]) {
      attempt(new Map(free.map((register) => [register, register === output ? last : size])))
    }
  }
  for (let stride = 4; best && stride >= 0.5; stride /= 2) {
    for (let improved = true; improved; ) {
      improved = false
      for (const register of free) {
        for (const change of [stride, -stride]) {
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
    relativeError: (4 * Math.sqrt(best.variance)) / reach.magnitude[output]!,
    contributions: best.parts,
  }
}
