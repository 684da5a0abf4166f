import { centred } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'

type Memory = WebAssembly.Memory

/** {@link Kernels.permute} */
export function permute(memory: Memory, dst: Ptr, src: Ptr, index: Ptr, n: number): void {
  const from = new Float64Array(memory.buffer, src, n)
  const order = new Uint32Array(memory.buffer, index, n)
  new Float64Array(memory.buffer, dst, n).set(Array.from(order, (k) => from[k]!))
}

/** {@link Kernels.copy} */
export function copy(memory: Memory, dst: Ptr, src: Ptr, n: number): void {
  new Float64Array(memory.buffer, dst, n).set(new Float64Array(memory.buffer, src, n).slice())
}

/** {@link Kernels.reduce} */
export function reduce(memory: Memory, dst: Ptr, src: Ptr, n: number, p: number, _pinv: number): void {
  map(memory, dst, [src], n, p, ([x]) => x!)
}

/** {@link Kernels.add} */
export function add(memory: Memory, dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, _pinv: number): void {
  map(memory, dst, [a, b], n, p, ([x, y]) => x! + y!)
}

/** {@link Kernels.sub} */
export function sub(memory: Memory, dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, _pinv: number): void {
  map(memory, dst, [a, b], n, p, ([x, y]) => x! - y!)
}

/** {@link Kernels.negate} */
export function negate(memory: Memory, dst: Ptr, a: Ptr, n: number): void {
  writeLimb(
    memory,
    dst,
    readLimb(memory, a, n).map((x) => -x),
  )
}

/** {@link Kernels.mul} */
export function mul(memory: Memory, dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, _pinv: number): void {
  map(memory, dst, [a, b], n, p, ([x, y]) => x! * y!)
}

/** {@link Kernels.mulAdd} */
export function mulAdd(memory: Memory, dst: Ptr, a: Ptr, b: Ptr, n: number, p: number, _pinv: number): void {
  map(memory, dst, [dst, a, b], n, p, ([d, x, y]) => d! + x! * y!)
}

/** {@link Kernels.mulScalar} */
export function mulScalar(memory: Memory, dst: Ptr, a: Ptr, n: number, w: number, _wp: number, p: number): void {
  map(memory, dst, [a], n, p, ([x]) => x! * BigInt(w))
}

/** {@link Kernels.subMulScalar} */
export function subMulScalar(
  memory: Memory,
  dst: Ptr,
  a: Ptr,
  b: Ptr,
  n: number,
  w: number,
  _wp: number,
  p: number,
): void {
  map(memory, dst, [a, b], n, p, ([x, y]) => (x! - y!) * BigInt(w))
}

/** {@link Kernels.addScalar} */
export function addScalar(memory: Memory, dst: Ptr, a: Ptr, n: number, w: number, p: number, _pinv: number): void {
  map(memory, dst, [a], n, p, ([x]) => x! + BigInt(w))
}

/** {@link Kernels.tensor} */
export function tensor(
  memory: Memory,
  d0: Ptr,
  d1: Ptr,
  d2: Ptr,
  a0: Ptr,
  a1: Ptr,
  b0: Ptr,
  b1: Ptr,
  n: number,
  p: number,
  _pinv: number,
): void {
  const q = BigInt(p)
  const [x0, x1, y0, y1] = [a0, a1, b0, b1].map((at) => readLimb(memory, at, n)) as [
    bigint[],
    bigint[],
    bigint[],
    bigint[],
  ]
  writeLimb(
    memory,
    d0,
    x0.map((_, i) => centred(x0[i]! * y0[i]!, q)),
  )
  writeLimb(
    memory,
    d1,
    x0.map((_, i) => centred(x0[i]! * y1[i]! + x1[i]! * y0[i]!, q)),
  )
  writeLimb(
    memory,
    d2,
    x0.map((_, i) => centred(x1[i]! * y1[i]!, q)),
  )
}

/** dst[i] = f(the i-th of each source) mod p, balanced. */
function map(
  memory: Memory,
  dst: Ptr,
  sources: readonly Ptr[],
  n: number,
  p: number,
  f: (values: readonly bigint[]) => bigint,
): void {
  const limbs = sources.map((at) => readLimb(memory, at, n))
  const results: bigint[] = []
  for (let i = 0; i < n; i++) results[i] = centred(f(limbs.map((limb) => limb[i]!)), BigInt(p))
  writeLimb(memory, dst, results)
}
