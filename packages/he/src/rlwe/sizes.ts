import { frameOverhead } from '../base/frame.ts'
import type { Params } from '../params/params.ts'
import { limbStride } from '../ring/ring.ts'
import { seedBytes } from './expand.ts'
import { limbBytes } from './pack.ts'

// Bytes on the wire, before anything is made.

/** A two-part ciphertext in its frame; seeded as it comes from `encryptSymmetric`. */
export function ciphertextBytes(params: Params, level: number, seeded: boolean): number {
  const part = params.primes.slice(0, level + 1).reduce((sum, p) => sum + limbBytes(params.ringDegree, p), 0)
  return frameOverhead + 11 + (seeded ? seedBytes + part : 2 * part)
}

/** One relinearisation or Galois key up to a level, without frame. */
export function switchingKeyBytes(params: Params, level: number): number {
  const limbs = [...params.primes.slice(0, level + 1), ...params.special]
  const digits = Math.ceil((level + 1) / params.digitSize)
  return 1 + seedBytes + digits * limbs.reduce((sum, p) => sum + limbBytes(params.ringDegree, p), 0)
}

/** The same key in memory: both halves of every digit, in bytes. */
export function switchingKeyMemory(params: Params, level: number): number {
  const digits = Math.ceil((level + 1) / params.digitSize)
  return 2 * digits * (level + 1 + params.special.length) * limbStride(params.ringDegree)
}
