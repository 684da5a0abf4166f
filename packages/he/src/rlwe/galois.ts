import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, copyCiphertext, limbOf, requireRing } from './ciphertext.ts'
import type { Extended } from './extended.ts'
import { conjugationElement, type EvaluationKeys, rotationElement, type SwitchingKey } from './keys.ts'
import { applyKey, type Decomposition, decompose, type Start, switchKey } from './keyswitch.ts'
import { divideExtended } from './moddown.ts'
import { switchPlan } from './switch-plan.ts'

/**
 * A ciphertext with its decomposition: each further rotation skips most of the transforms. Halevi and Shoup 2018 (eprint 2018/244). Holds memory of
 * its own; `using` gives it back and leaves the ciphertext.
 */
export interface Hoisted extends Disposable {
  /** The ring of its context. */
  readonly ring: Ring
  /** The ciphertext, of two parts, which must live as long. */
  readonly ciphertext: Ciphertext
  /** What its rotations share: the digits of c_1 in NTT form over the extended basis of the level. */
  readonly decomposition: Decomposition
}

function requireTwoParts(a: Ciphertext): void {
  if (a.parts !== 2) throw new GloveboxError('unsupported', '"a" has 3 parts: relinearise it before rotating')
}

/** Keeps a reference to the ciphertext, which must live as long. */
export function hoist(ciphertext: Ciphertext): Hoisted {
  const { ring } = ciphertext
  requireTwoParts(ciphertext)
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

/** P times the first part, so that it goes through the division with the rest. */
export function liftedStart({ ring, level, slab }: Ciphertext): (limb: number) => Start {
  const { targets } = switchPlan(ring, level)
  const c0 = slab.ptr
  return (limb) => ({ add0: limb <= level ? c0 + limb * ring.limbBytes : 0, add1: 0, w: targets[limb]!.lift })
}

/** Divides what key switching of `from` left by P and turns it. */
function turned({ ring, scale, stride, kept }: Ciphertext, product: Extended, element: number): Ciphertext {
  return divideExtended(product, scale, { transformed: true, automorphism: ring.automorphism(element), stride, kept })
}

function rotateAtOnce(a: Ciphertext, element: number, key: SwitchingKey): Ciphertext {
  requireTwoParts(a)
  const { ring, level } = a
  using product = switchKey(ring, limbOf(a, 1, 0), level, key, { start: liftedStart(a), coefficients: true })
  return turned(a, product, element)
}

/** Slots of a hoisted ciphertext to the left by `steps`. */
export function rotateHoisted(hoisted: Hoisted, steps: number, keys: EvaluationKeys): Ciphertext {
  if (hoisted.decomposition === undefined || hoisted.ciphertext === undefined)
    throw new TypeError('"hoisted" expected what hoist makes, got another value of this context')
  const { ring, ciphertext, decomposition } = hoisted
  const element = rotationElement(ring, steps)
  if (element === 1) return copyCiphertext(ciphertext)
  const key = galoisKeyFor(ring, element, `a rotation by ${steps}`, keys)
  using product = applyKey(decomposition, limbOf(ciphertext, 1, 0), key, {
    start: liftedStart(ciphertext),
    coefficients: true,
  })
  return turned(ciphertext, product, element)
}

/** Slots to the left by `steps`. */
export function rotate(a: Ciphertext, steps: number, keys: EvaluationKeys): Ciphertext {
  const element = rotationElement(a.ring, steps)
  if (element === 1) return copyCiphertext(a)
  return rotateAtOnce(a, element, galoisKeyFor(a.ring, element, `a rotation by ${steps}`, keys))
}

/** Complex conjugates of the slots. */
export function conjugate(a: Ciphertext, keys: EvaluationKeys): Ciphertext {
  const element = conjugationElement(a.ring)
  return rotateAtOnce(a, element, galoisKeyFor(a.ring, element, 'conjugation', keys))
}
