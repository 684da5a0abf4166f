// Negacyclic number-theoretic transforms, one layer for each pass over memory.
//
// Forward butterflies (Cooley-Tukey): (x, y) -> (x + y*w, x - y*w). Inverse (Gentleman-Sande): (x, y) -> (x + y, (x - y)*w).
// Longa and Naehrig 2016 (eprint 2016/504), algorithms 1 and 2. Layers of distance t >= 8 take four vectors side by side from each
// half of a block; those of distance 4, 2 and 1 are loops of their own, the last one with the lanes exchanged in registers.
//
// Measured, two layers in one pass over memory (radix 4) is slower, at 3.2 to 3.8 cycles for a vector butterfly against 3.0 here: the limit is how many
// dependent operations the processor keeps waiting, not memory. The table needs no quotients w/p for the same reason.
//
// Bounds, in units of p. Sums are exact while they stay within L = 2^53 / p, at least 8. With e = 3 * 2^-54 * p (at most 3/16,
// see fma.ts) a product of |x| <= A and a twiddle is at most 1/2 + A*e. The bound A is followed at run time, and a layer reduces
// what it leaves unmultiplied where it would grow too far: forwards, primes of up to 48 bits never do, those of 49 bits not up to n = 8192.
import { lastTooWide, mulConstant, mulmod, reduceOnce } from './fma'

/** A after one forward layer on A. */
@inline
function grown(bound: f64, e: f64): f64 {
  return bound + 0.5 + bound * e
}

/** Layers of distance 8 and more: `half` bytes from the lower to the upper half of a block, m blocks with the roots m, m+1, ... */
@inline
function forwardWide(x: usize, n: i32, half: usize, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const last = x + (<usize>n << 3)
  do {
    const w = v128.load64_splat(table)
    const end = x + half
    do {
      const y = x + half
      const r0 = mulmod(v128.load(y), w, p, pinv)
      const r1 = mulmod(v128.load(y, 16), w, p, pinv)
      const r2 = mulmod(v128.load(y, 32), w, p, pinv)
      const r3 = mulmod(v128.load(y, 48), w, p, pinv)
      let a0 = v128.load(x)
      let a1 = v128.load(x, 16)
      let a2 = v128.load(x, 32)
      let a3 = v128.load(x, 48)
      if (reduce) {
        a0 = reduceOnce(a0, p, pinv)
        a1 = reduceOnce(a1, p, pinv)
        a2 = reduceOnce(a2, p, pinv)
        a3 = reduceOnce(a3, p, pinv)
      }
      v128.store(x, f64x2.add(a0, r0))
      v128.store(y, f64x2.sub(a0, r0))
      v128.store(x, f64x2.add(a1, r1), 16)
      v128.store(y, f64x2.sub(a1, r1), 16)
      v128.store(x, f64x2.add(a2, r2), 32)
      v128.store(y, f64x2.sub(a2, r2), 32)
      v128.store(x, f64x2.add(a3, r3), 48)
      v128.store(y, f64x2.sub(a3, r3), 48)
      x += 64
    } while (x < end)
    x += half
    table += 8
  } while (x < last)
}

/** The first layer, from `src` to `dst`: one block with the root 1. */
@inline
function forwardFirst(dst: usize, src: usize, half: usize, table: usize, p: v128, pinv: v128): void {
  const w = v128.load64_splat(table)
  const end = dst + half
  for (; dst < end; dst += 64, src += 64) {
    const z = src + half
    const y = dst + half
    const r0 = mulmod(v128.load(z), w, p, pinv)
    const r1 = mulmod(v128.load(z, 16), w, p, pinv)
    const r2 = mulmod(v128.load(z, 32), w, p, pinv)
    const r3 = mulmod(v128.load(z, 48), w, p, pinv)
    const a0 = v128.load(src)
    const a1 = v128.load(src, 16)
    const a2 = v128.load(src, 32)
    const a3 = v128.load(src, 48)
    v128.store(dst, f64x2.add(a0, r0))
    v128.store(y, f64x2.sub(a0, r0))
    v128.store(dst, f64x2.add(a1, r1), 16)
    v128.store(y, f64x2.sub(a1, r1), 16)
    v128.store(dst, f64x2.add(a2, r2), 32)
    v128.store(y, f64x2.sub(a2, r2), 32)
    v128.store(dst, f64x2.add(a3, r3), 48)
    v128.store(y, f64x2.sub(a3, r3), 48)
  }
}

