import type { Slab } from '../backend/heap.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Ptr } from '../kernels/table.ts'
import { convertBasis } from '../ring/basis.ts'
import { copyLimbs, extendedIndex, type Ring, toCoefficients } from '../ring/ring.ts'
import { digitsAt, extendedLimbs, type SwitchingKey } from './keys.ts'

/**
 * A polynomial cut into digits of `digitSize` primes, each raised to the extended basis, in NTT form: what all rotations of one
 * ciphertext share. Digit d takes level+1+k limbs.
 */
export interface Decomposition extends Disposable {
  readonly ring: Ring
  readonly slab: Slab
  readonly level: number
  readonly digits: number
}

/** Decomposes the polynomial in NTT form at `src` (level+1 limbs). */
export function decompose(ring: Ring, src: Ptr, level: number): Decomposition {
  const { params, limbBytes, n, kernels } = ring
  const digits = digitsAt(ring, level)
  const limbs = extendedLimbs(ring, level)
  const slab = ring.limbs(digits * limbs)
  using coefficients = ring.limbs(level + 1)
  using scratch = ring.limbs(params.digitSize + 1)
  copyLimbs(ring, coefficients.ptr, src, level + 1)
  toCoefficients(ring, coefficients.ptr, level + 1)
  for (let d = 0; d < digits; d++) {
    const first = d * params.digitSize
    const last = Math.min(first + params.digitSize, level + 1)
    const base = slab.ptr + d * limbs * limbBytes
    const inside = Array.from({ length: last - first }, (_, i) => first + i)
    const outside = Array.from({ length: limbs }, (_, limb) => limb).filter((limb) => limb < first || limb >= last)
    copyLimbs(ring, base + first * limbBytes, src + first * limbBytes, last - first)
    const place = new Map(outside.map((limb) => [extendedIndex(ring, level, limb), base + limb * limbBytes]))
    convertBasis(
      ring,
      coefficients.ptr + first * limbBytes,
      inside,
      [...place.keys()],
      (t) => place.get(t)!,
      scratch.ptr,
    )
    for (const [index, ptr] of place) {
      const { p, pinv, table } = ring.moduli[index]!
      kernels.nttForward(ptr, n, p, pinv, table)
    }
  }
  return { ring, slab, level, digits, [Symbol.dispose]: () => slab[Symbol.dispose]() }
}

/** Inner product of a decomposition with a key, still over the extended basis: two extended polynomials one after the other. */
export function applyKey(decomposition: Decomposition, key: SwitchingKey, dst: Ptr): void {
  const { ring, level, digits } = decomposition
  if (key.level < level) {
    throw new GloveboxError(
      'missing-key',
      `the key was made for ciphertexts up to level ${key.level}, this one is at level ${level}: drop its level or make the key for level ${level}`,
    )
  }
  const { limbBytes, n, kernels } = ring
  const limbs = extendedLimbs(ring, level)
  const keyLimbs = extendedLimbs(ring, key.level)
  for (let limb = 0; limb < limbs; limb++) {
    const { p, pinv } = ring.moduli[extendedIndex(ring, level, limb)]!
    const keyLimb = limb <= level ? limb : limb + key.level - level
    const b = key.slab.ptr + keyLimb * limbBytes
    kernels.dotPair(
      dst + limb * limbBytes,
      dst + (limbs + limb) * limbBytes,
      decomposition.slab.ptr + limb * limbBytes,
      limbs * limbBytes,
      b,
      b + keyLimbs * limbBytes,
      2 * keyLimbs * limbBytes,
      digits,
      n,
      p,
      pinv,
    )
  }
}

/**
 * Divides an extended polynomial by P and rounds: level+1 limbs to `dst`. `src` is used up.
 * `dst` may be `src`.
 */
export function modDown(ring: Ring, dst: Ptr, src: Ptr, level: number): void {
  const { params, limbBytes, kernels, n } = ring
  const k = params.special.length
  const first = params.primes.length
  const special = src + (level + 1) * limbBytes
  toCoefficients(ring, special, k, first)
  using converted = ring.limbs(1)
  using scratch = ring.limbs(k + 1)
  const sources = params.special.map((_, i) => first + i)
  for (let i = 0; i <= level; i++) {
    const { p, pinv, table } = ring.moduli[i]!
    convertBasis(ring, special, sources, [i], () => converted.ptr, scratch.ptr)
    kernels.nttForward(converted.ptr, n, p, pinv, table)
    const { w, wp } = ring.specialInverse(i)
    kernels.subMulScalar(dst + i * limbBytes, src + i * limbBytes, converted.ptr, n, w, wp, p)
  }
}

/** Divides by the last prime of the level and rounds: `level` limbs to `dst`, which may be `src`. */
export function rescaleLimbs(ring: Ring, dst: Ptr, src: Ptr, level: number): void {
  const { limbBytes, kernels, n } = ring
  using last = ring.limbs(1)
  using converted = ring.limbs(1)
  copyLimbs(ring, last.ptr, src + level * limbBytes, 1)
  toCoefficients(ring, last.ptr, 1, level)
  for (let i = 0; i < level; i++) {
    const { p, pinv, table } = ring.moduli[i]!
    convertBasis(ring, last.ptr, [level], [i], () => converted.ptr, 0)
    kernels.nttForward(converted.ptr, n, p, pinv, table)
    const { w, wp } = ring.primeInverse(level, i)
    kernels.subMulScalar(dst + i * limbBytes, src + i * limbBytes, converted.ptr, n, w, wp, p)
  }
}
