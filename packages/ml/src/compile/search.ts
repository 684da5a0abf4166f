import { checkSecurity, countPrimes, createParams, type Params, type ParamsLiteral } from '@glovebox/he'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Circuit } from '../layout/circuit.ts'
import { priceOf } from './price.ts'
import { type Candidate, fitSizes, type Goal } from './sizes.ts'
import { largestPrime, type Structure, structuresOf } from './structure.ts'
import { scalesPerPrime } from './timing.ts'

/** What the search found for a ring degree: a candidate that meets the goal, or how near it came. */
export interface Finding {
  readonly candidate: Candidate | undefined
  readonly nearest: Candidate | undefined
  /** Whether primes for some schedule are within the security limit, whatever the scales. */
  readonly secure: boolean
  /** Levels that the least deep schedule needs. */
  readonly levels: number
}

/** Sizes in bits are a guess at primes: the search asks for this much of the error allowed, the exact primes for all of it. */
const guessShare = 0.97

/**
 * Finds the parameters of least time for a client that meet the goal at one ring degree, over all schedules (where to rescale), digits of key
 * switching and sizes of primes. Time is server compute plus transport.
 */
export function search(circuit: Circuit, ringDegree: number, reach: Sensitivity, goal: Goal): Finding {
  const { limit } = checkSecurity('', ringDegree, [2], '128-classical')
  const structures = structuresOf(circuit, ringDegree, goal.costTable)
  const space: Space = { ringDegree, limit, reach, goal: { ...goal, relativeError: goal.relativeError * guessShare } }
  const hopeful = new Map<Structure['timing'], boolean>()
  let secure = false
  let nearest: Candidate | undefined
  let best: { candidate: Candidate; time: number } | undefined
  const near = (candidate: Candidate | undefined): void => {
    if (candidate && !(candidate.relativeError >= (nearest?.relativeError ?? Infinity))) nearest = candidate
  }
  /** Whether a schedule meets the goal at all; relinearising before rescaling is the more precise way. */
  const worthwhile = ({ timing }: Structure): boolean => {
    const known = hopeful.get(timing)
    if (known !== undefined) return known
    const meets = structures.some((structure) => {
      if (structure.timing !== timing || structure.relinearise === 'after') return false
      const top = mostPrecise(structure, space)
      near(top.candidate)
      secure ||= top.secure
      return top.candidate !== undefined && top.candidate.relativeError <= space.goal.relativeError
    })
    hopeful.set(timing, meets)
    return meets
  }
  let tried = 0
  for (const structure of structures) {
    if (best && structure.milliseconds + transportShare * (best.time - best.candidate.milliseconds) > best.time) break
    if (tried === maxTried) break
    if (!worthwhile(structure)) continue
    tried++
    const guessed = smallestPrimes(structure, space)
    if (!guessed) continue
    const candidate = guessed.relativeError <= space.goal.relativeError ? settle(guessed, space, goal) : undefined
    if (!candidate) {
      near(guessed)
      continue
    }
    const time = priceOf(candidate, goal).milliseconds
    if (!best || time < best.time) best = { candidate, time }
  }
  const levels = Math.min(...structures.map(({ inputLevel }) => inputLevel))
  return { candidate: best?.candidate, nearest, secure, levels }
}

/** A guess with exact primes, which take a bit or two more where the guess was too good. */
function settle(guessed: Candidate, space: Space, goal: Goal): Candidate | undefined {
  for (let extra = 0; extra <= 2; extra++) {
    const sizes = guessed.literal.modulusBits.map((bits) => Math.min(largestPrime, bits + extra))
    const roomy = extra === 0 ? guessed : fit(guessed, sizes, space, guessed.sizes)
    const params = roomy && exactParams(roomy.literal)
    const exact = params && fitSizes(roomy, roomy.literal, space.reach, goal, { params, start: roomy.sizes })
    if (exact && exact.relativeError <= goal.relativeError) return exact
  }
  return undefined
}

