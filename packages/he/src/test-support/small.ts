import type { ParamsLiteral } from '../params/params.ts'
import type { Ring } from '../ring/ring.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'

/** The smallest secure parameters that have two levels and keys: 53 bits at N = 2048. All objects under them take a few kilobytes. */
export const smallLiteral: ParamsLiteral = {
  scheme: 'ckks',
  ringDegree: 2048,
  modulusBits: [18, 17],
  specialBits: [18],
}
/** Leaves two bits for the message at level 0. */
export const smallScale = 65536 / 4

/** `count` limbs from `ptr`, canonical and without what lies between them, limb i modulo ring.moduli[indices[i % indices.length]]. */
export function canonicalLimbs(ring: Ring, ptr: number, count: number, indices: readonly number[]): Float64Array {
  const all = new Float64Array(count * ring.n)
  for (let limb = 0; limb < count; limb++) {
    const { p } = ring.moduli[indices[limb % indices.length]!]!
    // `|| 0` turns a negative zero into zero.
    const canonical = ring.heap.f64(ptr + limb * ring.limbBytes, ring.n).map((x) => x - p * Math.round(x / p) || 0)
    all.set(canonical, limb * ring.n)
  }
  return all
}

/** All residues of a ciphertext, canonical. */
export function residuesOf(ct: Ciphertext): Float64Array {
  const indices = Array.from({ length: ct.level + 1 }, (_, i) => i)
  return canonicalLimbs(ct.ring, ct.slab.ptr, ct.parts * (ct.level + 1), indices)
}
