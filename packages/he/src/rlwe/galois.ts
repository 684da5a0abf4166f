import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, copyCiphertext, limbOf, newCiphertext, requireRing } from './ciphertext.ts'
import { conjugationElement, type EvaluationKeys, extendedLimbs, rotationElement, type SwitchingKey } from './keys.ts'
import { applyKey, type Decomposition, decompose, modDown } from './keyswitch.ts'

/** A ciphertext with its decomposition: each further rotation skips most of the transforms. Halevi and Shoup 2018 (eprint 2018/244). */
export interface Hoisted extends Disposable {
  readonly ring: Ring
  readonly ciphertext: Ciphertext
  readonly decomposition: Decomposition
}

/** Keeps a reference to the ciphertext, which must live as long. */
export function hoist(ciphertext: Ciphertext): Hoisted {
  const { ring } = ciphertext
  if (ciphertext.parts !== 2) throw new GloveboxError('unsupported', '"a" has 3 parts: relinearise it before rotating')
  const decomposition = decompose(ring, limbOf(ciphertext, 1, 0), ciphertext.level)
  return { ring, ciphertext, decomposition, [Symbol.dispose]: () => decomposition[Symbol.dispose]() }
}

/** The key of a rotation, or an error that names what is missing. */
export function galoisKeyFor(ring: Ring, element: number, what: string, keys: EvaluationKeys): SwitchingKey {
  const key = keys.galois.get(element)
  if (key === undefined) {
    throw new GloveboxError(
      'missing-key',
      `there is no Galois key for ${what} (element ${element}): ask for it in createGaloisKeys`,
    )
  }
  requireRing(ring, `key for ${what}`, key, 'switching-key')
  return key
}

function applyAutomorphism(hoisted: Hoisted, element: number, key: SwitchingKey): Ciphertext {
  const { ring, ciphertext, decomposition } = hoisted
  const { kernels, n, limbBytes } = ring
  const { level } = ciphertext
  const limbs = extendedLimbs(ring, level)
  const out = newCiphertext(ring, 2, level, ciphertext.scale, { stride: ciphertext.stride })
  using product = ring.limbs(2 * limbs)
  applyKey(decomposition, key, product.ptr)
  const index = ring.automorphism(element)
  for (const part of [0, 1]) {
    const switched = product.ptr + part * limbs * limbBytes
    modDown(ring, switched, switched, level)
    for (let i = 0; i <= level; i++) {
      const { p, pinv } = ring.moduli[i]!
      const limb = switched + i * limbBytes
      if (part === 0) kernels.add(limb, limb, limbOf(ciphertext, 0, i), n, p, pinv)
      kernels.permute(limbOf(out, part, i), limb, index, n)
    }
  }
  return out
}

/** Slots of a hoisted ciphertext to the left by `steps`. */
export function rotateHoisted(hoisted: Hoisted, steps: number, keys: EvaluationKeys): Ciphertext {
  const element = rotationElement(hoisted.ring, steps)
  if (element === 1) return copyCiphertext(hoisted.ciphertext)
  return applyAutomorphism(hoisted, element, galoisKeyFor(hoisted.ring, element, `a rotation by ${steps}`, keys))
}

/** Slots to the left by `steps`. */
export function rotate(a: Ciphertext, steps: number, keys: EvaluationKeys): Ciphertext {
  const element = rotationElement(a.ring, steps)
  if (element === 1) return copyCiphertext(a)
  const key = galoisKeyFor(a.ring, element, `a rotation by ${steps}`, keys)
  using hoisted = hoist(a)
  return applyAutomorphism(hoisted, element, key)
}

/** Complex conjugates of the slots. */
export function conjugate(a: Ciphertext, keys: EvaluationKeys): Ciphertext {
  const element = conjugationElement(a.ring)
  const key = galoisKeyFor(a.ring, element, 'conjugation', keys)
  using hoisted = hoist(a)
  return applyAutomorphism(hoisted, element, key)
}
