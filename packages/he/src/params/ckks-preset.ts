import { GloveboxError } from '../base/errors.ts'
import { otherPrimes, sizeOf, steadyPrimes } from './chain.ts'
import { ckksPrecision, type PresetPrecision } from './ckks-precision.ts'
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
import { maxPrimeBits } from './primes.ts'
import { log2Product, type SecurityTarget } from './security.ts'

/** What a CKKS circuit needs: `depth`, and `scaleBits` or `precision` or both. */
export interface CkksPresetOptions {
  /** The scheme; default `ckks`. */
  readonly scheme?: 'ckks'
  /** Multiplications one after the other, an integer from 0 to 40: the chain has depth + 1 primes. */
  readonly depth: number
  /** log2 of the scale, an integer from 13 to 47, and large enough for primes that are 1 modulo 2N; default: the smallest that keeps `precision`. */
  readonly scaleBits?: number
  /** Bits that must be left of a value of magnitude 1 after `depth` squarings, in the worst slot: 0 to 47. Default: no demand. */
  readonly precision?: number
  /** log2 of the largest magnitude that a message or a result reaches, an integer from 0 to 35; default: 48 - scaleBits, 8 at most. */
  readonly messageBits?: number
  /** How values are encrypted, for the precision: under a public key (default), or with the secret key, which leaves 4 to 8 bits more. */
  readonly encryption?: 'public' | 'symmetric'
  /** N, a power of two from 2048 to 65536; default: the smallest that fits. */
  readonly ringDegree?: number
  /** Whether there are to be special primes, for keys of relinearisation and rotations; default true. */
  readonly keySwitching?: boolean
  /** The share of rotations that are hoisted, from 0 to 1, for the choice of digits; default 0. */
  readonly hoisted?: number
  /** What every published object is held to; default `128-classical`. */
  readonly security?: SecurityTarget
}

/** A literal for CKKS with what it promises. */
export interface CkksPreset {
  /** To be given to `createParams` or `openCkks`. */
  readonly literal: ParamsLiteral
  /** As it was asked for: 0 to 40 multiplications, and `maxLevel` of the parameters. */
  readonly depth: number
  /**
   * Encode with the scale 2^scaleBits, 13 to 47 bits; on any level it strays by half a bit at most. Primes as in Kim, Papadimitriou, Polyakov 2020
   * (eprint 2020/1118), section 4.
   */
  readonly scaleBits: number
  /** log2 of the largest magnitude that fits level 0, 0 to 35: the base prime has scaleBits + messageBits + 2 bits. */
  readonly messageBits: number
  /** Bits that are left in the worst slot after so many multiplications, for the encryption that was asked for. */
  readonly precision: PresetPrecision
  /** log2 of Q·P, the modulus of the largest published object, in bits; at most `limit`. */
  readonly bits: number
  /** The most that the security target allows for `bits`, by the tables of `securityLimits`. */
  readonly limit: number
  /** Special primes and digits, chosen for the mean of all levels, and what else there was to choose; undefined where no keys are needed. */
  readonly keySwitching: KeySwitchingPlan | undefined
}

const smallestScale = 13
const largestScale = 47
const deepest = 40

function requireOptions(options: CkksPresetOptions): void {
  if (options.scheme !== undefined && options.scheme !== 'ckks')
    throw new RangeError(`"scheme" expected 'ckks', got ${JSON.stringify(options.scheme)}`)
  if (options.depth === undefined) throw new TypeError('"depth" expected an integer, got undefined')
  requireOption('depth', options.depth, 0, deepest)
  requireOption('scaleBits', options.scaleBits, smallestScale, largestScale)
  requireOption('precision', options.precision, 0, largestScale, false)
  requireOption('messageBits', options.messageBits, 0, maxPrimeBits - smallestScale - 2)
  requireOption('hoisted', options.hoisted, 0, 1, false)
  if (options.scaleBits === undefined && options.precision === undefined)
    throw new TypeError('"scaleBits" or "precision" expected, got neither')
  requireRingDegree(options.ringDegree)
  const encryption: string = options.encryption ?? 'public'
  if (encryption !== 'public' && encryption !== 'symmetric')
    throw new RangeError(`"encryption" expected 'public' or 'symmetric', got ${JSON.stringify(encryption)}`)
}

/**
 * Parameters for a depth: the smallest ring that fits, a base prime with room for the message, primes near the scale for each level, digits
 * and special primes by `planKeySwitching`. The primes are named, so that the literal is the same everywhere.
 *
 * Throws RangeError for options out of range, GloveboxError `unsupported` where nothing fits, saying what would.
 */
export function planCkksPreset(options: CkksPresetOptions): CkksPreset {
  requireOptions(options)
  return smallestRing(
    options.ringDegree,
    (n) => fitRing(options, n),
    (n) => advice(options, n),
  )
}

/** The smallest scale that keeps the precision, or the one that was asked for. */
function fitRing(options: CkksPresetOptions, ringDegree: number): Fitted<CkksPreset> {
  if (options.scaleBits !== undefined) return fitScale(options, ringDegree, options.scaleBits)
  const { encryption = 'public' } = options
  // Each further bit of scale is a bit of precision: start where fresh noise alone would allow.
  let fitted: Fitted<CkksPreset> = { reason: '' }
  for (
    let scaleBits = Math.max(smallestScale, Math.ceil(options.precision!) + 10);
    scaleBits <= largestScale;
    scaleBits++
  ) {
    const { squarings } = ckksPrecision({ ringDegree, scaleBits, depth: options.depth, keySwitchBits: 0, encryption })
    if (squarings < options.precision!) continue
    fitted = fitScale(options, ringDegree, scaleBits)
    if ('preset' in fitted) return fitted
  }
  return fitted.reason === ''
    ? {
        reason: `${options.precision} bits after depth ${options.depth} need scales above 2^${largestScale} at N = ${ringDegree}`,
      }
    : fitted
}

