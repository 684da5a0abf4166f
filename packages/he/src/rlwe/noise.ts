import type { Slab } from '../backend/heap.ts'
import { fillRandom } from '../base/random.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'

/** Random bytes in the kernels' memory, wiped afterwards: whoever knows them knows the error or the secret. */
function randomSlab(ring: Ring, length: number): Slab {
  const slab = ring.heap.alloc(length, { wipe: true })
  fillRandom(ring.heap.u8(slab.ptr, length))
  return slab
}

/** Coefficients of a fresh error: centred binomial, k = 21, sigma = 3.24. Small integers: the same residues for every prime. */
export function sampleError(ring: Ring, dst: Ptr): void {
  using bytes = randomSlab(ring, 6 * ring.n)
  ring.kernels.sampleBinomial(dst, ring.n, bytes.ptr)
}

/** Uniform ternary coefficients. */
export function sampleTernary(ring: Ring, dst: Ptr): void {
  // One byte in 256 is rejected; the loop tops up what is missing.
  for (let filled = 0; filled < ring.n; ) {
    const length = Math.ceil((ring.n - filled) * 1.01) + 16
    using bytes = randomSlab(ring, length)
    filled += ring.kernels.sampleTernary(dst + 8 * filled, ring.n - filled, bytes.ptr, length)
  }
}

/** Small coefficients at `coefficients` to NTT form modulo each of `indices`, one limb after the other at `dst`. */
export function spread(ring: Ring, dst: Ptr, coefficients: Ptr, indices: readonly number[]): void {
  ring.parallel(indices.length, (i, kernels) => {
    const { p, pinv, table } = ring.moduli[indices[i]!]!
    kernels.nttForwardFrom(dst + i * ring.limbBytes, coefficients, ring.n, p, pinv, table)
  })
}
