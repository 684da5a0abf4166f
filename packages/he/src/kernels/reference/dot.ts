import { centred } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'

/** {@link Kernels.dotPair} */
export function dotPair(
  memory: WebAssembly.Memory,
  dst0: Ptr,
  dst1: Ptr,
  d: Ptr,
  dStride: number,
  k0: Ptr,
  k1: Ptr,
  kStride: number,
  count: number,
  n: number,
  p: number,
  _pinv: number,
): void {
  const strided = (at: Ptr, stride: number) => Array.from({ length: count }, (_, j) => at + j * stride)
  const digits = strided(d, dStride)
  sumOfProducts(memory, dst0, digits, strided(k0, kStride), n, p)
  sumOfProducts(memory, dst1, digits, strided(k1, kStride), n, p)
}

/** {@link Kernels.dotPlain} */
export function dotPlain(
  memory: WebAssembly.Memory,
  dst0: Ptr,
  dst1: Ptr,
  pointers: Ptr,
  count: number,
  n: number,
  p: number,
  _pinv: number,
): void {
  const list = Array.from(new Uint32Array(memory.buffer, pointers, 3 * count))
  const every = (offset: number) => list.filter((_, i) => i % 3 === offset)
  sumOfProducts(memory, dst0, every(0), every(2), n, p)
  sumOfProducts(memory, dst1, every(1), every(2), n, p)
}

function sumOfProducts(
  memory: WebAssembly.Memory,
  dst: Ptr,
  a: readonly Ptr[],
  b: readonly Ptr[],
  n: number,
  p: number,
): void {
  const sums: bigint[] = new Array(n).fill(0n)
  for (let j = 0; j < a.length; j++) {
    const x = readLimb(memory, a[j]!, n)
    const y = readLimb(memory, b[j]!, n)
    for (let i = 0; i < n; i++) sums[i]! += x[i]! * y[i]!
  }
  writeLimb(
    memory,
    dst,
    sums.map((s) => centred(s, BigInt(p))),
  )
}