function fitScale(options: CkksPresetOptions, ringDegree: number, scaleBits: number): Fitted<CkksPreset> {
  const { depth, security = '128-classical', keySwitching = true, hoisted = 0, encryption = 'public' } = options
  const messageBits = options.messageBits ?? Math.min(8, maxPrimeBits - 2 - scaleBits)
  const what = `depth ${depth} at scale 2^${scaleBits}`
  const baseBits = scaleBits + messageBits + 2
  if (baseBits > maxPrimeBits)
    return {
      reason: `${what} needs a base prime of ${baseBits} bits for messages up to 2^${messageBits}, ${maxPrimeBits} is the most`,
    }
  const { limit, standard } = limitOf(ringDegree, security)
  if (limit === 0) return { reason: `no table states ${security} for N = ${ringDegree}` }
  const nominal = baseBits + depth * scaleBits
  const allows = `${security} (${standard}) allows ${limit} at N = ${ringDegree}`
  const chainBits = `${what} takes a chain of ${nominal} bits`
  if (nominal > limit + 1) return { reason: `${chainBits}, ${allows}` }
  const withKeys = `${chainBits} and at least ${baseBits} more for key switching, ${allows}`
  if (keySwitching && nominal + baseBits > limit + 1) return { reason: withKeys }
  const hopeful = ckksPrecision({ ringDegree, scaleBits, depth, keySwitchBits: 0, encryption })
  if (hopeful.products < 1) return { reason: `${what} leaves less than a bit of the message at N = ${ringDegree}` }
  let chain: number[]
  try {
    const primes = steadyPrimes(scaleBits, depth, ringDegree)
    chain = [...otherPrimes([baseBits], ringDegree, primes), ...primes]
  } catch (error) {
    if (error instanceof GloveboxError && error.code === 'no-primes') return { reason: error.message }
    throw error
  }
  const logQ = log2Product(chain)
  if (logQ > limit) return { reason: `${chainBits}, ${allows}` }
  let plan: KeySwitchingPlan | undefined
  if (keySwitching) {
    try {
      plan = planKeySwitching({
        ringDegree,
        modulusBits: chain.map(Math.log2),
        security,
        hoisted,
        levels: chain.map((_, level) => level),
      })
    } catch (error) {
      if (!(error instanceof GloveboxError)) throw error
      return { reason: withKeys }
    }
  }
  const specialBits = plan?.specialBits ?? []
  const special = otherPrimes(specialBits, ringDegree, chain)
  const precision = ckksPrecision({
    ringDegree,
    scaleBits,
    depth,
    keySwitchBits: plan?.estimate.noiseBits ?? 0,
    encryption,
  })
  if (options.precision !== undefined && precision.squarings < options.precision)
    return {
      reason: `${what} keeps ${precision.squarings.toFixed(1)} bits at N = ${ringDegree}, not ${options.precision}`,
    }
  const literal: ParamsLiteral = {
    scheme: 'ckks',
    ringDegree,
    modulusBits: chain.map(sizeOf),
    specialBits,
    digitSize: plan?.digitSize ?? 1,
    primes: [...chain, ...special],
    security,
  }
  const bits = log2Product([...chain, ...special])
  return { preset: { literal, depth, scaleBits, messageBits, precision, bits, limit, keySwitching: plan } }
}

/** What would fit: a larger ring, smaller scales or less depth, one at a time. */
function advice(options: CkksPresetOptions, ringDegree: number): string {
  const fits = (change: Partial<CkksPresetOptions>, n: number): boolean =>
    'preset' in fitRing({ ...options, ...change }, n)
  const offers: string[] = []
  const larger = presetDegrees.find((n) => n > ringDegree && fits({}, n))
  if (larger !== undefined) offers.push(`N = ${larger} fits`)
  if (options.scaleBits !== undefined) {
    for (let scaleBits = options.scaleBits - 1; scaleBits >= smallestScale; scaleBits--) {
      if (!fits({ scaleBits }, ringDegree)) continue
      offers.push(`a scale of 2^${scaleBits} fits`)
      break
    }
    for (let scaleBits = options.scaleBits + 1; offers.length === 0 && scaleBits <= largestScale; scaleBits++)
      if (fits({ scaleBits }, ringDegree)) offers.push(`a scale of 2^${scaleBits} fits`)
  } else {
    for (let precision = Math.ceil(options.precision!) - 1; precision >= 1; precision--) {
      if (!fits({ precision }, ringDegree)) continue
      offers.push(`a precision of ${precision} bits fits`)
      break
    }
  }
  for (let depth = options.depth - 1; depth >= 1; depth--) {
    if (!fits({ depth }, ringDegree)) continue
    offers.push(`depth ${depth} fits`)
    break
  }
  return offers.length > 0 ? offers.join(', ') : 'use less depth, smaller scales, or fewer bits of the message'
}
