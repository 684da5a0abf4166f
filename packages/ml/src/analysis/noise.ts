import { GloveboxError } from '@glovebox/he'
import type { Encoding } from '../layout/circuit.ts'

/** What the noise of an operation depends on. Sizes in bits may be fractional. */
export interface NoiseParams {
  readonly ringDegree: number
  /** log2 of the primes, base first. */
  readonly chain: readonly number[]
  readonly special: readonly number[]
  readonly digitSize: number
  /** Where the message is: its slots, or its coefficients. */
  readonly encoding: Encoding
  /** Encryptions that an input is the sum of. Default 1. */
  readonly summands?: number
}

/**
 * Variances of a number of the message, in units of the scaled message: of a coefficient, or of the real part of a slot. A polynomial whose coefficients have variance v has n·v/2 there:
 * a slot is its value at a root of unity, n·v in all, half of it real. Secret uniform ternary (variance 2/3), error 3.24.
 * Costache, Curtis, Hales, Murphy, Ogilvie, Player, eprint 2022/162, takes the same average-case view.
 */
export interface NoiseModel {
  /** Fresh symmetric encryption of an encoded message, or a sum of some. */
  readonly fresh: number
  /** Rounding of an encoded plaintext to integers. */
  readonly plaintext: number
  /** Rounding of a number that ciphertexts are multiplied by. */
  readonly scalar: number
  /** What hides a result from those who see the reply: an encryption of zero made from another one, u e + e_0 + e_1 s. */
  readonly mask: number
  /** Division by a prime of a ciphertext of two parts: rounding errors r_0 + r_1 s. */
  readonly rescale: number
  /** The same with three parts: r_2 s^2 dominates. */
  readonly rescaleThree: number
  /** A rotation or relinearisation at a level. */
  keySwitch(level: number): number
}

const sigma2 = 3.24 ** 2

export function noiseModel({
  ringDegree: n,
  chain,
  special,
  digitSize,
  encoding,
  summands = 1,
}: NoiseParams): NoiseModel {
  const slot = (coefficient: number): number => (encoding === 'slots' ? (n * coefficient) / 2 : coefficient)
  const rescale = slot((1 + (2 * n) / 3) / 12)
  const logP = special.reduce((sum, bits) => sum + bits, 0)
  const switches = chain.map((_, level) => {
    let digits = 0
    for (let first = 0; first <= level; first += digitSize) {
      const logDigit = chain.slice(first, Math.min(first + digitSize, level + 1)).reduce((sum, bits) => sum + bits, 0)
      // A digit is uniform below its modulus; times the error of the key, divided by P.
      digits += slot((n * sigma2 * 4 ** (logDigit - logP)) / 12)
    }
    return digits + rescale
  })
  return {
    fresh: summands * slot(sigma2 + 1 / 12),
    plaintext: slot(1 / 12),
    scalar: 1 / 12,
    mask: slot(sigma2 * (1 + (4 * n) / 3)),
    rescale,
    // E|s|^4 = 2 (2n/3)^2 in a slot.
    rescaleThree: rescale + slot((2 * ((2 * n) / 3) ** 2) / 12),
    keySwitch(level) {
      const variance = special.length > 0 ? switches[level] : undefined
      if (variance === undefined)
        throw new GloveboxError('level-exhausted', `there is no key switching at level ${level}`)
      return variance
    },
  }
}

/**
 * Variance that trimming a reply adds, in units of the scaled message; see writeReply of @glovebox/he. In slots `count` coefficients are left, in coefficients
 * each stands for itself.
 */
export function replyVariance(
  n: number,
  baseBits: number,
  { bits, count }: { readonly bits: number; readonly count: number },
  encoding: Encoding,
): number {
  const coefficient = ((1 + (2 * n) / 3) / 12) * 4 ** (baseBits - bits)
  return encoding === 'slots' ? (count * coefficient) / 2 : coefficient
}
