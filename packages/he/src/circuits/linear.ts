import type { Slab } from '../backend/heap.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import {
  type Ciphertext,
  limbOf,
  newCiphertext,
  type Plaintext,
  requireRing,
  requireScale,
  requireWhole,
} from '../rlwe/ciphertext.ts'
import { hoist, rotate, rotateHoisted } from '../rlwe/galois.ts'
import type { EvaluationKeys } from '../rlwe/keys.ts'
import { add } from '../schemes/ckks/arithmetic.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import type { LinearPlan } from './plan.ts'

/** A matrix on slot vectors, encoded once: out = sum over d of diagonal_d * rotate(in, d). */
export interface LinearTransform extends Disposable {
  readonly ring: Ring
  readonly level: number
  readonly scale: number
  readonly plan: LinearPlan
  /** giants[g] lists, for each baby that it meets, the index of the baby and the diagonal rotated back by the giant. */
  readonly giants: readonly {
    readonly steps: number
    readonly terms: readonly { readonly baby: number; readonly weights: Plaintext }[]
  }[]
}

/**
 * Encodes the diagonals (rotation → one weight a slot) along a plan:
 * sum_g rotate_g( sum_b rotate_-g(diagonal_(g+b)) * rotate_b(in) ).
 * The outer sum is taken as Horner's rule does, from the largest giant down, each time rotating by the difference to the next: giants at equal
 * distances need one Galois key together.
 */
export function encodeLinear(
  context: { readonly ring: Ring },
  diagonals: ReadonlyMap<number, ArrayLike<number>>,
  plan: LinearPlan,
  options: { readonly level: number; readonly scale: number },
): LinearTransform {
  const { ring } = context
  const slots = ring.n / 2
  if (diagonals.size === 0) throw new RangeError('"diagonals" expected at least one, got none')
  const made: Plaintext[] = []
  const used = new Set<number>()
  const shifted = new Float64Array(slots)
  const giants = plan.giants.map((steps) => {
    const terms: { baby: number; weights: Plaintext }[] = []
    plan.babies.forEach((baby, index) => {
      const rotation = (steps + baby) % slots
      const diagonal = diagonals.get(rotation)
      if (diagonal === undefined || used.has(rotation)) return
      if (diagonal.length !== slots)
        throw new RangeError(`"diagonals(${rotation})" expected ${slots} weights, got ${diagonal.length}`)
      for (let s = 0; s < slots; s++) shifted[s] = diagonal[(s - steps + slots) % slots]!
      const weights = encodeSlots(ring, shifted, options.level, options.scale)
      made.push(weights)
      terms.push({ baby: index, weights })
      used.add(rotation)
    })
    return { steps, terms }
  })
  for (const rotation of diagonals.keys()) {
    if (!used.has(rotation)) throw new RangeError(`"plan" has no baby and giant for rotation ${rotation}`)
  }
  return {
    ring,
    level: options.level,
    scale: options.scale,
    plan,
    giants,
    [Symbol.dispose]() {
      for (const plaintext of made) plaintext[Symbol.dispose]()
    },
  }
}

/** Rotation steps that a plan asks keys for: its babies and the differences of its giants. */
export function planRotations({ babies, giants }: LinearPlan): number[] {
  const differences = giants.map((steps, g) => steps - (giants[g - 1] ?? 0))
  return [...new Set([...babies, ...differences])].filter((steps) => steps !== 0)
}

/** Applies the transform; the scales multiply, nothing is rescaled. The ciphertext must be at the transform's level. */
export function applyLinear(
  context: { readonly ring: Ring },
  ct: Ciphertext,
  transform: LinearTransform,
  keys: EvaluationKeys,
): Ciphertext {
  const { ring } = context
  requireRing(ring, 'ct', ct)
  requireRing(ring, 'transform', transform)
  if (ct.parts !== 2)
    throw new GloveboxError('unsupported', '"ct" has 3 parts: relinearise it before a linear transform')
  if (ct.level !== transform.level) {
    throw new GloveboxError(
      'level-exhausted',
      `the transform was encoded for level ${transform.level}, the ciphertext is at level ${ct.level}: drop its level, or encode for that level`,
    )
  }
  requireWhole('ct', ct)
  const scale = ct.scale * transform.scale
  requireScale(ring, ct.level, scale)
  const babies: Ciphertext[] = []
  const rotated: Ciphertext[] = []
  try {
    if (transform.plan.babies.some((steps) => steps !== 0)) {
      using hoisted = hoist(ct)
      for (const steps of transform.plan.babies) {
        if (steps === 0) babies.push(ct)
        else {
          const turned = rotateHoisted(hoisted, steps, keys)
          rotated.push(turned)
          babies.push(turned)
        }
      }
    } else babies.push(ct)
    let sum: Ciphertext | undefined
    for (const [g, { steps, terms }] of [...transform.giants.entries()].reverse()) {
      if (terms.length > 0) {
        const partial = weightedSum(ring, babies, terms, scale)
        if (sum === undefined) sum = partial
        else {
          using left = sum
          using right = partial
          sum = add(left, right)
        }
      }
      const difference = steps - (transform.giants[g - 1]?.steps ?? 0)
      if (sum !== undefined && difference !== 0) {
        using before = sum
        sum = rotate(before, difference, keys)
      }
    }
    return sum!
  } finally {
    for (const ciphertext of rotated) ciphertext[Symbol.dispose]()
  }
}

/** Most terms that the dotPlain kernel takes at once. */
const maxTerms = 256

function weightedSum(
  ring: Ring,
  babies: readonly Ciphertext[],
  terms: readonly { readonly baby: number; readonly weights: Plaintext }[],
  scale: number,
): Ciphertext {
  const { kernels, n, limbBytes, heap } = ring
  const level = babies[0]!.level
  const out = newCiphertext(ring, 2, level, scale)
  using pointers: Slab = heap.alloc(12 * Math.min(maxTerms, terms.length))
  using more = terms.length > maxTerms ? newCiphertext(ring, 2, level, scale) : undefined
  for (let start = 0; start < terms.length; start += maxTerms) {
    const chunk = terms.slice(start, start + maxTerms)
    for (let i = 0; i <= level; i++) {
      const { p, pinv } = ring.moduli[i]!
      heap
        .u32(pointers.ptr, 3 * chunk.length)
        .set(
          chunk.flatMap(({ baby, weights }) => [
            limbOf(babies[baby]!, 0, i),
            limbOf(babies[baby]!, 1, i),
            weights.slab.ptr + i * limbBytes,
          ]),
        )
      const target = start === 0 ? out : more!
      kernels.dotPlain(limbOf(target, 0, i), limbOf(target, 1, i), pointers.ptr, chunk.length, n, p, pinv)
      if (start > 0) {
        for (const part of [0, 1])
          kernels.add(limbOf(out, part, i), limbOf(out, part, i), limbOf(more!, part, i), n, p, pinv)
      }
    }
  }
  return out
}
