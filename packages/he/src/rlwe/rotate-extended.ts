import type { Slab } from '../backend/heap.ts'
import { type Ciphertext, limbOf } from './ciphertext.ts'
import { type Extended, newExtended } from './extended.ts'
import { galoisKeyFor, type Hoisted, liftedStart } from './galois.ts'
import { type EvaluationKeys, rotationElement } from './keys.ts'
import { applyKey, switchKey } from './keyswitch.ts'
import { divideByP } from './moddown.ts'
import { switchPlan } from './switch-plan.ts'

// Ciphertexts over QP that stand for P times a message: what key switching gives before the division by P. They may be added and multiplied by
// plaintexts over QP, so that one division serves many rotations. Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021 (eprint 2020/1203), section 4.

/** P times the slots to the left by `steps`, over QP. A rotation by 0 needs no decomposition: a ciphertext does. */
export function rotateExtended(from: Hoisted | Ciphertext, steps: number, keys: EvaluationKeys): Extended {
  const { ring } = from
  const element = rotationElement(ring, steps)
  if (element === 1 || !('decomposition' in from)) return lift('decomposition' in from ? from.ciphertext : from)
  const { ciphertext, decomposition } = from
  const key = galoisKeyFor(ring, element, `a rotation by ${steps}`, keys)
  const start = liftedStart(ciphertext)
  using product = applyKey(decomposition, limbOf(ciphertext, 1, 0), key, { start })
  return permuted(product, element)
}

/** P times a ciphertext over QP: 0 modulo the special primes. */
function lift(ct: Ciphertext): Extended {
  const { ring, level } = ct
  const { n } = ring
  const { targets } = switchPlan(ring, level)
  const [c0, c1] = [limbOf(ct, 0, 0), limbOf(ct, 1, 0)]
  const out = newExtended(ring, level)
  const [dst, { stride }] = [out.part(0), out]
  ring.parallel(targets.length, (limb, kernels) => {
    const { modulus, lift: w } = targets[limb]!
    const { p } = modulus
    ;[c0, c1].forEach((part, r) => {
      // There w = 0, and any numbers do, of whichever range.
      const src = part + (limb <= level ? limb : 0) * ring.limbBytes
      const at = dst + limb * stride + r * ring.limbBytes
      if (limb <= level) kernels.mulScalar(at, src, n, w, w / p, p)
      else kernels.combine(at, src, 0, src, 0, n)
    })
  })
  return out
}

function permuted(src: Extended, element: number): Extended {
  const out = newExtended(src.ring, src.level)
  permute(out, src, element)
  return out
}

function permute(dst: Extended, src: Extended, element: number): void {
  const { ring, level } = src
  const index = ring.automorphism(element)
  const [from, to] = [src.part(0), dst.part(0)]
  ring.parallel(switchPlan(ring, level).targets.length, (limb, kernels) => {
    for (const r of [0, ring.limbBytes])
      kernels.permute(to + limb * dst.stride + r, from + limb * src.stride + r, index, ring.n)
  })
}

/**
 * Slots to the left by `steps`: the second part is divided by P and decomposed, the first goes along as it is. In place, or with `apart` into new
 * memory; `value` is used up but for its first part, or kept.
 */
export function turnExtended(value: Extended, steps: number, keys: EvaluationKeys, apart = false): Extended {
  const { ring, level, stride } = value
  const element = rotationElement(ring, steps)
  const key = galoisKeyFor(ring, element, `a rotation by ${steps}`, keys)
  using divided = ring.limbs(level + 1)
  using copy = apart ? copyOf(value, 1) : undefined
  const second = copy === undefined ? { src: value.part(1), stride } : { src: copy.ptr, stride: ring.limbBytes }
  divideByP(ring, level, [{ ...second, dst: divided.ptr }])
  const first = value.part(0)
  const start = (limb: number) => ({ add0: first + limb * stride, add1: 0, w: 1 })
  using product = switchKey(ring, divided.ptr, level, key, { start })
  if (apart) return permuted(product, element)
  permute(value, product, element)
  return value
}

function copyOf({ ring, level, stride, part }: Extended, r: 0 | 1): Slab {
  const limbs = switchPlan(ring, level).targets.length
  const slab = ring.limbs(limbs)
  const [src, dst] = [part(r), slab.ptr]
  ring.parallel(limbs, (limb, kernels) => kernels.copy(dst + limb * ring.limbBytes, src + limb * stride, ring.n))
  return slab
}
