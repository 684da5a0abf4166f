import type { Slab } from '../backend/heap.ts'
import type { Ring } from '../ring/ring.ts'

/**
 * A key that turns c * source into a ciphertext under the target secret, for ciphertexts up to `level`.
 * Digit d is the pair (b_d, a_d) over the extended basis of the level, b_d = -a_d * target + e_d + P * [digit d] * source:
 * first the level+1+k limbs of b_d, then those of a_d. Hybrid key switching: Han and Ki 2020 (eprint 2019/688), section 3.
 */
export interface SwitchingKey extends Disposable {
  readonly kind: 'switching-key'
  readonly ring: Ring
  readonly slab: Slab
  readonly level: number
  readonly digits: number
  /** The public seed that every a_d is expanded from. */
  readonly seed: Uint8Array
}

/** What a server needs to compute: never a secret. */
export interface EvaluationKeys {
  readonly relinearisation: SwitchingKey | undefined
  /** By Galois element g: the key of the automorphism X → X^g. */
  readonly galois: ReadonlyMap<number, SwitchingKey>
}

/** Encryption key that may be given to anyone: (b, a) at the top level, b = -a s + e. */
export interface PublicKey extends Disposable {
  readonly kind: 'public-key'
  readonly ring: Ring
  readonly slab: Slab
  readonly seed: Uint8Array
}

export function digitsAt(ring: Ring, level: number): number {
  return Math.ceil((level + 1) / ring.params.digitSize)
}

/** Limbs of one half of a digit. */
export function extendedLimbs(ring: Ring, level: number): number {
  return level + 1 + ring.params.special.length
}

export function newSwitchingKey(ring: Ring, level: number, seed: Uint8Array): SwitchingKey {
  const digits = digitsAt(ring, level)
  const slab = ring.limbs(2 * digits * extendedLimbs(ring, level))
  return { kind: 'switching-key', ring, slab, level, digits, seed, [Symbol.dispose]: () => slab[Symbol.dispose]() }
}

export function newPublicKey(ring: Ring, seed: Uint8Array): PublicKey {
  const slab = ring.limbs(2 * ring.params.primes.length)
  return { kind: 'public-key', ring, slab, seed, [Symbol.dispose]: () => slab[Symbol.dispose]() }
}

/** The Galois element that rotates slots to the left by `steps`: 3^steps modulo 2N. */
export function rotationElement(ring: Ring, steps: number): number {
  const slots = ring.n / 2
  if (!Number.isInteger(steps)) throw new TypeError(`"steps" expected an integer, got ${steps}`)
  const count = ((steps % slots) + slots) % slots
  let element = 1
  for (let i = 0; i < count; i++) element = (element * 3) % (2 * ring.n)
  return element
}

/** The Galois element of complex conjugation: 2N - 1. */
export function conjugationElement(ring: Ring): number {
  return 2 * ring.n - 1
}
