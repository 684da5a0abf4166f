import { checkSecurity, countPrimes, createParams } from '@glovebox/he'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Circuit } from '../layout/circuit.ts'
import { timed } from '../program/program.ts'
import { type CostTable, costOf } from '../run/cost.ts'
import { type Candidate, fitSizes, type Goal } from './sizes.ts'
import { largestPrime, type Structure, structuresOf } from './structure.ts'
import { scalesPerPrime } from './timing.ts'

/** What the search found for a ring degree: a candidate that meets the goal, or how near it came. */
export interface Finding {
  readonly candidate: Candidate | undefined
  readonly nearest: Candidate | undefined
  /** Levels that the least deep schedule needs. */
  readonly levels: number
}

/** Bytes that a client sends in a millisecond (50 Mbit/s), and predictions that share one upload of keys. */
const bytesPerMillisecond = 6250
const predictionsPerKeys = 1000
/** Sizes in bits are a guess at primes: the search asks for this much of the error allowed, the exact primes for all of it. */
const guessShare = 0.97

/**
 * Finds the parameters of least time for a client that meet the goal at one ring degree, over all schedules (where to rescale), digits of key
 * switching and sizes of primes. Time is server compute plus transport.
 */
export function search(circuit: Circuit, ringDegree: number, reach: Sensitivity, goal: Goal): Finding {
  const { limit } = checkSecurity('', ringDegree, [2], '128-classical')
  const structures = structuresOf(circuit, ringDegree, goal.costTable)
  const guess = { ...goal, relativeError: goal.relativeError * guessShare }
  let nearest: Candidate | undefined
  let best: { candidate: Candidate; time: number } | undefined
  for (const structure of structures) {
    if (structure.milliseconds > (best?.time ?? Infinity)) break
    const guessed = smallestPrimes(structure, ringDegree, limit, reach, guess)
    if (!guessed) continue
    const params = guessed.relativeError <= guess.relativeError ? createParams(guessed.literal) : undefined
    const candidate = params ? fitSizes(structure, guessed.literal, reach, goal, params) : guessed
    if (!candidate || candidate.relativeError > goal.relativeError) {
      if (!(guessed.relativeError >= (nearest?.relativeError ?? Infinity))) nearest = guessed
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
      output: { reply: { bits: 25, stride: 1 } },
    },
    table,
  )
  return (
    cost.milliseconds + (cost.uploadBytes + cost.replyBytes + cost.keyBytes / predictionsPerKeys) / bytesPerMillisecond
  )
}

/**
 * The fewest bits that meet the goal, or the most precise candidate where none does; undefined where not even one fits.
 * Starts from primes above a base in proportion to the scales that they divide away, and then takes bits away from one after the other.
 */
function smallestPrimes(
  structure: Structure,
  ringDegree: number,
  limit: number,
  reach: Sensitivity,
  goal: Goal,
): Candidate | undefined {
  const smallest = Math.log2(ringDegree) + 5
  const scales = scalesPerPrime(structure.circuit, structure.timing, structure.inputLevel)
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
    for (let bits = largestPrime; bits >= smallestScale; bits--) {
      const chain = [
        base,
        ...scales.map((count) => Math.max(smallest, Math.min(largestPrime, Math.round(count * bits)))),
      ]
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

/** Bits of the smallest scale that the search starts from. */
const smallestScale = 12

/** Whether there are as many primes of every size as are wanted. */
function enoughPrimes(sizes: readonly number[], ringDegree: number): boolean {
  return [...new Set(sizes)].every(
    (bits) => sizes.filter((other) => other === bits).length <= primesOfSize(bits, ringDegree),
  )
}

/** No chain is longer than this. */
const mostPrimes = 64
const counts = new Map<string, number>()

function primesOfSize(bits: number, ringDegree: number): number {
  // Far more than are ever wanted from here on.
  if (bits > Math.log2(ringDegree) + 16) return mostPrimes
  const key = `${bits} ${ringDegree}`
  let count = counts.get(key)
  if (count === undefined) {
    count = countPrimes(bits, ringDegree, mostPrimes)
    counts.set(key, count)
  }
  return count
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
