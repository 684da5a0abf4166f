import { GloveboxError } from '../base/errors.ts'
import { invMod } from '../base/numbers.ts'
import { randomBytes } from '../base/random.ts'
import { requireArray, requireObject } from '../base/require.ts'
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
import { sampleError } from './noise.ts'
import { type SecretKey, secretLimb } from './secret-key.ts'

/** One Galois key: of a rotation, or of complex conjugation (CKKS) or swapping the rows (BFV, BGV). */
export interface GaloisRequest {
  /** Slots to the left, any integer, negative to the right, taken modulo N/2; 0 makes no key. */
  readonly steps: number | 'conjugate'
  /** The highest level at which the key will be used, 0 to `maxLevel`; default: the top. */
  readonly level?: number
}

/** The switching key from `source` to `target`; both give the limb modulo ring.moduli[index], and nobody writes there. */
function switchingKey(
  ring: Ring,
  level: number,
  source: (index: number) => Ptr,
  target: (index: number) => Ptr,
): SwitchingKey {
  const { n, params, limbBytes } = ring
  if (params.special.length === 0) {
    throw new GloveboxError(
      'unsupported',
      'the parameters have no special prime ("specialBits" is empty), so there are no evaluation keys',
    )
  }
  const key = newSwitchingKey(ring, level, randomBytes(seedBytes))
  try {
    expandSwitchingKey(key)
    const limbs = extendedLimbs(ring, level)
    const P = productOf(params.special)
    using errors = ring.limbs(key.digits, { wipe: true })
    using shifted = ring.limbs(level + 1, { wipe: true })
    for (let d = 0; d < key.digits; d++) sampleError(ring, errors.ptr + d * limbBytes)
    ring.parallel(key.digits * limbs, (task, kernels) => {
      const d = Math.floor(task / limbs)
      const limb = task % limbs
      const index = extendedIndex(ring, level, limb)
      const { p, pinv, table } = ring.moduli[index]!
      const b = key.slab.ptr + (2 * d * limbs + limb) * limbBytes
      // e - a t = -(-e + a t), for want of scratch.
      kernels.nttForwardFrom(b, errors.ptr + d * limbBytes, n, p, pinv, table)
      kernels.negate(b, b, n)
      kernels.mulAdd(b, b + limbs * limbBytes, target(index), n, p, pinv)
      kernels.negate(b, b, n)
      // Each limb of the chain belongs to one digit.
      if (limb > level || Math.floor(limb / params.digitSize) !== d) return
      const product = shifted.ptr + limb * limbBytes
      const { w, wp } = factor(P, p)
      kernels.mulScalar(product, source(index), n, w, wp, p)
      kernels.add(b, b, product, n, p, pinv)
    })
    return key
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
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
  using square = ring.limbs(level + 1, { wipe: true })
  const at = (index: number): Ptr => square.ptr + index * ring.limbBytes
  ring.parallel(level + 1, (i, kernels) => {
    const { p, pinv } = ring.moduli[i]!
    kernels.mul(at(i), secretLimb(secret, i), secretLimb(secret, i), ring.n, p, pinv)
  })
  return switchingKey(ring, level, at, (index) => secretLimb(secret, index))
}

/**
 * The key of X → X^g goes from s to s(X^(1/g)): key switching first, the automorphism last, so that one decomposition and
 * no permutation of digits serves many rotations.
 */
function galoisKey(ring: Ring, secret: SecretKey, element: number, level: number): SwitchingKey {
  const inverse = Number(invMod(BigInt(element), BigInt(2 * ring.n)))
  const index = ring.automorphism(inverse)
  using turned = ring.limbs(ring.moduli.length, { wipe: true })
  const at = (i: number): Ptr => turned.ptr + i * ring.limbBytes
  ring.parallel(ring.moduli.length, (i, kernels) => kernels.permute(at(i), secretLimb(secret, i), index, ring.n))
  return switchingKey(ring, level, (i) => secretLimb(secret, i), at)
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
  requireArray('requests', 'an array of { steps, level? }', requests)
  requests.forEach((request, i) => {
    requireObject(`requests[${i}]`, '{ steps, level? }', request)
    const { steps, level = ring.params.maxLevel } = request
    requireLevel(ring, level)
    const element = steps === 'conjugate' ? conjugationElement(ring) : rotationElement(ring, steps)
    if (element !== 1) levels.set(element, Math.max(level, levels.get(element) ?? 0))
  })
  return new Map([...levels].map(([element, level]) => [element, galoisKey(ring, secret, element, level)]))
}

/** A public encryption key. */
export function createPublicKey(context: { readonly ring: Ring }, secret: SecretKey): PublicKey {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  const { n, limbBytes } = ring
  const key = newPublicKey(ring, randomBytes(seedBytes))
  expandPublicKey(key)
  const limbs = ring.params.primes.length
  using error = ring.limbs(1, { wipe: true })
  sampleError(ring, error.ptr)
  ring.parallel(limbs, (i, kernels) => {
    const { p, pinv, table } = ring.moduli[i]!
    const b = key.slab.ptr + i * limbBytes
    kernels.nttForwardFrom(b, error.ptr, n, p, pinv, table)
    kernels.negate(b, b, n)
    kernels.mulAdd(b, key.slab.ptr + (limbs + i) * limbBytes, secretLimb(secret, i), n, p, pinv)
    kernels.negate(b, b, n)
  })
  return key
}
