import { type Basis, basisOf } from '../ring/basis.ts'
import { extendedIndex, factor, type Modulus, productOf, type Ring } from '../ring/ring.ts'
import { digitsAt, extendedLimbs } from './keys.ts'

/** One limb of the extended basis of a level. */
export interface Target {
  readonly modulus: Modulus
  /** Of the modulus in ring.moduli. */
  readonly index: number
  /** The digit that the prime belongs to; -1 for a special prime. */
  readonly digit: number
  /** P modulo the prime; 0 for a special one. */
  readonly lift: number
}

/** What key switching at one level needs to know: the primes of its digits and its targets, and the tables between them. */
export interface SwitchPlan {
  readonly level: number
  readonly digits: readonly { readonly first: number; readonly basis: Basis }[]
  /** level+1 primes of the chain, then the special ones. */
  readonly targets: readonly Target[]
  readonly special: Basis
}

const plans = new WeakMap<Ring, SwitchPlan[]>()

export function switchPlan(ring: Ring, level: number): SwitchPlan {
  let known = plans.get(ring)
  if (known === undefined) {
    known = []
    plans.set(ring, known)
  }
  known[level] ??= makePlan(ring, level)
  return known[level]
}

function makePlan(ring: Ring, level: number): SwitchPlan {
  const { digitSize, primes, special } = ring.params
  const P = productOf(special)
  const digits = Array.from({ length: digitsAt(ring, level) }, (_, d) => {
    const first = d * digitSize
    const size = Math.min(digitSize, level + 1 - first)
    return { first, basis: basisOf(ring, range(first, size)) }
  })
  const targets = Array.from({ length: extendedLimbs(ring, level) }, (_, limb): Target => {
    const index = extendedIndex(ring, level, limb)
    const modulus = ring.moduli[index]!
    const digit = limb <= level ? Math.floor(limb / digitSize) : -1
    return { modulus, index, digit, lift: factor(P, modulus.p).w }
  })
  // Tasks look tables up; none may be made there.
  for (const { index, digit } of targets) {
    digits.forEach(({ basis }, d) => {
      if (d !== digit && basis.scale !== 0) basis.combine(index)
    })
  }
  // Without special primes there are sums of products, but no key switching.
  const last = special.length > 0 ? basisOf(ring, range(primes.length, special.length)) : noBasis
  if (last.scale !== 0) for (let i = 0; i <= level; i++) last.combine(i)
  return { level, digits, targets, special: last }
}

const noBasis: Basis = { sources: [], scale: 0, combine: () => 0 }

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i)
}
