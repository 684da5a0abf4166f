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
import { mulConstant, mulmod, reduceOnce } from './fma'

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
 * A wide layer is plain where three more plain layers fit afterwards, as the last three always are. Otherwise it reduces x, which leaves
 * 1 + A*e <= 5/2: for p < 2^50 and A <= 8, three more layers then stay below 5.8.
 */
export function nttForward(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = p * (3.0 / 18014398509481984.0)
  const limit = 9007199254740992.0 / p
  let bound: f64 = 1
  let m: usize = 1
  for (let half = <usize>n << 2; half >= 64; half >>= 1, m <<= 1) {
    const next = grown(bound, e)
    if (grown(grown(grown(next, e), e), e) <= limit) {
      forwardWide(x, n, half, table + (m << 3), P, I, false)
      bound = next
    } else {
      forwardWide(x, n, half, table + (m << 3), P, I, true)
      bound = 1 + bound * e
    }
  }
  forwardFour(x, n, table + (m << 3), P, I)
  forwardTwo(x, n, table + (m << 4), P, I)
  forwardOne(x, n, table + (m << 5), P, I)
}

// The inverse layers read the same roots from the other end: the inverse root of block i of m is -root[m + (m-1-i)], and
// (x - y) * -w = (y - x) * w. `table` points behind the last root of the layer.

/** Distance 1; the lanes are taken crosswise, as the roots run backwards. Sums: 2A. */
@inline
function inverseOne(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64) {
    table -= 32
    const u0 = v128.load(x)
    const v0 = v128.load(x, 16)
    const u1 = v128.load(x, 32)
    const v1 = v128.load(x, 48)
    const a0 = v128.shuffle<f64>(v0, u0, 0, 2)
    const b0 = v128.shuffle<f64>(v0, u0, 1, 3)
    const a1 = v128.shuffle<f64>(v1, u1, 0, 2)
    const b1 = v128.shuffle<f64>(v1, u1, 1, 3)
    const s0 = f64x2.add(a0, b0)
    const s1 = f64x2.add(a1, b1)
    const d0 = mulmod(f64x2.sub(b0, a0), v128.load(table, 16), p, pinv)
    const d1 = mulmod(f64x2.sub(b1, a1), v128.load(table), p, pinv)
    v128.store(x, v128.shuffle<f64>(s0, d0, 1, 3))
    v128.store(x, v128.shuffle<f64>(s0, d0, 0, 2), 16)
    v128.store(x, v128.shuffle<f64>(s1, d1, 1, 3), 32)
    v128.store(x, v128.shuffle<f64>(s1, d1, 0, 2), 48)
  }
}

/** Distance 2. */
@inline
function inverseTwo(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64) {
    table -= 16
    const a0 = v128.load(x)
    const b0 = v128.load(x, 16)
    const a1 = v128.load(x, 32)
    const b1 = v128.load(x, 48)
    const d0 = mulmod(f64x2.sub(b0, a0), v128.load64_splat(table, 8), p, pinv)
    const d1 = mulmod(f64x2.sub(b1, a1), v128.load64_splat(table), p, pinv)
    v128.store(x, f64x2.add(a0, b0))
    v128.store(x, d0, 16)
    v128.store(x, f64x2.add(a1, b1), 32)
    v128.store(x, d1, 48)
  }
}

/** Distance 4; with `reduce` the sums are reduced. */
@inline
function inverseFour(x: usize, n: i32, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64) {
    table -= 8
    const w = v128.load64_splat(table)
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const b0 = v128.load(x, 32)
    const b1 = v128.load(x, 48)
    const d0 = mulmod(f64x2.sub(b0, a0), w, p, pinv)
    const d1 = mulmod(f64x2.sub(b1, a1), w, p, pinv)
    const s0 = f64x2.add(a0, b0)
    const s1 = f64x2.add(a1, b1)
    v128.store(x, reduce ? reduceOnce(s0, p, pinv) : s0)
    v128.store(x, reduce ? reduceOnce(s1, p, pinv) : s1, 16)
    v128.store(x, d0, 32)
    v128.store(x, d1, 48)
  }
}

