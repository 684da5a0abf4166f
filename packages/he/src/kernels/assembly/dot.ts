// Sums of products.
//
// Operands may lie a power of two apart, so that the same index of all of them falls into the same cache set: going through all operands at
// one index would then evict lines before their second half is read. The limb is cut into blocks, and each block takes the operands one
// after the other, with the sums in dst0 and dst1. Measured, that also beats sums kept unreduced as pairs (high, low) below 8 products.
import { mulmod, reduceOnce } from './fma'

/** Bytes of a limb for which all products are formed at once: five of these stay in a first-level cache of 32 KiB. */
const BLOCK: usize = 2048

/** Products are at most 0.69 p, so a reduced sum and 8 of them stay below 6.1 p < 2^53. */
const REDUCE_EVERY: i32 = 8

/** dst0 (+)= x*y and dst1 (+)= x*z on `length` bytes, the sums reduced or not. */
@inline
function products(
  dst0: usize, dst1: usize, x: usize, y: usize, z: usize, length: usize, p: v128, pinv: v128, first: bool, reduce: bool,
): void {
  const end = x + length
  for (; x < end; x += 32, y += 32, z += 32, dst0 += 32, dst1 += 32) {
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    let s0 = mulmod(a0, v128.load(y), p, pinv)
    let s1 = mulmod(a1, v128.load(y, 16), p, pinv)
    let t0 = mulmod(a0, v128.load(z), p, pinv)
    let t1 = mulmod(a1, v128.load(z, 16), p, pinv)
    if (!first) {
      s0 = f64x2.add(s0, v128.load(dst0))
      s1 = f64x2.add(s1, v128.load(dst0, 16))
      t0 = f64x2.add(t0, v128.load(dst1))
      t1 = f64x2.add(t1, v128.load(dst1, 16))
    }
    if (reduce) {
      s0 = reduceOnce(s0, p, pinv)
      s1 = reduceOnce(s1, p, pinv)
      t0 = reduceOnce(t0, p, pinv)
      t1 = reduceOnce(t1, p, pinv)
    }
    v128.store(dst0, s0)
    v128.store(dst0, s1, 16)
    v128.store(dst1, t0)
    v128.store(dst1, t1, 16)
  }
}

/** The j-th of `count` products on a block. */
@inline
function step(
  dst0: usize, dst1: usize, x: usize, y: usize, z: usize, length: usize, p: v128, pinv: v128, j: i32, count: i32,
): void {
  if (j == 0) products(dst0, dst1, x, y, z, length, p, pinv, true, false)
  else if (j == count - 1 || j % REDUCE_EVERY == 0) products(dst0, dst1, x, y, z, length, p, pinv, false, true)
  else products(dst0, dst1, x, y, z, length, p, pinv, false, false)
}

export function dotPair(
  dst0: usize, dst1: usize, d: usize, dStride: usize, k0: usize, k1: usize, kStride: usize, count: i32,
  n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += BLOCK) {
    const length = min(BLOCK, bytes - i)
    let x = d + i
    let y = k0 + i
    let z = k1 + i
    for (let j = 0; j < count; j++, x += dStride, y += kStride, z += kStride) {
      step(dst0 + i, dst1 + i, x, y, z, length, P, I, j, count)
    }
  }
}

export function dotPlain(
  dst0: usize, dst1: usize, pointers: usize, count: i32, n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += BLOCK) {
    const length = min(BLOCK, bytes - i)
    let next = pointers
    for (let j = 0; j < count; j++, next += 12) {
      const y = <usize>load<u32>(next) + i
      const z = <usize>load<u32>(next, 4) + i
      const x = <usize>load<u32>(next, 8) + i
      step(dst0 + i, dst1 + i, x, y, z, length, P, I, j, count)
    }
  }
}
