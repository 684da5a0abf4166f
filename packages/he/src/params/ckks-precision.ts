import { errorVariance, secretVariance } from './distributions.ts'

/** What the noise of a CKKS circuit depends on, all in bits. */
export interface PrecisionOptions {
  readonly ringDegree: number
  readonly scaleBits: number
  /** Multiplications one after the other. */
  readonly depth: number
  /** log2 of the standard deviation of key switching in a coefficient. */
  readonly keySwitchBits: number
  /** Under which key fresh values are encrypted; default `public`, which is the noisier one. */
  readonly encryption?: 'public' | 'symmetric'
}

/**
 * Bits that are left of a message of magnitude 1 in the worst slot, -log2 of the error: 0 or more, 0 where nothing is. Canonical-norm bounds at 6 and
 * 16 standard deviations, Gentry, Halevi, Smart 2012 (eprint 2012/099), appendix A.5; measurements are a few bits better.
 */
export interface PresetPrecision {
  /** Bits after x^(2^depth) by squaring, |x| = 1: every multiplication doubles the error. Nothing of this depth is worse. */
  readonly squarings: number
  /** Bits after a product of depth + 1 fresh values of magnitude 1, one after the other: errors add. */
  readonly products: number
}

/**
 * A polynomial whose N coefficients have variance v is a complex normal of variance N·v at a root of unity. Single ones stay below 6
 * standard deviations and products of two below 16 in every slot (Gentry, Halevi, Smart 2012, eprint 2012/099, appendix A.5).
 */
const single = 6
const double = 16

/**
 * The precision that a chain of scales near 2^scaleBits keeps over a depth, for fresh encryptions. Levels one after the other:
 * a product adds the relative errors of its factors; key switching and rescaling add their own. Worst case, so that measurements are
 * a few bits better.
 */
export function ckksPrecision(options: PrecisionOptions): PresetPrecision {
  const { ringDegree: n, scaleBits, depth, keySwitchBits, encryption = 'public' } = options
  const rounding = n / 12
  const encoding = single * Math.sqrt(rounding)
  const symmetric = single * Math.sqrt(n * errorVariance) + encoding
  const masked = encryption === 'public' ? double * Math.sqrt(2 * n * errorVariance * n * secretVariance) : 0
  const fresh = symmetric + masked
  const rescale = single * Math.sqrt(rounding) + double * Math.sqrt(rounding * n * secretVariance)
  const keySwitch = double * Math.sqrt(n) * 2 ** keySwitchBits
  // Key switching comes before the division by a prime near the scale.
  const level = (rescale + keySwitch / 2 ** scaleBits) / 2 ** scaleBits
  const first = fresh / 2 ** scaleBits
  const after = (other: (error: number) => number): number => {
    let error = first
    for (let i = 0; i < depth; i++) error = error + other(error) + error * other(error) + level
    return Math.max(0, -Math.log2(error))
  }
  return { squarings: after((error) => error), products: after(() => first) }
}
