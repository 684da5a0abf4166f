import { invMod, mod } from '../base/numbers.ts'
import type { Ptr } from '../kernels/table.ts'
import { productOf, type Ring } from './ring.ts'

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
  const key = sources.join()
  const primes = sources.map((i) => moduli[i]!.p)
  const scale = ring.table(`basis ${key}`, () => scaleTable(primes))
  const v = scratch + sources.length * limbBytes
  kernels.basisScale(scratch, limbBytes, v, src, limbBytes, sources.length, scale, n)
  for (const t of targets) {
    const { p, pinv } = moduli[t]!
    const combine = ring.table(`basis ${key} to ${t}`, () => combineTable(primes, p))
    kernels.basisCombine(dst(t), scratch, limbBytes, v, sources.length, combine, n, p, pinv)
  }
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
