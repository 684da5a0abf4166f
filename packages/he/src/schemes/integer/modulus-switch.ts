import { GloveboxError } from '../../base/errors.ts'
import { type Ciphertext, copyCiphertext, filled, limbOf, newCiphertext, requireLevel } from '../../rlwe/ciphertext.ts'
import { rescaleLimbs } from '../../rlwe/moddown.ts'
import type { IntegerForm } from './form.ts'

/**
 * Switches to the modulus of a lower level: each part is divided by the primes left out and rounded, so that message and noise shrink with the modulus.
 * Each step adds at most (1 + |s|_1 (+ |s^2|_1)) / 2 to the noise.
 */
export function switchModulus(form: IntegerForm, a: Ciphertext, to?: number): Ciphertext {
  const { ring, parts, stride, kept } = a
  const level = to ?? a.level - 1
  if (to === undefined && a.level === 0) {
    throw new GloveboxError(
      'level-exhausted',
      'the ciphertext is at level 0, whose modulus is one prime: there is none below',
    )
  }
  requireLevel(ring, level)
  if (level > a.level) {
    throw new GloveboxError(
      'level-exhausted',
      `the ciphertext is at level ${a.level}; it cannot be raised to level ${level}`,
    )
  }
  if (level === a.level) return copyCiphertext(a)
  using space = ring.limbs(a.level)
  return filled(newCiphertext(ring, parts, level, form.divided(a.scale, a.level, level), { stride, kept }), (out) => {
    for (let part = 0; part < parts; part++) {
      let src = limbOf(a, part, 0)
      for (let from = a.level; from > level; from--) {
        const dst = from === level + 1 ? limbOf(out, part, 0) : space.ptr
        rescaleLimbs(ring, [{ dst, src }], from)
        src = dst
      }
    }
  })
}

/** Calls with operands at their common level; what had to be switched down for it is given back. */
export function atCommonLevel<T>(
  form: IntegerForm,
  a: Ciphertext,
  b: Ciphertext,
  use: (a: Ciphertext, b: Ciphertext) => T,
): T {
  if (a.level === b.level) return use(a, b)
  if (a.level > b.level) {
    using lower = switchModulus(form, a, b.level)
    return use(lower, b)
  }
  using lower = switchModulus(form, b, a.level)
  return use(a, lower)
}
