import { factor, type Ring } from '../ring/ring.ts'
import { type Ciphertext, commonPlaces, limbOf, newCiphertext, requireScale, roomBits } from '../rlwe/ciphertext.ts'
import { scaledConstant } from '../schemes/ckks/encoder.ts'

/** One term of a sum: a constant times a ciphertext of any scale, at the level of the sum or a higher one. */
export interface Term {
  readonly value: number
  readonly ct: Ciphertext
}

/**
 * sum of value_i * ct_i at a level and exactly at a scale: each constant is taken at the scale that its ciphertext lacks. Nothing is rescaled. Two parts.
 * Throws RangeError for a term that does not fit the modulus of the level.
 */
export function combine(ring: Ring, terms: readonly Term[], level: number, scale: number): Ciphertext {
  requireScale(ring, level, scale)
  const { n, limbBytes, moduli } = ring
  const room = roomBits(ring, level)
  const constants = terms.map(({ value, ct }) => {
    if (Math.log2(Math.abs(value) * scale) > room) {
      throw new RangeError(
        `a coefficient of 2^${Math.log2(Math.abs(value)).toFixed(1)} at scale 2^${Math.log2(scale).toFixed(1)} does not fit the ${(room + 1).toFixed(0)} bits of level ${level}: ` +
          'use a smaller scale, or the Chebyshev basis, whose coefficients are no larger than the function',
      )
    }
    return scaledConstant(value, scale / ct.scale)
  })
  const out = newCiphertext(ring, 2, level, scale, commonPlaces(terms.map(({ ct }) => ct)))
  try {
    using products = ring.limbs(level + 1)
    const scratch = products.ptr
    const limbs = terms.map(({ ct }) =>
      [0, 1].map((part) => moduli.slice(0, level + 1).map((_, i) => limbOf(ct, part, i))),
    )
    const sums = [0, 1].map((part) => limbOf(out, part, 0))
    ring.parallel(level + 1, (i, kernels) => {
      const { p, pinv } = moduli[i]!
      const product = scratch + i * limbBytes
      const factors = constants.map((constant) => factor(constant, p))
      for (const part of [0, 1]) {
        const sum = sums[part]! + i * limbBytes
        for (const [t, { w, wp }] of factors.entries()) {
          kernels.mulScalar(t === 0 ? sum : product, limbs[t]![part]![i]!, n, w, wp, p)
          if (t > 0) kernels.add(sum, sum, product, n, p, pinv)
        }
      }
    })
    return out
  } catch (error) {
    out[Symbol.dispose]()
    throw error
  }
}
