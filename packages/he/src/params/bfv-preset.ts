import { GloveboxError } from '../base/errors.ts'
import { bfvBudgets } from './bfv-noise.ts'
import { otherPrimes, sizeOf } from './chain.ts'
import { type KeySwitchingPlan, planKeySwitching } from './key-switching.ts'
import type { ParamsLiteral } from './params.ts'
import {
  type Fitted,
  limitOf,
  presetDegrees,
  requireOption,
  requireRingDegree,
  smallestRing,
} from './preset-options.ts'
import { countPrimes, nttPrimes } from './primes.ts'
import { log2Product, type SecurityTarget } from './security.ts'

/** What a BFV circuit needs: `depth`, and either `plaintextBits` or `plaintextModulus`. */
export interface BfvPresetOptions {
  /** To be stated: without it `planPreset` plans for CKKS. */
  readonly scheme: 'bfv'
  /** Products of values that are products themselves: a^8 by squaring has depth 3. An integer from 0 to 40. */
  readonly depth: number
  /** Size of t, an integer from 2 to 32 bits: t is the largest prime of this size that is 1 modulo 2N, so that there are N slots; none is below 2N. */
  readonly plaintextBits?: number
  /** t itself, an integer from 2 to 2^32; without slots unless it is a prime that is 1 modulo 2N. */
  readonly plaintextModulus?: number
  /** N, a power of two from 2048 to 65536; default: the smallest that fits. */
  readonly ringDegree?: number
  /** Whether there are to be special primes, for keys of relinearisation and rotations; default true. */
  readonly keySwitching?: boolean
  /** The share of rotations that are hoisted, from 0 to 1, for the choice of digits; default 0. */
  readonly hoisted?: number
  /** What every published object is held to; default `128-classical`. */
  readonly security?: SecurityTarget
}

/** A literal for BFV with what it promises. */
export interface BfvPreset {
  /** To be given to `createParams` or `openBfv`. */
  readonly literal: ParamsLiteral
  /** As it was asked for: 0 to 40 products. */
  readonly depth: number
  /**
   * Noise budgets in bits, at least, of a fresh encryption under a public key and after 1 … depth products: depth + 1 numbers, the last 1 or more.
   * Costache, Laine, Player 2020 (eprint 2019/493), section 4.
   */
  readonly budgets: readonly number[]
  /** log2 of Q·P, the modulus of the largest published object, in bits; at most `limit`. */
  readonly bits: number
  /** The most that the security target allows for `bits`, by the tables of `securityLimits`. */
  readonly limit: number
  /** Special primes and digits, chosen for keys at the top level, and what else there was to choose; undefined where no keys are needed. */
  readonly keySwitching: KeySwitchingPlan | undefined
}

/** Transforms of primes below 2^49 need no reduction in between. */
const largestPrime = 49
const deepest = 40
/** Bits of budget that must be left, beyond the bound. */
const reserve = 1

function requireOptions(options: BfvPresetOptions): void {
  if (options.depth === undefined) throw new TypeError('"depth" expected an integer, got undefined')
  requireOption('depth', options.depth, 0, deepest)
  requireOption('plaintextBits', options.plaintextBits, 2, 32)
  requireOption('plaintextModulus', options.plaintextModulus, 2, 2 ** 32)
  requireOption('hoisted', options.hoisted, 0, 1, false)
  if ((options.plaintextBits === undefined) === (options.plaintextModulus === undefined))
    throw new TypeError('either "plaintextBits" or "plaintextModulus" expected, got both or neither')
  requireRingDegree(options.ringDegree)
}

/** See `planPreset`. */
export function planBfvPreset(options: BfvPresetOptions): BfvPreset {
  requireOptions(options)
  return smallestRing(
    options.ringDegree,
    (n) => fitRing(options, n),
    (n) => advice(options, n),
  )
}

