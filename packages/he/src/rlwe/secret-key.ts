import type { Slab } from '../backend/heap.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { sampleTernary, spread } from './noise.ts'

/**
 * A uniform ternary secret: N coefficients -1, 0 or 1, each with probability 1/3. Its memory is wiped when it is disposed or collected, and used
 * afterwards it throws GloveboxError `disposed`; it prints and serialises as its kind alone (use `encodeSecretKey` where it really must be stored).
 */
export interface SecretKey extends Disposable {
  /** Tells values apart at run time, and all that a printed key shows. */
  readonly kind: 'secret-key'
  /** The ring of its context. Not enumerable. */
  readonly ring: Ring
  /** NTT form over all L+1+k primes, the special ones behind the chain: limb i modulo ring.moduli[i]. Not enumerable. */
  readonly slab: Slab
}

export function secretLimb(key: SecretKey, index: number): Ptr {
  return key.slab.ptr + index * key.ring.limbBytes
}

/** A secret key around ternary coefficients that `fill` writes. */
export function newSecretKey(ring: Ring, fill: (coefficients: Ptr) => void): SecretKey {
  const slab = ring.limbs(ring.moduli.length, { wipe: true })
  try {
    using coefficients = ring.limbs(1, { wipe: true })
    fill(coefficients.ptr)
    spread(ring, slab.ptr, coefficients.ptr, [...ring.moduli.keys()])
  } catch (error) {
    slab[Symbol.dispose]()
    throw error
  }
  const key: SecretKey = { kind: 'secret-key', ring, slab, [Symbol.dispose]: () => slab[Symbol.dispose]() }
  // Not enumerable and never printed: a key in a log line shows as its kind alone.
  for (const hidden of ['ring', 'slab'] as const) Object.defineProperty(key, hidden, { enumerable: false })
  return Object.defineProperty(key, 'toJSON', { enumerable: false, value: () => ({ kind: 'secret-key' }) })
}

/** A fresh secret key from the platform's secure generator. */
export function createSecretKey(context: { readonly ring: Ring }): SecretKey {
  const { ring } = context
  return newSecretKey(ring, (coefficients) => sampleTernary(ring, coefficients))
}
