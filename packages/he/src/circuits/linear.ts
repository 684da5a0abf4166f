import { requireContext, requireObject, typeName } from '../base/require.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, type Plaintext, requireRing } from '../rlwe/ciphertext.ts'
import type { EvaluationKeys } from '../rlwe/keys.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import { tracedFunction } from '../schemes/trace.ts'
import { applyTerms, isStill, requireKeys } from './double-hoisting.ts'
import { type LinearPlan, requirePlan } from './plan.ts'
import type { Term } from './weighted-sums.ts'

/**
 * A matrix on slot vectors, encoded once: out = sum over d of diagonal_d * rotate(in, d). Each diagonal takes level+1 limbs of about 8 N bytes, with those
 * of the special primes where the plan rotates; dispose of it to give them back.
 */
export interface LinearTransform extends Disposable {
  /** The ring of its context. */
  readonly ring: Ring
  /** Of the ciphertexts that it is applied to, 0 to `params.maxLevel`. */
  readonly level: number
  /** Of the weights, at least 1: the scale of a result is that of the ciphertext times it. */
  readonly scale: number
  /** The split that it was encoded for. */
  readonly plan: LinearPlan
  /** giants[g] lists, for each baby that it meets, the index of the baby and the diagonal rotated back by the giant. */
  readonly giants: readonly { readonly steps: number; readonly terms: readonly Term[] }[]
}

function encode(
  context: { readonly ring: Ring },
  diagonals: ReadonlyMap<number, ArrayLike<number>>,
  plan: LinearPlan,
  options: { readonly level: number; readonly scale: number },
): LinearTransform {
  requireContext('context', context)
  if (!(diagonals instanceof Map))
    throw new TypeError(`"diagonals" expected a map from rotations to weights, got ${typeName(diagonals)}`)
  requirePlan(plan)
  requireObject('options', '{ level, scale }', options)
  const { ring } = context
  const slots = ring.n / 2
  if (diagonals.size === 0) throw new RangeError('"diagonals" expected at least one, got none')
  const made: Plaintext[] = []
  const dispose = (): void => {
    for (const plaintext of made) plaintext[Symbol.dispose]()
  }
  const used = new Set<number>()
  const shifted = new Float64Array(slots)
  const special = !isStill(plan)
  try {
    const giants = plan.giants.map((steps) => {
      const terms: Term[] = []
      plan.babies.forEach((baby, index) => {
        const rotation = (steps + baby) % slots
        const diagonal = diagonals.get(rotation)
        if (diagonal === undefined || used.has(rotation)) return
        if (diagonal?.length !== slots)
          throw new RangeError(`"diagonals(${rotation})" expected ${slots} weights, got ${String(diagonal?.length)}`)
        for (let s = 0; s < slots; s++) shifted[s] = diagonal[(s - steps + slots) % slots]!
        const weights = encodeSlots(ring, shifted, options.level, options.scale, special)
        made.push(weights)
        terms.push({ input: 0, baby: index, weights })
        used.add(rotation)
      })
      return { steps, terms }
    })
    for (const rotation of diagonals.keys()) {
      if (!used.has(rotation)) throw new RangeError(`"plan" has no baby and giant for rotation ${rotation}`)
    }
    return { ring, level: options.level, scale: options.scale, plan, giants, [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/**
 * Encodes the diagonals (rotation in slots, 0 to N/2 - 1 → N/2 real weights, one a slot) along a plan, as it is evaluated: sum_g rotate_g( sum_b
 * rotate_-g(diagonal_(g+b)) * rotate_b(in) ). Halevi and Shoup 2018 (eprint 2018/244), section 4. `level` from 0 to `params.maxLevel`, `scale` from 1 to
 * half its modulus.
 * @throws RangeError for no diagonal, one of another length or that the plan does not reach, weights that are not finite or do not fit the modulus, a level
 * or scale out of range; GloveboxError `scale-mismatch` for a scale above that half; TypeError for what is no context, map or plan.
 */
export const encodeLinear: typeof encode = tracedFunction('circuits', 'encodeLinear', encode)

/** Refuses what encodeLinear did not make. */
export function requireTransform(ring: Ring, transform: LinearTransform): void {
  requireRing(ring, 'transform', transform)
  if (!Array.isArray(transform.giants))
    throw new TypeError('"transform" expected what encodeLinear makes, got another object')
}

function apply(
  context: { readonly ring: Ring },
  ct: Ciphertext,
  transform: LinearTransform,
  keys: EvaluationKeys,
): Ciphertext {
  requireContext('context', context)
  const { ring } = context
  requireRing(ring, 'ct', ct, 'ciphertext')
  requireTransform(ring, transform)
  requireKeys(keys)
  const { giants, plan, level, scale } = transform
  const terms = giants.map((giant) => giant.terms)
  return applyTerms(ring, [ct], [terms], plan, { level, scale, name: () => 'ct' }, keys)[0]!
}

/**
 * Applies the transform; the scales multiply, nothing is rescaled. The ciphertext must be at the transform's level. Needs the Galois keys of
 * `planRotations(plan)`. Double hoisting: Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021 (eprint 2020/1203), section 4.
 * @throws GloveboxError `level-exhausted` at another level, `missing-key`, `scale-mismatch` where the product of the scales exceeds half the modulus,
 * `unsupported` for three parts or a value of a trimmed reply, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export const applyLinear: typeof apply = tracedFunction('circuits', 'applyLinear', apply)
