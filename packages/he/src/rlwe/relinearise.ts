import { GloveboxError } from '../base/errors.ts'
import { type Ciphertext, copyCiphertext, limbOf, newCiphertext, requireRing } from './ciphertext.ts'
import { type EvaluationKeys, extendedLimbs } from './keys.ts'
import { applyKey, decompose, modDown } from './keyswitch.ts'

/** Three parts back to two: c_2 s^2 becomes a ciphertext under s and is added. Two parts are returned as a copy. */
export function relinearise(a: Ciphertext, keys: EvaluationKeys): Ciphertext {
  if (a.parts === 2) return copyCiphertext(a)
  const { ring, level } = a
  const { kernels, n, limbBytes } = ring
  const key = keys.relinearisation
  if (key === undefined) {
    throw new GloveboxError(
      'missing-key',
      'there is no relinearisation key: make one with createRelinearisationKey and pass it in the evaluation keys',
    )
  }
  requireRing(ring, 'keys.relinearisation', key, 'switching-key')
  const out = newCiphertext(ring, 2, level, a.scale)
  const limbs = extendedLimbs(ring, level)
  using decomposition = decompose(ring, limbOf(a, 2, 0), level)
  using product = ring.limbs(2 * limbs)
  applyKey(decomposition, key, product.ptr)
  for (const part of [0, 1]) {
    const switched = product.ptr + part * limbs * limbBytes
    modDown(ring, switched, switched, level)
    for (let i = 0; i <= level; i++) {
      const { p, pinv } = ring.moduli[i]!
      kernels.add(limbOf(out, part, i), limbOf(a, part, i), switched + i * limbBytes, n, p, pinv)
    }
  }
  return out
}