/** Distance 4: two blocks at a time. */
@inline
function forwardFour(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 128, table += 16) {
    const w0 = v128.load64_splat(table)
    const w1 = v128.load64_splat(table, 8)
    const r0 = mulmod(v128.load(x, 32), w0, p, pinv)
    const r1 = mulmod(v128.load(x, 48), w0, p, pinv)
    const r2 = mulmod(v128.load(x, 96), w1, p, pinv)
    const r3 = mulmod(v128.load(x, 112), w1, p, pinv)
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const a2 = v128.load(x, 64)
    const a3 = v128.load(x, 80)
    v128.store(x, f64x2.add(a0, r0))
    v128.store(x, f64x2.add(a1, r1), 16)
    v128.store(x, f64x2.sub(a0, r0), 32)
    v128.store(x, f64x2.sub(a1, r1), 48)
    v128.store(x, f64x2.add(a2, r2), 64)
    v128.store(x, f64x2.add(a3, r3), 80)
    v128.store(x, f64x2.sub(a2, r2), 96)
    v128.store(x, f64x2.sub(a3, r3), 112)
  }
}

/** Distance 2: two blocks at a time. */
@inline
function forwardTwo(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, table += 16) {
    const r0 = mulmod(v128.load(x, 16), v128.load64_splat(table), p, pinv)
    const r1 = mulmod(v128.load(x, 48), v128.load64_splat(table, 8), p, pinv)
    const a0 = v128.load(x)
    const a1 = v128.load(x, 32)
    v128.store(x, f64x2.add(a0, r0))
    v128.store(x, f64x2.sub(a0, r0), 16)
    v128.store(x, f64x2.add(a1, r1), 32)
    v128.store(x, f64x2.sub(a1, r1), 48)
  }
}

/** Distance 1 and the final reduction: [x0 y0] [x1 y1] becomes [x0 x1] [y0 y1] and back. */
@inline
function forwardOne(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, table += 32) {
    const u0 = v128.load(x)
    const v0 = v128.load(x, 16)
    const u1 = v128.load(x, 32)
    const v1 = v128.load(x, 48)
    const r0 = mulmod(v128.shuffle<f64>(u0, v0, 1, 3), v128.load(table), p, pinv)
    const r1 = mulmod(v128.shuffle<f64>(u1, v1, 1, 3), v128.load(table, 16), p, pinv)
    const a0 = v128.shuffle<f64>(u0, v0, 0, 2)
    const a1 = v128.shuffle<f64>(u1, v1, 0, 2)
    const s0 = reduceOnce(f64x2.add(a0, r0), p, pinv)
    const d0 = reduceOnce(f64x2.sub(a0, r0), p, pinv)
    const s1 = reduceOnce(f64x2.add(a1, r1), p, pinv)
    const d1 = reduceOnce(f64x2.sub(a1, r1), p, pinv)
    v128.store(x, v128.shuffle<f64>(s0, d0, 0, 2))
    v128.store(x, v128.shuffle<f64>(s0, d0, 1, 3), 16)
    v128.store(x, v128.shuffle<f64>(s1, d1, 0, 2), 32)
    v128.store(x, v128.shuffle<f64>(s1, d1, 1, 3), 48)
  }
}

/**
 * As `forwardOne`, with the results x taken on to (a - x)*w for a constant w. The difference is at most 1 + A; with `reduce` x is
 * reduced first.
 */
