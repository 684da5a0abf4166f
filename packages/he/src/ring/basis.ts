import type { Kernels, Ptr } from '../kernels/table.ts'
import { combineTable, scaleTable } from './conversion.ts'
import type { Ring } from './ring.ts'

/** The tables of exact, centred conversions from the primes of `sources` (indices into ring.moduli). */
export interface Basis {
  readonly sources: readonly number[]
  /** Table of the basisScale kernel; 0 for one prime, which needs none. */
  readonly scale: Ptr
  /** Table of the basisCombine kernel for a target. */
  combine(target: number): Ptr
}

/** The tables are made once and kept for the life of the ring. */
export function basisOf(ring: Ring, sources: readonly number[]): Basis {
  const key = sources.join()
  const primes = sources.map((i) => ring.moduli[i]!.p)
  const combines: Ptr[] = []
  return {
    sources,
    scale: sources.length === 1 ? 0 : ring.table(`basis ${key}`, () => scaleTable(primes)),
    combine(target) {
      combines[target] ??= ring.table(`basis ${key} to ${target}`, () => combineTable(primes, ring.moduli[target]!.p))
      return combines[target]
    },
  }
}

/** The second half of a conversion, for one target: `y` and `v` are what basisScale left. */
export function combineTo(
  kernels: Kernels,
  { n, moduli }: Ring,
  basis: Basis,
  dst: Ptr,
  y: Ptr,
  yStride: number,
  v: Ptr,
  target: number,
): void {
  const { p, pinv } = moduli[target]!
  kernels.basisCombine(dst, y, yStride, v, basis.sources.length, basis.combine(target), n, p, pinv)
}
