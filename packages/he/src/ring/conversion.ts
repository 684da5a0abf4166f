import { invMod } from '../base/numbers.ts'
import type { Ptr } from '../kernels/table.ts'
import { factor, productOf, type Ring } from './ring.ts'

/**
 * Pointers to the tables of `basisScale` and `basisCombine` for a map from residues modulo q_0 … q_{k-1} (product Q) of an integer x to residues
 * modulo targets.
 */
export interface Conversion {
  readonly scale: Ptr
  /** One for each target. */
  readonly combine: readonly Ptr[]
}

/** [w, w/q, q, 1/q] for each source with w = multiplier * (Q/q)^-1 modulo q: `basisScale` then speaks of [multiplier * x]_Q. */
export function scaleTable(sources: readonly number[], multiplier: bigint = 1n): Float64Array {
  const Q = productOf(sources)
  return Float64Array.from(
    sources.flatMap((q) => {
      const { w, wp } = factor(multiplier * invMod(Q / BigInt(q), BigInt(q)), q)
      return [w, wp, q, 1 / q]
    }),
  )
}

/** [c, c/p] with c = multiplier * Q/q modulo p for each source, then the same of multiplier * Q. */
export function combineTable(sources: readonly number[], p: number, multiplier: bigint = 1n): Float64Array {
  const Q = productOf(sources)
  return Float64Array.from(
    [...sources.map((q) => Q / BigInt(q)), Q].flatMap((value) => {
      const { w, wp } = factor(multiplier * value, p)
      return [w, wp]
    }),
  )
}

/** [c, c/p] with c = -1/q modulo p for each source, then -1: `basisCombine` of [M x]_Q gives -[M x]_Q / Q modulo p. */
function quotientTable(sources: readonly number[], p: number): Float64Array {
  return Float64Array.from(
    [...sources.map((q) => -invMod(BigInt(q), BigInt(p))), -1n].flatMap((value) => {
      const { w, wp } = factor(value, p)
      return [w, wp]
    }),
  )
}

/**
 * Of y = [inner * x]_Q, centred and exact, `outer` * y modulo each target.
 * Halevi, Polyakov, Shoup 2018 (eprint 2018/117), section 2.2, with both factors taken into the tables.
 */
export function conversion(
  ring: Ring,
  sources: readonly number[],
  targets: readonly number[],
  inner: bigint = 1n,
  outer: (target: number) => bigint = () => 1n,
): Conversion {
  const key = `${sources.join()} times ${inner}`
  return {
    scale: ring.table(`scale ${key}`, () => scaleTable(sources, inner)),
    combine: targets.map((p) => {
      const multiplier = outer(p)
      return ring.table(`combine ${sources.join()} to ${p} times ${multiplier}`, () =>
        combineTable(sources, p, multiplier),
      )
    }),
  }
}

/**
 * nearest(M x / Q) modulo targets that divide M: M x = Q nearest(M x / Q) + [M x]_Q, and the left side is 0 modulo a target, so the quotient is
 * -[M x]_Q / Q there.
 */
export function quotient(ring: Ring, sources: readonly number[], targets: readonly number[], M: bigint): Conversion {
  const key = sources.join()
  return {
    scale: ring.table(`scale ${key} times ${M}`, () => scaleTable(sources, M)),
    combine: targets.map((p) => ring.table(`quotient ${key} to ${p}`, () => quotientTable(sources, p))),
  }
}
