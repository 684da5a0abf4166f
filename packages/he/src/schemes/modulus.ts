import { GloveboxError } from '../base/errors.ts'
import { type Ciphertext, limbOf, newCiphertext, requireLevel } from '../rlwe/ciphertext.ts'
import { rescaleLimbs } from '../rlwe/keyswitch.ts'
import type { IntegerForm } from './integer-form.ts'

/**
 * Switches to the modulus of a lower level: each part is divided by the primes left out and rounded, so that message and noise shrink with the modulus.
 * Each step adds at most (1 + |s|_1 (+ |s^2|_1)) / 2 to the noise.
 */
export function switchModulus(form: IntegerForm, a: Ciphertext, level: number = a.level - 1): Ciphertext {
  const { ring, parts } = a
  if (level === -1) {
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
  const { kernels, n, limbBytes } = ring
  const { seed, stride } = a
  if (level === a.level) {
    const out = newCiphertext(ring, parts, level, a.scale, { stride, ...(seed && { seed }) })
    for (let limb = 0; limb < parts * (level + 1); limb++)
      kernels.copy(out.slab.ptr + limb * limbBytes, a.slab.ptr + limb * limbBytes, n)
    return out
  }
  using space = ring.limbs(a.level)
  const out = newCiphertext(ring, parts, level, form.divided(a.scale, a.level, level), { stride })
  for (let part = 0; part < parts; part++) {
    let src = limbOf(a, part, 0)
    for (let from = a.level; from > level; from--) {
      const dst = from === level + 1 ? limbOf(out, part, 0) : space.ptr
      rescaleLimbs(ring, dst, src, from)
      src = dst
    }
  }
  return out
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
