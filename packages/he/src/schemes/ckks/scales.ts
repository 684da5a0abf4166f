import { GloveboxError } from '../../base/errors.ts'
import { requireArray, requireObject } from '../../base/require.ts'
import type { Params } from '../../params/params.ts'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import type { Ckks } from './ckks.ts'
import { sameScale } from './same-scale.ts'

/**
 * One scale for each level: S_(ℓ-1) = S_ℓ² / q_ℓ, so that a product of two values on the ladder, rescaled, lies on it again, and
 * sums of whatever was computed along different ways need no correction. Kim, Papadimitriou, Polyakov 2020 (eprint 2020/1118), section 4.
 */
export interface ScaleLadder {
  /** The parameters that it is for. */
  readonly params: Params
  /** S_ℓ, the scale of a level from 0 to `params.maxLevel`. @throws RangeError for another one. */
  at(level: number): number
  /** Whether a value has the scale of its level, within 2^-40 (relative). @throws RangeError where its level is none of the parameters. */
  holds(value: { readonly level: number; readonly scale: number }): boolean
}

/** Where a ladder is anchored. */
export interface LadderOptions {
  /**
   * The level that has the given scale, from 0 to `params.maxLevel`; default: the top. A difference between scale and primes doubles with each level down,
   * and halves with each level up: over a long chain, or one of primes of different sizes, anchor the ladder at level 0.
   */
  readonly level?: number
}

/** Farther from the given scale than this many bits, a ladder has left the range that somebody meant. */
const widestDrift = 2

/**
 * The scales of all levels, from the one of the top level (or of `options.level`), finite and from 1. Take a scale near the size of the primes: 2 ** 40 for
 * 40 bits.
 * @throws TypeError for what are no parameters; RangeError where `scale` or `level` is out of range; GloveboxError `scale-mismatch` where the scale of a
 * lower level is more than 2 bits from it, or one exceeds half the modulus of its level.
 */
export function scaleLadder(params: Params, scale: number, options: LadderOptions = {}): ScaleLadder {
  requireObject('params', 'checked parameters', params)
  requireArray('params.primes', 'an array of primes', params.primes)
  requireObject('options', '{ level? }', options)
  const { maxLevel, primes } = params
  const { level: anchor = maxLevel } = options
  if (!(Number.isFinite(scale) && scale >= 1))
    throw new RangeError(`"scale" expected a finite number from 1, got ${scale}`)
  if (!Number.isInteger(anchor) || anchor < 0 || anchor > maxLevel)
    throw new RangeError(`"options.level" expected an integer from 0 to ${maxLevel}, got ${anchor}`)
  const scales = new Float64Array(maxLevel + 1)
  scales[anchor] = scale
  for (let level = anchor; level > 0; level--) scales[level - 1] = scales[level]! ** 2 / primes[level]!
  for (let level = anchor; level < maxLevel; level++) scales[level + 1] = Math.sqrt(scales[level]! * primes[level + 1]!)
  let bits = 0
  scales.forEach((s, level) => {
    const prime = primes[level]!
    bits += Math.log2(prime)
    const drift = Math.log2(s / scale)
    if (level < anchor && !(Math.abs(drift) <= widestDrift)) {
      throw new GloveboxError(
        'scale-mismatch',
        `from 2^${Math.log2(scale).toFixed(2)} at level ${anchor} the scale comes to 2^${Math.log2(s).toFixed(2)} at level ${level}: ` +
          'take a scale nearer to the size of the primes, or give the scale of level 0 with { level: 0 }',
      )
    }
    if (Math.log2(s) > bits - 1) {
      throw new GloveboxError(
        'scale-mismatch',
        `a scale of 2^${Math.log2(s).toFixed(1)} does not fit the ${bits.toFixed(1)} bits of the modulus at level ${level}: use a smaller scale`,
      )
    }
  })
  const at = (level: number): number => {
    const found = scales[level]
    if (found === undefined) throw new RangeError(`"level" expected an integer from 0 to ${maxLevel}, got ${level}`)
    return found
  }
  return { params, at, holds: ({ level, scale: s }) => sameScale(s, at(level)) }
}

/** The same memory under another name of its scale; for a factor that is known to be 1 within what doubles round. */
export function relabelled(ct: Ciphertext, scale: number): Ciphertext {
  return { ...ct, scale }
}

/** A constant is rounded to 1/2; relative to it that is to stay below the noise, which is some 2^6 or more at any scale. */
function fineEnough(constant: number, scale: number): boolean {
  return sameScale(constant, 1) || constant >= scale / 64
}

/**
 * A ciphertext of any level and scale at a lower level and exactly at a scale: one multiplication by a constant, and a rescaling, within the
 * levels that it drops anyway. At its own level a ciphertext can only keep its scale. Always a new value.
 * Throws GloveboxError `level-exhausted` for a higher level, `scale-mismatch` where the levels between do not suffice.
 */
export function bring(ckks: Ckks, ct: Ciphertext, level: number, scale: number): Ciphertext {
  if (level > ct.level || sameScale(ct.scale, scale)) return relabelled(ckks.dropLevel(ct, level), scale)
  let divisor = 1
  for (let from = level + 1; from <= ct.level; from++) {
    divisor *= ckks.params.primes[from]!
    const constant = (scale * divisor) / ct.scale
    if (!fineEnough(constant, scale)) continue
    let value = ckks.dropLevel(ct, from)
    if (!sameScale(constant, 1)) {
      using before = value
      value = ckks.multiplyConstant(before, 1, constant)
    }
    for (let at = from; at > level; at--) {
      using before = value
      value = ckks.rescale(before)
    }
    return relabelled(value, scale)
  }
  throw new GloveboxError(
    'scale-mismatch',
    `from a scale of 2^${Math.log2(ct.scale).toFixed(6)} at level ${ct.level} there is no way to 2^${Math.log2(scale).toFixed(6)} at level ${level}: ` +
      'changing a scale takes one level; bring it to a lower one, or encode with the scale that is wanted',
  )
}
