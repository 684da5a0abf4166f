import { GloveboxError } from '../base/errors.ts'
import { requireObject, typeName } from '../base/require.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, newCiphertext, requireRing, requireScale, requireWhole } from '../rlwe/ciphertext.ts'
import { type Extended, newExtended, zeroExtended } from '../rlwe/extended.ts'
import { hoist } from '../rlwe/galois.ts'
import type { EvaluationKeys } from '../rlwe/keys.ts'
import { divideExtended } from '../rlwe/moddown.ts'
import { addTurned, rotateExtended, turnExtended } from '../rlwe/rotate-extended.ts'
import { switchPlan } from '../rlwe/switch-plan.ts'
import { sameScale } from '../schemes/ckks/same-scale.ts'
import type { LinearPlan } from './plan.ts'
import { newScratch, type Scratch } from './scratch.ts'
import { babiesUsed, type Source, sourceOf, sourceOfCiphertext, type Term, weigh } from './weighted-sums.ts'

/** By giant of the plan. */
export type GiantTerms = readonly (readonly Term[])[]

/** Whether every rotation is one by 0, so that no key and no special prime is needed. */
export function isStill({ babies, giants }: LinearPlan): boolean {
  return [...babies, ...giants].every((steps) => steps === 0)
}

/** Refuses what holds no Galois keys. */
export function requireKeys(keys: EvaluationKeys): void {
  requireObject('keys', 'evaluation keys { relinearisation, galois }', keys)
  if (typeof keys.galois?.get !== 'function')
    throw new TypeError(`"keys.galois" expected the map that createGaloisKeys makes, got ${typeName(keys.galois)}`)
}

function requireInput(ring: Ring, name: string, ct: Ciphertext, level: number): void {
  requireRing(ring, name, ct, 'ciphertext')
  if (ct.parts !== 2)
    throw new GloveboxError('unsupported', `"${name}" has 3 parts: relinearise it before a linear transform`)
  if (ct.level !== level) {
    throw new GloveboxError(
      'level-exhausted',
      `the transform was encoded for level ${level}, the ciphertext is at level ${ct.level}: drop its level, or encode for that level`,
    )
  }
  requireWhole(name, ct)
}

/**
 * out_o = sum_g rotate_g( sum_(i, b) weights_(o, g, i, b) * rotate_b(in_i) ), then folded: out + rotate_f(out) for every fold f.
 *
 * Everything stays over QP until the end (double hoisting: Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021, eprint 2020/1203, section 4): a baby
 * is an inner product with its key, a giant divides the one part that its key switch decomposes, and each output is divided by P once.
 * The outer sum is taken as Horner's rule does, from the largest giant down, each time rotating by the difference to the next: giants at equal
 * distances need one Galois key together.
 */
export function applyTerms(
  ring: Ring,
  inputs: readonly Ciphertext[],
  outputs: readonly GiantTerms[],
  plan: LinearPlan,
  options: {
    readonly level: number
    readonly scale: number
    readonly folds?: readonly number[]
    readonly name: (input: number) => string
  },
  keys: EvaluationKeys,
): Ciphertext[] {
  const { level, folds = [] } = options
  inputs.forEach((ct, i) => requireInput(ring, options.name(i), ct, level))
  const scale = inputs[0]!.scale * options.scale
  inputs.forEach(({ scale: one }, i) => {
    if (!sameScale(one, inputs[0]!.scale))
      throw new GloveboxError('scale-mismatch', `"${options.name(i)}" has another scale than "${options.name(0)}"`)
  })
  requireScale(ring, level, scale)
  using scratch = newScratch()
  if (isStill(plan) && folds.length === 0) {
    const sources = inputs.map(sourceOfCiphertext)
    const results = outputs.map((terms) => {
      const out = scratch.keep(newCiphertext(ring, 2, level, scale))
      if (terms.some((list) => list.length > 0))
        weigh(ring, level, sources, 1, [{ dst: sourceOfCiphertext(out), terms }], level + 1)
      else ring.heap.u8(out.slab.ptr, out.slab.bytes).fill(0)
      return out
    })
    return results.map((out) => scratch.release(out))
  }
  const sources = inputs.flatMap((ct, i) => babiesOf(ct, plan, outputs, i, keys, scratch))
  const results = outputs.map((terms) => {
    using sum = sumGiants(ring, level, sources, terms, plan, keys)
    for (const fold of folds) addTurned(sum, fold, keys)
    return scratch.keep(divideExtended(sum, scale))
  })
  return results.map((out) => scratch.release(out))
}

/** The babies of one input that some output has weights for, over QP and P times as large; the others are left out. */
function babiesOf(
  ct: Ciphertext,
  plan: LinearPlan,
  outputs: readonly GiantTerms[],
  input: number,
  keys: EvaluationKeys,
  scratch: Scratch,
): (Source | undefined)[] {
  const used = babiesUsed(ct.ring, outputs.flat(), input)
  const turns = plan.babies.some((steps, b) => steps !== 0 && used.has(b))
  using hoisted = turns ? hoist(ct) : undefined
  const { ring } = ct
  const wanted = plan.babies.filter((_, b) => used.has(b))
  const made = ring.together(wanted.map((steps) => () => rotateExtended(hoisted ?? ct, steps, keys)))
  for (const baby of made) scratch.keep(baby)
  return plan.babies.map((steps, b) => (used.has(b) ? sourceOf(made[wanted.indexOf(steps)]!) : undefined))
}

/** The weighted sums of all giants, then Horner's rule. */
function sumGiants(
  ring: Ring,
  level: number,
  sources: readonly (Source | undefined)[],
  terms: GiantTerms,
  plan: LinearPlan,
  keys: EvaluationKeys,
): Extended {
  using scratch = newScratch()
  const partial = terms.map((list) => (list.length > 0 ? scratch.keep(newExtended(ring, level)) : undefined))
  const sums = terms.flatMap((list, g) => (list.length > 0 ? [{ dst: sourceOf(partial[g]!), terms: [list] }] : []))
  weigh(ring, level, sources, plan.babies.length, sums, switchPlan(ring, level).targets.length)
  let total: Extended | undefined
  let transformed = false
  for (let g = plan.giants.length - 1; g >= 0; g--) {
    total ??= partial[g]
    const difference = plan.giants[g]! - (plan.giants[g - 1] ?? 0)
    if (total === undefined || difference === 0) continue
    const coefficients = g > 1 || (g === 1 && plan.giants[0] !== 0)
    turnExtended(total, difference, keys, { plus: partial[g - 1], transformed, coefficients })
    transformed = coefficients
  }
  return total === undefined ? zeroExtended(ring, level) : scratch.release(total)
}