@inline
function forwardOneSubMul(
  dst: usize, a: usize, x: usize, n: i32, table: usize, w: v128, wp: v128, p: v128, pinv: v128, reduce: bool,
): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, table += 32, a += 64, dst += 64) {
    const u0 = v128.load(x)
    const v0 = v128.load(x, 16)
    const u1 = v128.load(x, 32)
    const v1 = v128.load(x, 48)
    const r0 = mulmod(v128.shuffle<f64>(u0, v0, 1, 3), v128.load(table), p, pinv)
    const r1 = mulmod(v128.shuffle<f64>(u1, v1, 1, 3), v128.load(table, 16), p, pinv)
    const a0 = v128.shuffle<f64>(u0, v0, 0, 2)
    const a1 = v128.shuffle<f64>(u1, v1, 0, 2)
    let s0 = f64x2.add(a0, r0)
    let d0 = f64x2.sub(a0, r0)
    let s1 = f64x2.add(a1, r1)
    let d1 = f64x2.sub(a1, r1)
    if (reduce) {
      s0 = reduceOnce(s0, p, pinv)
      d0 = reduceOnce(d0, p, pinv)
      s1 = reduceOnce(s1, p, pinv)
      d1 = reduceOnce(d1, p, pinv)
    }
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a), v128.shuffle<f64>(s0, d0, 0, 2)), w, wp, p))
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a, 16), v128.shuffle<f64>(s0, d0, 1, 3)), w, wp, p), 16)
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a, 32), v128.shuffle<f64>(s1, d1, 0, 2)), w, wp, p), 32)
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a, 48), v128.shuffle<f64>(s1, d1, 1, 3)), w, wp, p), 48)
  }
}

/**
 * All layers but the last; the bound after that. Input up to 2^50 is A = 2^50/p, at most L/8, so that the first layer has room. A later wide layer is
 * plain where three more plain layers fit afterwards, as the last three always are. Otherwise it reduces x, which leaves 1 + A*e <= 5/2:
 * for p < 2^50 and A <= 8, three more layers then stay below 5.8.
 */
@inline
function forwardLayers(dst: usize, src: usize, n: i32, p: f64, pinv: f64, table: usize): f64 {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = p * (3.0 / 18014398509481984.0)
  const limit = 9007199254740992.0 / p
  let bound = grown(limit / 8, e)
  forwardFirst(dst, src, <usize>n << 2, table + 8, P, I)
  let m: usize = 2
  for (let half = <usize>n << 1; half >= 64; half >>= 1, m <<= 1) {
    const next = grown(bound, e)
    if (grown(grown(grown(next, e), e), e) <= limit) {
      forwardWide(dst, n, half, table + (m << 3), P, I, false)
      bound = next
    } else {
      forwardWide(dst, n, half, table + (m << 3), P, I, true)
      bound = 1 + bound * e
    }
  }
  forwardFour(dst, n, table + (m << 3), P, I)
  forwardTwo(dst, n, table + (m << 4), P, I)
  return grown(grown(bound, e), e)
}

export function nttForwardFrom(dst: usize, src: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  forwardLayers(dst, src, n, p, pinv, table)
  forwardOne(dst, n, table + (<usize>n << 2), f64x2.splat(p), f64x2.splat(pinv))
}

export function nttForward(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  nttForwardFrom(x, x, n, p, pinv, table)
}

/** 1 + A is at most L also where x is not reduced: as there (1 + A) * p * 2^-53 <= 0.19, the result is below 0.69 p. */
export function nttForwardSubMul(
  dst: usize, a: usize, x: usize, src: usize, n: i32, w: f64, wp: f64, p: f64, pinv: f64, table: usize,
): void {
  const bound = grown(forwardLayers(x, src, n, p, pinv, table), p * (3.0 / 18014398509481984.0))
  const W = f64x2.splat(w)
  const Wp = f64x2.splat(wp)
  const last = table + (<usize>n << 2)
  if (lastTooWide(1 + bound, p)) {
    forwardOneSubMul(dst, a, x, n, last, W, Wp, f64x2.splat(p), f64x2.splat(pinv), true)
  } else {
    forwardOneSubMul(dst, a, x, n, last, W, Wp, f64x2.splat(p), f64x2.splat(pinv), false)
  }
}
