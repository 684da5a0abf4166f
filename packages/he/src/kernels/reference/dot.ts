import { centred } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'

/** {@link Kernels.dotKey} */
export function dotKey(
  memory: WebAssembly.Memory,
  dst0: Ptr,
  dst1: Ptr,
  d: Ptr,
  dStride: number,
  own: Ptr,
  ownAt: number,
  k0: Ptr,
  k1: Ptr,
  kStride: number,
  count: number,
  add0: Ptr,
  add1: Ptr,
  w: number,
  n: number,
  p: number,
  _pinv: number,
): void {
  const strided = (at: Ptr, stride: number) => Array.from({ length: count }, (_, j) => at + j * stride)
  const digits = strided(d, dStride).map((at, j) => (j === ownAt ? own : at))
  const start = (at: Ptr) =>
    at === 0 ? new Array<bigint>(n).fill(0n) : readLimb(memory, at, n).map((x) => x * BigInt(w))
  const sums = [
    sumOfProducts(memory, start(add0), digits, strided(k0, kStride), p),
    sumOfProducts(memory, start(add1), digits, strided(k1, kStride), p),
  ]
  writeLimb(memory, dst0, sums[0]!)
  writeLimb(memory, dst1, sums[1]!)
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
  sumsOfProducts(memory, dst0, dst1, Array.from(new Uint32Array(memory.buffer, pointers, 3 * count)), n, p)
}

/** {@link Kernels.dotPlains} */
export function dotPlains(
  memory: WebAssembly.Memory,
  sums: Ptr,
  count: number,
  from: number,
  n: number,
  p: number,
  _pinv: number,
): void {
  let next = sums
  for (let j = 0; j < count; j++) {
    const [dst0, dst1, terms] = new Uint32Array(memory.buffer, next, 3)
    const operands = Array.from(new Uint32Array(memory.buffer, next + 12, 3 * terms!), (at) => at + from)
    sumsOfProducts(memory, dst0! + from, dst1! + from, operands, n, p)
    next += 12 * (1 + terms!)
  }
}

function sumsOfProducts(
  memory: WebAssembly.Memory,
  dst0: Ptr,
  dst1: Ptr,
  operands: readonly Ptr[],
  n: number,
  p: number,
): void {
  const every = (offset: number) => operands.filter((_, i) => i % 3 === offset)
  const zero = new Array<bigint>(n).fill(0n)
  writeLimb(memory, dst0, sumOfProducts(memory, zero, every(0), every(2), p))
  writeLimb(memory, dst1, sumOfProducts(memory, zero, every(1), every(2), p))
}

function sumOfProducts(
  memory: WebAssembly.Memory,
  start: readonly bigint[],
  a: readonly Ptr[],
  b: readonly Ptr[],
  p: number,
): bigint[] {
  const sums = [...start]
  for (let j = 0; j < a.length; j++) {
    const x = readLimb(memory, a[j]!, sums.length)
    const y = readLimb(memory, b[j]!, sums.length)
    for (let i = 0; i < sums.length; i++) sums[i]! += x[i]! * y[i]!
  }
  return sums.map((s) => centred(s, BigInt(p)))
}