function fitRing(options: BfvPresetOptions, ringDegree: number): Fitted<BfvPreset> {
  const { depth, security = '128-classical', keySwitching = true, hoisted = 0 } = options
  const { limit, standard } = limitOf(ringDegree, security)
  if (limit === 0) return { reason: `no table states ${security} for N = ${ringDegree}` }
  const bits = options.plaintextBits
  if (bits !== undefined && countPrimes(bits, ringDegree, 1) === 0)
    return {
      reason: `there is no prime of ${bits} bits that is 1 modulo ${2 * ringDegree}, so no plaintext modulus with slots at N = ${ringDegree}`,
    }
  const t = options.plaintextModulus ?? nttPrimes(bits!, 1, ringDegree)[0]!
  const what = `depth ${depth} modulo t = ${t}`
  const allows = `${security} (${standard}) allows ${limit} at N = ${ringDegree}`
  const smallest = Math.ceil(Math.log2(ringDegree)) + 2
  // Key switching adds what the model says once the digits are known; until then as much as rounding.
  for (let logQ = smallest; logQ <= limit; logQ++) {
    const guess = bfvBudgets({ ringDegree, plaintextModulus: t, logQ, keySwitchBits: Math.log2(ringDegree) / 2 }, depth)
    if (guess.at(-1)! < reserve) continue
    const sizes = chainSizes(logQ)
    if (sizes[0]! < smallest) continue
    let chain: number[]
    try {
      chain = otherPrimes(sizes, ringDegree, [t])
    } catch (error) {
      if (error instanceof GloveboxError && error.code === 'no-primes') continue
      throw error
    }
    const exact = log2Product(chain)
    if (exact > limit) break
    let plan: KeySwitchingPlan | undefined
    if (keySwitching) {
      try {
        plan = planKeySwitching({ ringDegree, modulusBits: chain.map(Math.log2), security, hoisted })
      } catch (error) {
        if (!(error instanceof GloveboxError)) throw error
        return { reason: `${what} takes a modulus of ${logQ} bits and ${sizes[0]} more for key switching, ${allows}` }
      }
    }
    const budgets = bfvBudgets(
      { ringDegree, plaintextModulus: t, logQ: exact, keySwitchBits: plan?.estimate.noiseBits ?? 0 },
      depth,
    )
    if (budgets.at(-1)! < reserve) continue
    const specialBits = plan?.specialBits ?? []
    const special = otherPrimes(specialBits, ringDegree, [...chain, t])
    const literal: ParamsLiteral = {
      scheme: 'bfv',
      ringDegree,
      modulusBits: chain.map(sizeOf),
      specialBits,
      digitSize: plan?.digitSize ?? 1,
      primes: [...chain, ...special],
      plaintextModulus: t,
      security,
    }
    const total = log2Product([...chain, ...special])
    return { preset: { literal, depth, budgets, bits: total, limit, keySwitching: plan } }
  }
  return { reason: `${what} takes a modulus of more bits than ${allows}` }
}

/** As few primes as hold the bits, of sizes that differ by one at most, the largest first. */
function chainSizes(logQ: number): number[] {
  const count = Math.ceil(logQ / largestPrime)
  return Array.from({ length: count }, (_, i) => Math.floor(logQ / count) + (i < logQ % count ? 1 : 0))
}

/** What would fit: a larger ring, a smaller plaintext modulus or less depth, one at a time. */
function advice(options: BfvPresetOptions, ringDegree: number): string {
  const fits = (change: Partial<BfvPresetOptions>, n: number): boolean =>
    'preset' in fitRing({ ...options, ...change }, n)
  const offers: string[] = []
  const larger = presetDegrees.find((n) => n > ringDegree && fits({}, n))
  if (larger !== undefined) offers.push(`N = ${larger} fits`)
  for (let bits = (options.plaintextBits ?? 2) - 1; bits >= 13; bits--) {
    if (!fits({ plaintextBits: bits }, ringDegree)) continue
    offers.push(`t of ${bits} bits fits`)
    break
  }
  for (let depth = options.depth - 1; depth >= 0; depth--) {
    if (!fits({ depth }, ringDegree)) continue
    offers.push(`depth ${depth} fits`)
    break
  }
  return offers.length > 0 ? offers.join(', ') : 'use less depth, another plaintext modulus, or a lower security target'
}
