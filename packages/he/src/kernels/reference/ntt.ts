import { bitReverse, centred, invMod, mod, smallestPrimitiveRoot } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'
import { copy, subMulScalar } from './pointwise.ts'

/** {@link Kernels.nttForward}: the values of the polynomial at the odd powers of psi, then put in bit-reversed order. */
export function nttForward(memory: WebAssembly.Memory, x: Ptr, n: number, p: number, _pinv: number, _table: Ptr): void {
  const q = BigInt(p)
  const values = evaluate(readLimb(memory, x, n), smallestPrimitiveRoot(2 * n, q), q)
  writeLimb(
    memory,
    x,
    reversed(values).map((v) => centred(v, q)),
  )
}

/** {@link Kernels.nttInverse}: the polynomial of degree < n with these values. */
export function nttInverse(memory: WebAssembly.Memory, x: Ptr, n: number, p: number, _pinv: number, _table: Ptr): void {
  const q = BigInt(p)
  const coefficients = interpolate(reversed(readLimb(memory, x, n)), smallestPrimitiveRoot(2 * n, q), q)
  writeLimb(
    memory,
    x,
    coefficients.map((c) => centred(c, q)),
  )
}

/** {@link Kernels.nttForwardFrom} */
export function nttForwardFrom(
  memory: WebAssembly.Memory,
  dst: Ptr,
  src: Ptr,
  n: number,
  p: number,
  pinv: number,
  table: Ptr,
): void {
  copy(memory, dst, src, n)
  nttForward(memory, dst, n, p, pinv, table)
}

/** {@link Kernels.nttInverseFrom} */
export function nttInverseFrom(
  memory: WebAssembly.Memory,
  dst: Ptr,
  src: Ptr,
  n: number,
  p: number,
  pinv: number,
  table: Ptr,
): void {
  copy(memory, dst, src, n)
  nttInverse(memory, dst, n, p, pinv, table)
}

/** {@link Kernels.nttForwardSubMul} */
export function nttForwardSubMul(
  memory: WebAssembly.Memory,
  dst: Ptr,
  a: Ptr,
  x: Ptr,
  src: Ptr,
  n: number,
  w: number,
  wp: number,
  p: number,
  pinv: number,
  table: Ptr,
): void {
  nttForwardFrom(memory, x, src, n, p, pinv, table)
  subMulScalar(memory, dst, a, x, n, w, wp, p)
}

function reversed(values: readonly bigint[]): bigint[] {
  return values.map((_, i) => values[bitReverse(i, Math.log2(values.length))]!)
}

/**
 * f(psi^(2k+1)) for k < n, psi a primitive 2n-th root of unity. With f(X) = even(X^2) + X * odd(X^2), the halves are evaluated at
 * (psi^2)^(2k+1), which has period n/2 in k, and psi^(2(k+n/2)+1) = -psi^(2k+1).
 */
function evaluate(f: readonly bigint[], psi: bigint, q: bigint): bigint[] {
  if (f.length === 1) return [f[0]!]
  const half = f.length / 2
  const square = (psi * psi) % q
  const even = evaluate(
    f.filter((_, i) => i % 2 === 0),
    square,
    q,
  )
  const odd = evaluate(
    f.filter((_, i) => i % 2 === 1),
    square,
    q,
  )
  const values: bigint[] = []
  let point = psi
  for (let k = 0; k < half; k++) {
    const term = mod(point * odd[k]!, q)
    values[k] = even[k]! + term
    values[k + half] = even[k]! - term
    point = (point * square) % q
  }
  return values
}

/** The inverse of `evaluate`: even = (f(x) + f(-x)) / 2 and odd = (f(x) - f(-x)) / (2x). */
function interpolate(values: readonly bigint[], psi: bigint, q: bigint): bigint[] {
  if (values.length === 1) return [values[0]!]
  const half = values.length / 2
  const square = (psi * psi) % q
  const inverseSquare = invMod(square, q)
  const inverseOfTwo = (q + 1n) / 2n
  const even: bigint[] = []
  const odd: bigint[] = []
  let factor = (inverseOfTwo * invMod(psi, q)) % q
  for (let k = 0; k < half; k++) {
    even[k] = mod((values[k]! + values[k + half]!) * inverseOfTwo, q)
    odd[k] = mod((values[k]! - values[k + half]!) * factor, q)
    factor = (factor * inverseSquare) % q
  }
  const evenCoefficients = interpolate(even, square, q)
  const oddCoefficients = interpolate(odd, square, q)
  return values.map((_, i) => (i % 2 === 0 ? evenCoefficients : oddCoefficients)[i >> 1]!)
}
