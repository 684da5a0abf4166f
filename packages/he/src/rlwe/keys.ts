import type { Slab } from '../backend/heap.ts'
import { showAs, shown } from '../base/shown.ts'
import type { Ring } from '../ring/ring.ts'

/**
 * A key that turns c * source into a ciphertext under the target secret, for ciphertexts up to `level`.
 * Digit d is the pair (b_d, a_d) over the extended basis of the level, b_d = -a_d * target + e_d + P * [digit d] * source:
 * first the level+1+k limbs of b_d, then those of a_d. Hybrid key switching: Han and Ki 2020 (eprint 2019/688), section 3.
 */
export interface SwitchingKey extends Disposable {
  /** Tells values apart at run time. */
  readonly kind: 'switching-key'
  /** The ring of its context. */
  readonly ring: Ring
  /** Its memory: for each digit b_d, then a_d, of level+1+k limbs each in NTT form. */
  readonly slab: Slab
  /** The highest level of a ciphertext that it serves, 0 to `params.maxLevel`. */
  readonly level: number
  /** ⌈(level+1)/α⌉ for digits of α primes: 1 or more. */
  readonly digits: number
  /** The public seed of 32 bytes that every a_d is expanded from (ChaCha20, RFC 8439); undefined where they come from elsewhere, and are sent in full. */
  readonly seed: Uint8Array | undefined
}

/** What a server needs to compute, all of one context: never a secret. */
export interface EvaluationKeys {
  /** For products: from s^2 to s. Undefined where the program has none. */
  readonly relinearisation: SwitchingKey | undefined
  /** By Galois element g, odd, 3 to 2N - 1: the key of the automorphism X → X^g. May be empty. */
  readonly galois: ReadonlyMap<number, SwitchingKey>
}

/**
 * Encryption key that may be given to anyone: (b, a) at the top level, b = -a s + e with a uniform and e centred binomial, sigma 3.24. Serves
 * plaintexts of every level. Lyubashevsky, Peikert, Regev 2010 (eprint 2012/230).
 */
export interface PublicKey extends Disposable {
  /** Tells values apart at run time. */
  readonly kind: 'public-key'
  /** The ring of its context. */
  readonly ring: Ring
  /** Its memory: b, then a, of L+1 limbs each in NTT form. */
  readonly slab: Slab
  /** The public seed of 32 bytes that a is expanded from (ChaCha20, RFC 8439); undefined where it comes from elsewhere, and is sent in full. */
  readonly seed: Uint8Array | undefined
}

export function digitsAt(ring: Ring, level: number): number {
  return Math.ceil((level + 1) / ring.params.digitSize)
}

/** Limbs of one half of a digit. */
export function extendedLimbs(ring: Ring, level: number): number {
  return level + 1 + ring.params.special.length
}

const showSwitchingKey = showAs<SwitchingKey>('SwitchingKey', ({ level, digits, ring, slab }) => ({
  level,
  digits,
  ringDegree: ring.n,
  bytes: slab.bytes,
}))
const showPublicKey = showAs<PublicKey>('PublicKey', ({ ring, slab }) => ({
  level: ring.params.maxLevel,
  ringDegree: ring.n,
  bytes: slab.bytes,
}))

export function newSwitchingKey(ring: Ring, level: number, seed?: Uint8Array): SwitchingKey {
  const digits = digitsAt(ring, level)
  const slab = ring.limbs(2 * digits * extendedLimbs(ring, level))
  return {
    kind: 'switching-key',
    ring,
    slab,
    level,
    digits,
    seed,
    [shown]: showSwitchingKey,
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}

export function newPublicKey(ring: Ring, seed?: Uint8Array): PublicKey {
  const slab = ring.limbs(2 * ring.params.primes.length)
  return {
    kind: 'public-key',
    ring,
    slab,
    seed,
    [shown]: showPublicKey,
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}

/**
 * The Galois element that rotates slots to the left by `steps`, any integer, taken modulo N/2: 3^steps modulo 2N, odd, 1 to 2N - 1; 1 stands for no
 * rotation. `ring` is that of a context: only its N counts.
 * @throws TypeError for steps that are no integer.
 */
export function rotationElement(ring: { readonly n: number }, steps: number): number {
  const slots = ring.n / 2
  if (!Number.isInteger(steps)) throw new TypeError(`"steps" expected an integer, got ${steps}`)
  let element = 1
  // Squares stay below (2N)^2 < 2^53.
  for (let count = ((steps % slots) + slots) % slots, square = 3; count > 0; count >>= 1) {
    if (count % 2 === 1) element = (element * square) % (2 * ring.n)
    square = (square * square) % (2 * ring.n)
  }
  return element
}

/** The Galois element of complex conjugation (CKKS) or of swapping the rows (BFV, BGV): 2N - 1. */
export function conjugationElement(ring: { readonly n: number }): number {
  return 2 * ring.n - 1
}
