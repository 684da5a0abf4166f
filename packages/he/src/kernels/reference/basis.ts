import { centred, mod } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'

/** {@link Kernels.basisScale}: v is the integer nearest to the rational number sum_i y_i / q_i. */
export function basisScale(
  memory: WebAssembly.Memory,
  dst: Ptr,
  dstStride: number,
  v: Ptr,
  src: Ptr,
  srcStride: number,
  m: number,
  table: Ptr,
  n: number,
): void {
  const rows = Array.from({ length: m }, (_, i) => new Float64Array(memory.buffer, table + 32 * i, 4))
  const primes = rows.map((row) => BigInt(row[2]!))
  const product = primes.reduce((a, b) => a * b, 1n)
  const numerators: bigint[] = new Array(n).fill(0n)
  for (let i = 0; i < m; i++) {
    const q = primes[i]!
    const y = readLimb(memory, src + i * srcStride, n).map((x) => centred(x * BigInt(rows[i]![0]!), q))
    writeLimb(memory, dst + i * dstStride, y)
    for (let k = 0; k < n; k++) numerators[k]! += y[k]! * (product / q)
  }
  writeLimb(
    memory,
    v,
    numerators.map((a) => nearestQuotient(a, product)),
  )
}

/** The integer nearest to a / b for an odd b > 0. */
function nearestQuotient(a: bigint, b: bigint): bigint {
  return (a - centred(a, b)) / b
}

/** {@link Kernels.basisCombine} */
export function basisCombine(
  memory: WebAssembly.Memory,
  dst: Ptr,
  y: Ptr,
  yStride: number,
  v: Ptr,
  m: number,
  table: Ptr,
  n: number,
  p: number,
  _pinv: number,
): void {
  const constants = new Float64Array(memory.buffer, table, 2 * m + 2)
  const sums = readLimb(memory, v, n).map((k) => -k * BigInt(constants[2 * m]!))
  for (let i = 0; i < m; i++) {
    const c = BigInt(constants[2 * i]!)
    readLimb(memory, y + i * yStride, n).forEach((value, k) => {
      sums[k]! += value * c
    })
  }
  writeLimb(
    memory,
    dst,
    sums.map((s) => centred(mod(s, BigInt(p)), BigInt(p))),
  )
}
