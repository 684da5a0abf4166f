import { frameOverhead } from '../base/frame.ts'
import type { Params } from '../params/params.ts'
import { limbStride } from '../ring/ring.ts'
import { seedBytes } from './expand.ts'
import { limbBytes } from './pack.ts'

// Bytes on the wire, before anything is made.

/**
 * Bytes of a two-part ciphertext at a level, 0 to `maxLevel` (not checked), in its frame: ⌈log2 q⌉ bits a residue. Seeded, as it comes from
 * `encryptSymmetric`, it has 32 bytes in place of c_1.
 */
export function ciphertextBytes(params: Params, level: number, seeded: boolean): number {
  const part = params.primes.slice(0, level + 1).reduce((sum, p) => sum + limbBytes(params.ringDegree, p), 0)
  return frameOverhead + 11 + (seeded ? seedBytes + part : 2 * part)
}

/** Bytes of one relinearisation or Galois key up to a level, 0 to `maxLevel` (not checked), seeded, without frame and without its Galois element. */
export function switchingKeyBytes(params: Params, level: number): number {
  const limbs = [...params.primes.slice(0, level + 1), ...params.special]
  const digits = Math.ceil((level + 1) / params.digitSize)
  return 1 + seedBytes + digits * limbs.reduce((sum, p) => sum + limbBytes(params.ringDegree, p), 0)
}

/** Bytes of the same key in memory: both halves of every digit, 8 bytes a residue and 192 a limb. `level` from 0 to `maxLevel`, not checked. */
export function switchingKeyMemory(params: Params, level: number): number {
  const digits = Math.ceil((level + 1) / params.digitSize)
  return 2 * digits * (level + 1 + params.special.length) * limbStride(params.ringDegree)
}
