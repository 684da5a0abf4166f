import type { Kernels, Ptr } from '../kernels/table.ts'
import { type Ciphertext, limbOf } from './ciphertext.ts'
import { type Extended, newExtended } from './extended.ts'
import { galoisKeyFor, type Hoisted, liftedStart } from './galois.ts'
import { type EvaluationKeys, rotationElement } from './keys.ts'
import { applyKey, newSplit, scaleDigits, splitLimb, switchKey } from './keyswitch.ts'
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
  const { ring, level, stride } = src
  const out = newExtended(ring, level)
  const index = ring.automorphism(element)
  const [from, to] = [src.part(0), out.part(0)]
  ring.parallel(switchPlan(ring, level).targets.length, (limb, kernels) => {
    for (const r of [0, ring.limbBytes])
      kernels.permute(to + limb * out.stride + r, from + limb * stride + r, index, ring.n)
  })
  return out
}

/** What goes along with a turn, so that it needs no pass of its own. */
export interface TurnOptions {
  /** Added to the result. */
  readonly plus?: Extended | undefined
  /** In the second part, the limbs of the special primes are in coefficients: before the turn, as the division by P wants them; and after it. */
  readonly transformed?: boolean
  readonly coefficients?: boolean
}

/** Slots to the left by `steps`, in place: the second part is divided by P and decomposed, the first goes along as it is. */
export function turnExtended(value: Extended, steps: number, keys: EvaluationKeys, options: TurnOptions = {}): void {
  const { ring, level, stride } = value
  const { n, limbBytes } = ring
  const { plus, transformed = false, coefficients = false } = options
  const { targets } = switchPlan(ring, level)
  const [at, add, addStride] = [value.part(0), plus?.part(0), plus?.stride ?? 0]
  switchSecond(value, steps, keys, { transformed }, (kernels, limb, sums, index) => {
    const { p, pinv, table } = targets[limb]!.modulus
    for (const r of [0, limbBytes]) {
      const dst = at + limb * stride + r
      kernels.permute(dst, sums + r, index, n)
      if (add !== undefined) kernels.add(dst, dst, add + limb * addStride + r, n, p, pinv)
    }
    if (coefficients && limb > level) kernels.nttInverse(at + limb * stride + limbBytes, n, p, pinv, table)
  })
}

/** value += value rotated to the left by `steps`. */
export function addTurned(value: Extended, steps: number, keys: EvaluationKeys): void {
  const { ring, level, stride } = value
  const { n, limbBytes } = ring
  const { targets } = switchPlan(ring, level)
  using turned = newExtended(ring, level)
  const [at, to] = [value.part(0), turned.part(0)]
  switchSecond(value, steps, keys, { kept: true }, (kernels, limb, sums, index) => {
    const { p, pinv } = targets[limb]!.modulus
    for (const r of [0, limbBytes]) {
      const [dst, other] = [at + limb * stride + r, to + limb * turned.stride + r]
      kernels.permute(other, sums + r, index, n)
      kernels.add(dst, dst, other, n, p, pinv)
    }
  })
}

/**
 * Switches the second part, divided by P, to the key of a rotation and adds the first. The two sums of a limb are handed to `finish` in the task of the limb, one after
 * the other and yet to be permuted by `index`; it may overwrite that limb of the value.
 */
function switchSecond(
  value: Extended,
  steps: number,
  keys: EvaluationKeys,
  { kept = false, transformed = false }: { readonly kept?: boolean; readonly transformed?: boolean },
  finish: (kernels: Kernels, limb: number, sums: Ptr, index: Ptr) => void,
): void {
  const { ring, level, stride } = value
  const { limbBytes } = ring
  const element = rotationElement(ring, steps)
  const key = galoisKeyFor(ring, element, `a rotation by ${steps}`, keys)
  const index = ring.automorphism(element)
  using divided = ring.limbs(switchPlan(ring, level).targets.length)
  using pieces = newSplit(ring, level)
  const at = divided.ptr
  const room = kept ? { special: at + (level + 1) * limbBytes } : {}
  divideByP(ring, level, [{ src: value.part(1), stride, dst: at, ...room }], {
    transformed,
    finish: (kernels, i, limb) => splitLimb(kernels, ring, pieces, i, limb),
  })
  scaleDigits(ring, pieces)
  const first = value.part(0)
  switchKey(ring, at, level, key, {
    start: (limb) => ({ add0: first + limb * stride, add1: 0, w: 1 }),
    pieces,
    finish: (kernels, limb, sums) => finish(kernels, limb, sums, index),
  })[Symbol.dispose]()
}
