import { invMod, mod } from '../base/numbers.ts'
import type { Kernels, Ptr } from '../kernels/table.ts'
import { productOf, type Ring } from './ring.ts'

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

/**
 * Converts a polynomial in coefficients from the basis of `sources` to each of `targets` (indices into ring.moduli), exactly
 * and centred: the integer in (-D/2, D/2] that the sources stand for, reduced modulo each target.
 * `src` holds the sources one limb after the other; result t lands at `dst(t)`. `scratch` has sources + 1 limbs.
 */
export function convertBasis(
  ring: Ring,
  src: Ptr,
  sources: readonly number[],
  targets: readonly number[],
  dst: (target: number) => Ptr,
  scratch: Ptr,
): void {
  const { kernels, n, limbBytes, moduli } = ring
  if (sources.length === 1) {
    // One prime: its balanced residues are the centred integers themselves.
    for (const t of targets) kernels.reduce(dst(t), src, n, moduli[t]!.p, moduli[t]!.pinv)
    return
  }
  const basis = basisOf(ring, sources)
  const v = scratch + sources.length * limbBytes
  kernels.basisScale(scratch, limbBytes, v, src, limbBytes, sources.length, basis.scale, n)
  for (const t of targets) combineTo(kernels, ring, basis, dst(t), scratch, limbBytes, v, t)
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

function balanced(value: bigint, p: number): number {
  const r = Number(mod(value, BigInt(p)))
  return r > (p - 1) / 2 ? r - p : r
}

/** [w, w/q, q, 1/q] for each source: w = (D/q)^-1 modulo q. */
function scaleTable(primes: readonly number[]): Float64Array {
  const product = productOf(primes)
  return Float64Array.from(
    primes.flatMap((q) => {
      const w = balanced(invMod(product / BigInt(q), BigInt(q)), q)
      return [w, w / q, q, 1 / q]
    }),
  )
}

/** [c, c/p] with c = D/q modulo p for each source, then [D, D/p]. */
function combineTable(primes: readonly number[], p: number): Float64Array {
  const product = productOf(primes)
  return Float64Array.from(
    [...primes.map((q) => product / BigInt(q)), product].flatMap((value) => {
      const c = balanced(value, p)
      return [c, c / p]
    }),
  )
}
