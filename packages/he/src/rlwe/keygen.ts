import { GloveboxError } from '../base/errors.ts'
import { invMod } from '../base/numbers.ts'
import { randomBytes } from '../base/random.ts'
import type { Ptr } from '../kernels/table.ts'
import { extendedIndex, factor, productOf, type Ring } from '../ring/ring.ts'
import { requireLevel, requireRing } from './ciphertext.ts'
import { expandPublicKey, expandSwitchingKey, seedBytes } from './expand.ts'
import {
  conjugationElement,
  extendedLimbs,
  newPublicKey,
  newSwitchingKey,
  type PublicKey,
  rotationElement,
  type SwitchingKey,
} from './keys.ts'
import { sampleError, spread } from './noise.ts'
import { type SecretKey, secretLimb } from './secret-key.ts'

/** A rotation by `steps` slots to the left, or complex conjugation, for ciphertexts up to `level` (default: all). */
export interface GaloisRequest {
  readonly steps: number | 'conjugate'
  readonly level?: number
}

/** The switching key from `source` to `target`; both give the limb modulo ring.moduli[index]. */
function switchingKey(
  ring: Ring,
  level: number,
  source: (index: number) => Ptr,
  target: (index: number) => Ptr,
): SwitchingKey {
  const { kernels, n, params, limbBytes } = ring
  if (params.special.length === 0) {
    throw new GloveboxError(
      'unsupported',
      'the parameters have no special prime ("specialBits" is empty), so there are no evaluation keys',
    )
  }
  const key = newSwitchingKey(ring, level, randomBytes(seedBytes))
  expandSwitchingKey(key)
  const limbs = extendedLimbs(ring, level)
  const indices = Array.from({ length: limbs }, (_, limb) => extendedIndex(ring, level, limb))
  const P = productOf(params.special)
  using error = ring.limbs(1, { wipe: true })
  using product = ring.limbs(1, { wipe: true })
  for (let d = 0; d < key.digits; d++) {
    const b = key.slab.ptr + 2 * d * limbs * limbBytes
    const a = b + limbs * limbBytes
    sampleError(ring, error.ptr)
    spread(ring, b, error.ptr, indices)
    indices.forEach((index, limb) => {
      const { p, pinv } = ring.moduli[index]!
      const bLimb = b + limb * limbBytes
      kernels.mul(product.ptr, a + limb * limbBytes, target(index), n, p, pinv)
      kernels.sub(bLimb, bLimb, product.ptr, n, p, pinv)
      const inDigit = limb <= level && Math.floor(limb / params.digitSize) === d
      if (inDigit) {
        const { w, wp } = factor(P, p)
        kernels.mulScalar(product.ptr, source(index), n, w, wp, p)
        kernels.add(bLimb, bLimb, product.ptr, n, p, pinv)
      }
    })
  }
  return key
}

/** The key that brings s^2 back to s. `level` defaults to the top. */
export function createRelinearisationKey(
  context: { readonly ring: Ring },
  secret: SecretKey,
  options: { readonly level?: number } = {},
): SwitchingKey {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  const level = options.level ?? ring.params.maxLevel
  requireLevel(ring, level)
  using square = ring.limbs(1, { wipe: true })
  return switchingKey(
    ring,
    level,
    (index) => {
      const { p, pinv } = ring.moduli[index]!
      ring.kernels.mul(square.ptr, secretLimb(secret, index), secretLimb(secret, index), ring.n, p, pinv)
      return square.ptr
    },
    (index) => secretLimb(secret, index),
  )
}

/**
 * The key of X → X^g goes from s to s(X^(1/g)): key switching first, the automorphism last, so that one decomposition and
 * no permutation of digits serves many rotations.
 */
function galoisKey(ring: Ring, secret: SecretKey, element: number, level: number): SwitchingKey {
  const inverse = Number(invMod(BigInt(element), BigInt(2 * ring.n)))
  const index = ring.automorphism(inverse)
  using turned = ring.limbs(1, { wipe: true })
  return switchingKey(
    ring,
    level,
    (i) => secretLimb(secret, i),
    (i) => {
      ring.kernels.permute(turned.ptr, secretLimb(secret, i), index, ring.n)
      return turned.ptr
    },
  )
}

/** Galois keys for the rotations asked for, by Galois element; of two requests for one rotation the higher level counts. */
export function createGaloisKeys(
  context: { readonly ring: Ring },
  secret: SecretKey,
  requests: readonly GaloisRequest[],
): ReadonlyMap<number, SwitchingKey> {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  const levels = new Map<number, number>()
  for (const { steps, level = ring.params.maxLevel } of requests) {
    requireLevel(ring, level)
    const element = steps === 'conjugate' ? conjugationElement(ring) : rotationElement(ring, steps)
    if (element !== 1) levels.set(element, Math.max(level, levels.get(element) ?? 0))
  }
  return new Map([...levels].map(([element, level]) => [element, galoisKey(ring, secret, element, level)]))
}

/** A public encryption key. */
export function createPublicKey(context: { readonly ring: Ring }, secret: SecretKey): PublicKey {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  const { kernels, n, limbBytes } = ring
  const key = newPublicKey(ring, randomBytes(seedBytes))
  expandPublicKey(key)
  const limbs = ring.params.primes.length
  using error = ring.limbs(1, { wipe: true })
  using product = ring.limbs(1, { wipe: true })
  sampleError(ring, error.ptr)
  spread(ring, key.slab.ptr, error.ptr, [...Array(limbs).keys()])
  for (let i = 0; i < limbs; i++) {
    const { p, pinv } = ring.moduli[i]!
    const b = key.slab.ptr + i * limbBytes
    kernels.mul(product.ptr, key.slab.ptr + (limbs + i) * limbBytes, secretLimb(secret, i), n, p, pinv)
    kernels.sub(b, b, product.ptr, n, p, pinv)
  }
  return key
}
