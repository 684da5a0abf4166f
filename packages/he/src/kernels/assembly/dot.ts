// Sums of products, pinned (see fma.ts). One vector of both results at a time: two would need more registers than there are.
//
// Operands must not lie a power of two apart: the same place of all of them would fall into the same cache set, and lines would be evicted
// before their last quarter is read (`limbBytes` of the ring sees to it).
import { bitsOf, lowAfter, madd, pin, settle } from './fma'

/** Products of values below 0.7 p that may be summed before the sum is settled, at most `most`. */
@inline
function batchOf(bits: i32, most: i32): i32 {
  const room = 52 - bits
  return room > 6 ? most : min(most, 1 << room)
}

/** `add`: 0, 1 or 2 of the results start with a constant multiple. */
@inline
function keyProducts(
  dst0: usize, dst1: usize, d: usize, dStride: usize, own: usize, ownAt: i32, k0: usize, k1: usize, kStride: usize,
  count: i32, add0: usize, add1: usize, w: f64, n: i32, p: f64, pinv: f64, add: i32,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = batchOf(bits, 64)
  const W = f64x2.splat(w)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += 16) {
    let h = c
    let g = c
    let l = f64x2.splat(0)
    let m = f64x2.splat(0)
    let room = batch
    if (add > 0) {
      const x = v128.load(add0 + i)
      h = madd(x, W, c)
      l = lowAfter(l, x, W, h, c)
      if (add > 1) {
        const y = v128.load(add1 + i)
        g = madd(y, W, c)
        m = lowAfter(m, y, W, g, c)
      }
      room--
    }
    let x = d + i
    let y = k0 + i
    let z = k1 + i
    for (let j = 0; ; ) {
      const stop = min(count, j + room)
      for (; j < stop; j++, x += dStride, y += kStride, z += kStride) {
        const a = v128.load(j == ownAt ? own + i : x)
        const b0 = v128.load(y)
        const b1 = v128.load(z)
        const t = madd(a, b0, h)
        const u = madd(a, b1, g)
        l = lowAfter(l, a, b0, t, h)
        m = lowAfter(m, a, b1, u, g)
        h = t
        g = u
      }
      l = settle(h, l, c, P, I)
      m = settle(g, m, c, P, I)
      if (j >= count) break
      h = c
      g = c
      room = batch
    }
    v128.store(dst0 + i, l)
    v128.store(dst1 + i, m)
  }
}

export function dotKey(
  dst0: usize, dst1: usize, d: usize, dStride: usize, own: usize, ownAt: i32, k0: usize, k1: usize, kStride: usize,
  count: i32, add0: usize, add1: usize, w: f64, n: i32, p: f64, pinv: f64,
): void {
  if (add0 == 0) keyProducts(dst0, dst1, d, dStride, own, ownAt, k0, k1, kStride, count, 0, 0, 0, n, p, pinv, 0)
  else if (add1 == 0) keyProducts(dst0, dst1, d, dStride, own, ownAt, k0, k1, kStride, count, add0, 0, w, n, p, pinv, 1)
  else keyProducts(dst0, dst1, d, dStride, own, ownAt, k0, k1, kStride, count, add0, add1, w, n, p, pinv, 2)
}

/** Bytes of a limb for which a group of products is formed at once. */
const BLOCK: usize = 2048

/** Most products in a group, so that its operands pass through the first-level cache together. */
const GROUP: i32 = 16

/** dst0 (+)= x*y and dst1 (+)= x*z over the `count` products at `list` on `length` bytes from `from`; a batch at most. */
@inline
function group(
  dst0: usize, dst1: usize, list: usize, count: i32, from: usize, length: usize, c: v128, p: v128, pinv: v128, first: bool,
): void {
  const end = from + length
  const stop = list + <usize>count * 12
  for (let i = from; i < end; i += 16) {
    let h = c
    let g = c
    let l = first ? f64x2.splat(0) : v128.load(dst0 + i)
    let m = first ? f64x2.splat(0) : v128.load(dst1 + i)
    for (let next = list; next < stop; next += 12) {
      const a = v128.load(<usize>load<u32>(next, 8) + i)
      const b0 = v128.load(<usize>load<u32>(next) + i)
      const b1 = v128.load(<usize>load<u32>(next, 4) + i)
      const t = madd(a, b0, h)
      const u = madd(a, b1, g)
      l = lowAfter(l, a, b0, t, h)
      m = lowAfter(m, a, b1, u, g)
      h = t
      g = u
    }
    v128.store(dst0 + i, settle(h, l, c, p, pinv))
    v128.store(dst1 + i, settle(g, m, c, p, pinv))
  }
}

/** One sum of `count` products at `list`, on `length` bytes from `from`. */
@inline
function plainProducts(
  dst0: usize, dst1: usize, list: usize, count: i32, from: usize, length: usize, batch: i32, c: v128, p: v128, pinv: v128,
): void {
  for (let left = count; left > 0; left -= batch, list += 12 * <usize>batch) {
    const many = min(left, batch)
    if (left == count) group(dst0, dst1, list, many, from, length, c, p, pinv, true)
    else group(dst0, dst1, list, many, from, length, c, p, pinv, false)
  }
}

export function dotPlain(
  dst0: usize, dst1: usize, pointers: usize, count: i32, n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = batchOf(bits, GROUP)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += BLOCK) {
    plainProducts(dst0, dst1, pointers, count, i, min(BLOCK, bytes - i), batch, c, P, I)
  }
}

export function dotPlains(sums: usize, count: i32, from: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = batchOf(bits, GROUP)
  const end = from + (<usize>n << 3)
  for (let i = from; i < end; i += BLOCK) {
    const length = min(BLOCK, end - i)
    let next = sums
    for (let j = 0; j < count; j++) {
      const terms = load<u32>(next, 8)
      plainProducts(load<u32>(next), load<u32>(next, 4), next + 12, terms, i, length, batch, c, P, I)
      next += 12 * (1 + <usize>terms)
    }
  }
}
