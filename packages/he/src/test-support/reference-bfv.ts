import { centred, mod } from '../base/numbers.ts'
import { addPoly, centredPoly, multiplyPoly, type Poly, scalePoly } from './reference-ring.ts'
import { decryptParts } from './reference-rlwe.ts'

// BFV from the textbook, on whole integers modulo Q (Fan and Vercauteren 2012, eprint 2012/144).

/** The integer nearest to a / b, b > 0; halves go up. */
export function nearest(a: bigint, b: bigint): bigint {
  const numerator = 2n * a + b
  return (numerator - mod(numerator, 2n * b)) / (2n * b)
}

/** nearest(Q m / t). */
export function scaleUp(m: Poly, Q: bigint, t: bigint): Poly {
  return m.map((x) => centred(nearest(Q * x, t), Q))
}

/** m from a phase: nearest(t x / Q) modulo t, in [0, t). */
export function scaleDown(phase: Poly, Q: bigint, t: bigint): Poly {
  return phase.map((x) => mod(nearest(t * x, Q), t))
}

export function decryptBfv(parts: readonly Poly[], s: Poly, Q: bigint, t: bigint): Poly {
  return scaleDown(decryptParts(parts, s, Q), Q, t)
}

/** (a_0, a_1) ⊗ (b_0, b_1) over the integers. */
export function tensor(a: readonly Poly[], b: readonly Poly[]): Poly[] {
  return [
    multiplyPoly(a[0]!, b[0]!),
    addPoly(multiplyPoly(a[0]!, b[1]!), multiplyPoly(a[1]!, b[0]!)),
    multiplyPoly(a[1]!, b[1]!),
  ]
}

/** The three parts nearest(t/Q a ⊗ b) modulo Q. */
export function multiplyBfv(a: readonly Poly[], b: readonly Poly[], Q: bigint, t: bigint): Poly[] {
  return tensor(a, b).map((part) => part.map((x) => centred(nearest(t * x, Q), Q)))
}

/** [t x]_Q = t times the noise, for the phase x of an encryption. */
export function noiseTimesT(parts: readonly Poly[], s: Poly, Q: bigint, t: bigint): Poly {
  return centredPoly(scalePoly(decryptParts(parts, s, Q), t), Q)
}

/** SEAL's invariant noise budget, from its definition. */
export function budgetOf(parts: readonly Poly[], s: Poly, Q: bigint, t: bigint): number {
  const most = noiseTimesT(parts, s, Q, t).reduce((x, y) => (y > x ? y : -y > x ? -y : x), 0n)
  return Math.max(0, Q.toString(2).length - (most === 0n ? 0 : most.toString(2).length) - 1)
}
