import type { Slab } from '../backend/heap.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { extendedLimbs } from './keys.ts'

/**
 * Two extended polynomials in NTT form, limb by limb side by side: limb t of part r lies at `part(r) + t*stride`. So one target prime of
 * key switching is one piece of memory.
 */
export interface Extended extends Disposable {
  readonly ring: Ring
  readonly slab: Slab
  readonly level: number
  readonly stride: number
  part(r: 0 | 1): Ptr
}

export function newExtended(ring: Ring, level: number, width = 2): Extended {
  const slab = ring.limbs(width * extendedLimbs(ring, level))
  return {
    ring,
    slab,
    level,
    stride: width * ring.limbBytes,
    part: (r) => slab.ptr + r * ring.limbBytes,
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}

export function zeroExtended(ring: Ring, level: number): Extended {
  const out = newExtended(ring, level)
  ring.heap.u8(out.slab.ptr, out.slab.bytes).fill(0)
  return out
}
