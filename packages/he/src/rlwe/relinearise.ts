import { GloveboxError } from '../base/errors.ts'
import { type Ciphertext, copyCiphertext, limbOf, requireRing } from './ciphertext.ts'
import type { EvaluationKeys } from './keys.ts'
import { type Start, switchKey } from './keyswitch.ts'
import { divideExtended } from './moddown.ts'
import { switchPlan } from './switch-plan.ts'

/** Three parts back to two: c_2 s^2 becomes a ciphertext under s and is added. Two parts are returned as a copy. */
export function relinearise(a: Ciphertext, keys: EvaluationKeys): Ciphertext {
  if (a.parts === 2) return copyCiphertext(a)
  const { ring, level } = a
  const key = keys.relinearisation
  if (key === undefined) {
    throw new GloveboxError(
      'missing-key',
      'there is no relinearisation key: make one with createRelinearisationKey and pass it in the evaluation keys',
    )
  }
  requireRing(ring, 'keys.relinearisation', key, 'switching-key')
  const { targets } = switchPlan(ring, level)
  const [c0, c1] = [limbOf(a, 0, 0), limbOf(a, 1, 0)]
  // P times both parts, so that they go through the division with the rest.
  const start = (limb: number): Start => {
    const at = limb * ring.limbBytes
    return limb <= level ? { add0: c0 + at, add1: c1 + at, w: targets[limb]!.lift } : { add0: 0, add1: 0, w: 0 }
  }
  using product = switchKey(ring, limbOf(a, 2, 0), level, key, { start, coefficients: true })
  return divideExtended(product, a.scale, { transformed: true, stride: a.stride, kept: a.kept })
}