/** Undefined where special primes are too small for a digit after all: small primes may lie far from their powers of two. */
function exactParams(literal: ParamsLiteral): Params | undefined {
  try {
    return createParams(literal)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** What does not depend on the structure; the goal is the one for guessed primes. */
interface Space {
  readonly ringDegree: number
  readonly limit: number
  readonly reach: Sensitivity
  readonly goal: Goal
}

/** Undefined where primes of these sizes are not secure, not there, or no scales fit them. */
function fit(
  structure: Structure,
  modulusBits: readonly number[],
  { ringDegree, limit, reach, goal }: Space,
  start?: ReadonlyMap<number, number>,
): Candidate | undefined {
  const specialBits = chooseSpecial(modulusBits, structure, limit)
  if (!specialBits || !enoughPrimes([...modulusBits, ...specialBits], ringDegree)) return undefined
  const literal: ParamsLiteral = {
    scheme: 'ckks',
    ringDegree,
    modulusBits,
    specialBits,
    digitSize: structure.digitSize,
  }
  return fitSizes(structure, literal, reach, goal, start && { start })
}

/** Primes above a base in proportion to the scales that they divide away. */
function chainOf(structure: Structure, ringDegree: number, base: number, bits: number): number[] {
  const smallest = Math.log2(ringDegree) + 5
  const scales = scalesPerPrime(structure.circuit, structure.timing, structure.inputLevel)
  return [base, ...scales.map((count) => Math.max(smallest, Math.min(largestPrime, Math.round(count * bits))))]
}

/** The largest secure chain with a base. */
function largestChain(structure: Structure, { ringDegree, limit }: Space, base: number): number | undefined {
  for (let bits = largestPrime; bits >= smallestScale; bits--) {
    const chain = chainOf(structure, ringDegree, base, bits)
    if (chooseSpecial(chain, structure, limit) && enoughPrimes(chain, ringDegree)) return bits
  }
  return undefined
}

/** The most precise candidate of all bases, or the first that meets the goal. */
function mostPrecise(structure: Structure, space: Space): { candidate: Candidate | undefined; secure: boolean } {
  let candidate: Candidate | undefined
  let secure = false
  for (const base of bases) {
    const bits = largestChain(structure, space, base)
    if (bits === undefined) continue
    secure = true
    const found = fit(structure, chainOf(structure, space.ringDegree, base, bits), space)
    if (found && (!candidate || better(found, candidate, space.goal.relativeError))) candidate = found
    if (candidate && candidate.relativeError <= space.goal.relativeError) break
  }
  return { candidate, secure }
}

/**
 * The fewest bits that meet the goal, or the most precise candidate where none does; undefined where not even one fits.
 * Bisects the size of a scale for every size of the base, and then takes bits away from one prime after the other.
 */
function smallestPrimes(structure: Structure, space: Space): Candidate | undefined {
  const target = space.goal.relativeError
  let best: Candidate | undefined
  const attempt = (chain: readonly number[]): boolean => {
    const candidate = fit(structure, chain, space, best?.sizes)
    if (candidate && (!best || better(candidate, best, target))) best = candidate
    return candidate !== undefined && candidate.relativeError <= target
  }
  for (const base of bases) {
    let meets = largestChain(structure, space, base)
    if (meets === undefined || !attempt(chainOf(structure, space.ringDegree, base, meets))) continue
    for (let misses = smallestScale - 1; meets - misses > 1 && structure.inputLevel > 0; ) {
      const bits: number = (meets + misses) >> 1
      if (attempt(chainOf(structure, space.ringDegree, base, bits))) meets = bits
      else misses = bits
    }
  }
  for (let shrunk = best !== undefined && best.relativeError <= target; shrunk; ) {
    shrunk = false
    for (let i = 0; i <= structure.inputLevel; i++) {
      if (attempt(best!.literal.modulusBits.map((bits, k) => (k === i ? bits - 1 : bits)))) shrunk = true
    }
  }
  return best
}

/** Sizes of the base that the search starts from. */
const bases = [50, 46, 42, 38, 34, 30]
/** Structures whose primes are looked for at most, cheapest first. */
const maxTried = 200
/** Transport of a faster structure is taken to be at least this much of the best one's: it depends on the bits in all, which change little. */
const transportShare = 0.85
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
  if (specials === 0) return total <= limit ? [] : undefined
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