/** Distance 8 and more, except the last layer; with `reduce` the sums are reduced. */
@inline
function inverseWide(x: usize, n: i32, half: usize, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const last = x + (<usize>n << 3)
  do {
    table -= 8
    const w = v128.load64_splat(table)
    const end = x + half
    do {
      const y = x + half
      const a0 = v128.load(x)
      const a1 = v128.load(x, 16)
      const b0 = v128.load(y)
      const b1 = v128.load(y, 16)
      const d0 = mulmod(f64x2.sub(b0, a0), w, p, pinv)
      const d1 = mulmod(f64x2.sub(b1, a1), w, p, pinv)
      const s0 = f64x2.add(a0, b0)
      const s1 = f64x2.add(a1, b1)
      v128.store(x, reduce ? reduceOnce(s0, p, pinv) : s0)
      v128.store(x, reduce ? reduceOnce(s1, p, pinv) : s1, 16)
      v128.store(y, d0)
      v128.store(y, d1, 16)
      x += 32
    } while (x < end)
    x += half
  } while (x < last)
}

/** The last layer with the factor 1/n: c = 1/n and w = root[1] / n as pairs; with `reduce` both results are reduced. */
@inline
function inverseLast(
  x: usize, half: usize, c: v128, cp: v128, w: v128, wp: v128, p: v128, pinv: v128, reduce: bool,
): void {
  const end = x + half
  do {
    const y = x + half
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const b0 = v128.load(y)
    const b1 = v128.load(y, 16)
    const s0 = mulConstant(f64x2.add(a0, b0), c, cp, p)
    const s1 = mulConstant(f64x2.add(a1, b1), c, cp, p)
    const d0 = mulConstant(f64x2.sub(b0, a0), w, wp, p)
    const d1 = mulConstant(f64x2.sub(b1, a1), w, wp, p)
    v128.store(x, reduce ? reduceOnce(s0, p, pinv) : s0)
    v128.store(x, reduce ? reduceOnce(s1, p, pinv) : s1, 16)
    v128.store(y, reduce ? reduceOnce(d0, p, pinv) : d0)
    v128.store(y, reduce ? reduceOnce(d1, p, pinv) : d1, 16)
    x += 32
  } while (x < end)
}

/** Whether the results of the last layer on A exceed 0.69: they are at most 1/2 + 2A * p * 2^-53, see `mulConstant`. */
@inline
function lastTooWide(bound: f64, p: f64): bool {
  return bound * p * (2.0 / 9007199254740992.0) > 0.19
}

/**
 * A layer on A forms sums and differences up to 2A and leaves max(2A, 1/2 + 2A*e); with its sums reduced, 1/2 + 2A*e. The first three
 * layers reach 8 <= L. A later one is plain where the next still has room, 4A <= L; if not, then for p < 2^50 and 2A <= 8 it leaves 2,
 * which is room for two layers again. The layer before the last also reduces where that spares the last one twice the work.
 */
export function nttInverse(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = p * (3.0 / 18014398509481984.0)
  const limit = 9007199254740992.0 / p
  inverseOne(x, n, table + (<usize>n << 3), P, I)
  inverseTwo(x, n, table + (<usize>n << 2), P, I)
  let bound: f64 = 8
  if (16 <= limit) {
    inverseFour(x, n, table + (<usize>n << 1), P, I, false)
  } else {
    inverseFour(x, n, table + (<usize>n << 1), P, I, true)
    bound = 0.5 + 8 * e
  }
  // `behind` is the end of the roots of a layer of m blocks, 2m f64 from the start.
  let behind = <usize>n
  let half: usize = 64
  for (; behind > 16; behind >>= 1, half <<= 1) {
    const reduced = 0.5 + 2 * bound * e
    const spare = behind == 32 && lastTooWide(2 * bound, p) && !lastTooWide(reduced, p)
    if (4 * bound <= limit && !spare) {
      inverseWide(x, n, half, table + behind, P, I, false)
      bound = 2 * bound
    } else {
      inverseWide(x, n, half, table + behind, P, I, true)
      bound = reduced
    }
  }
  const c = load<f64>(table)
  const w = f64x2.extract_lane(
    reduceOnce(mulmod(f64x2.splat(load<f64>(table, 8)), f64x2.splat(c), P, I), P, I), 0,
  )
  const C = f64x2.splat(c)
  const Cp = f64x2.splat(c / p)
  const W = f64x2.splat(w)
  const Wp = f64x2.splat(w / p)
  if (lastTooWide(bound, p)) inverseLast(x, half, C, Cp, W, Wp, P, I, true)
  else inverseLast(x, half, C, Cp, W, Wp, P, I, false)
}
