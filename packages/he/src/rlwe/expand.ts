import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { extendedIndex } from '../ring/ring.ts'
import type { Ciphertext } from './ciphertext.ts'
import { limbOf } from './ciphertext.ts'
import { extendedLimbs, type PublicKey, type SwitchingKey } from './keys.ts'

export const seedBytes = 32

/** Domains of the public stream, so that no two kinds of object ever share it even under one seed. */
const domains = { ciphertext: 1, publicKey: 2, switchingKey: 0x10000 } as const

/** Uniform residues in NTT form: limb i modulo moduli[indices[i]], each from its own stream (seed, domain, modulus index). */
function expand(
  ring: Ring,
  seed: Uint8Array,
  domain: number,
  dst: (limb: number) => Ptr,
  indices: readonly number[],
): void {
  using space = ring.heap.alloc(seedBytes)
  ring.heap.u8(space.ptr, seedBytes).set(seed)
  ring.parallel(indices.length, (limb, kernels) => {
    const index = indices[limb]!
    kernels.expandUniform(dst(limb), ring.n, ring.moduli[index]!.p, space.ptr, domain, index)
  })
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Fills part 1 of a ciphertext from its seed. */
export function expandCiphertext(ct: Ciphertext, seed: Uint8Array): void {
  expand(ct.ring, seed, domains.ciphertext, (limb) => limbOf(ct, 1, limb), upTo(ct.level + 1))
}

function requireSeed({ kind, seed }: PublicKey | SwitchingKey): Uint8Array {
  if (seed === undefined) throw new TypeError(`"key" expected a ${kind} with a seed, got one without`)
  return seed
}

/** Fills the a half of a public key from its seed. */
export function expandPublicKey(key: PublicKey): void {
  const { ring, slab } = key
  const limbs = ring.params.primes.length
  expand(ring, requireSeed(key), domains.publicKey, (limb) => slab.ptr + (limbs + limb) * ring.limbBytes, upTo(limbs))
}

/** Fills the a halves of a switching key from its seed. A key cut to a lower level has the same values there. */
export function expandSwitchingKey(key: SwitchingKey): void {
  const { ring, slab, level } = key
  const seed = requireSeed(key)
  const limbs = extendedLimbs(ring, level)
  const indices = upTo(limbs).map((limb) => extendedIndex(ring, level, limb))
  for (let d = 0; d < key.digits; d++) {
    const a = slab.ptr + (2 * d + 1) * limbs * ring.limbBytes
    expand(ring, seed, domains.switchingKey + d, (limb) => a + limb * ring.limbBytes, indices)
  }
}
