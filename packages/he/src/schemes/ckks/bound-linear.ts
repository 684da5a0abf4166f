import { GloveboxError } from '../../base/errors.ts'
import { requireArray, requireObject, typeName } from '../../base/require.ts'
import type { EncodeOptions } from './ckks.ts'
import type { Bound, LinearBound, LinearSteps } from './error-bounds.ts'

/** What a transform is made of. */
interface Operations {
  readonly params: { readonly slots: number }
  encode(magnitude: number, options: EncodeOptions): Bound
  add(a: Bound, b: Bound): Bound
  multiplyPlain(a: Bound, b: Bound): Bound
  rotate(a: Bound, steps: number): Bound
}

export function encodeLinear(
  bounds: Operations,
  diagonals: ReadonlyMap<number, number>,
  plan: LinearSteps,
  options: { readonly level: number; readonly scale: number },
): LinearBound {
  if (!(diagonals instanceof Map))
    throw new TypeError(`"diagonals" expected a map from rotations to weights, got ${typeName(diagonals)}`)
  requireObject('plan', '{ babies, giants }', plan)
  requireArray('plan.babies', 'an array of rotations', plan.babies)
  requireArray('plan.giants', 'an array of rotations', plan.giants)
  requireObject('options', '{ level, scale }', options)
  const { level, scale } = options
  if (diagonals.size === 0) throw new RangeError('"diagonals" expected at least one, got none')
  const used = new Set<number>()
  const giants = plan.giants.map((steps) => ({
    steps,
    terms: plan.babies.flatMap((baby) => {
      const rotation = (steps + baby) % bounds.params.slots
      const most = diagonals.get(rotation)
      if (most === undefined || used.has(rotation)) return []
      used.add(rotation)
      return [{ baby, weights: bounds.encode(most, { level, scale }) }]
    }),
  }))
  for (const rotation of diagonals.keys())
    if (!used.has(rotation)) throw new RangeError(`"plan" has no baby and giant for rotation ${rotation}`)
  return { level, scale, giants }
}

/**
 * Babies rotated once, weighed, summed, and turned by the differences of the giants. Ways that divide by P later than this one (double
 * hoisting) round less, and stay below the same bound.
 */
export function applyLinear(bounds: Operations, a: Bound, transform: LinearBound): Bound {
  requireObject('transform', 'what encodeLinear makes', transform)
  requireArray('transform.giants', 'what encodeLinear makes', transform.giants)
  const { level, giants } = transform
  if (a.level !== level) {
    throw new GloveboxError(
      'level-exhausted',
      `the transform was encoded for level ${level}, the ciphertext is at level ${a.level}: drop its level, or encode for that level`,
    )
  }
  const babies = new Map<number, Bound>()
  let total: Bound | undefined
  for (const [g, { steps, terms }] of [...giants.entries()].reverse()) {
    for (const { baby, weights } of terms) {
      const turned = babies.get(baby) ?? bounds.rotate(a, baby)
      babies.set(baby, turned)
      const weighed = bounds.multiplyPlain(turned, weights)
      total = total ? bounds.add(total, weighed) : weighed
    }
    const difference = steps - (giants[g - 1]?.steps ?? 0)
    if (total !== undefined && difference !== 0) total = bounds.rotate(total, difference)
  }
  return total!
}
