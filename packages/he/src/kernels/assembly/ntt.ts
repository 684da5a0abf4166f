// Negacyclic number-theoretic transforms. Two layers in one pass over memory (radix 4), the last of the forward and the first
// of the inverse transform two or three, with the lanes exchanged in registers.
//
// Forward butterflies (Cooley-Tukey): (x, y) -> (x + y*w, x - y*w). Inverse (Gentleman-Sande): (x, y) -> (x + y, (x - y)*w).
// Longa and Naehrig 2016 (eprint 2016/504), algorithms 1 and 2. Twiddles lie in the order of use, see ntt-tables.ts.
//
// Bounds, in units of p. Sums are exact while they stay within L = 2^53 / p, at least 8. With e = 3 * 2^-54 * p (at most 3/16,
// see fma.ts) a product of |x| <= A and a twiddle is at most 1/2 + A*e. The bound A is followed at run time, and a pass
// reduces what it would let grow too far: small primes need no reduction at all, 49-bit primes one or none, 50-bit primes
// one of four values in every pass but the first.
import { mulmod, reduceOnce } from './fma'

/** After one forward layer. */
@inline
function grown(bound: f64, e: f64): f64 {
  return bound + 0.5 + bound * e
}

@inline
function errorOf(p: f64): f64 {
  return p * (3.0 / 18014398509481984.0)
}

@inline
function limitOf(p: f64): f64 {
  return 9007199254740992.0 / p
}

/**
 * Layers 2t and t for `blocks` blocks of four quarters. With `reduce`, the one value of four that both layers leave unmultiplied is
 * reduced first.
 */
@inline
function forwardPass(x: usize, blocks: i32, quarter: usize, table: usize, p: v128, pinv: v128, reduce: bool): void {
  for (let i = 0; i < blocks; i++) {
    const w1 = v128.load64_splat(table)
    const w2 = v128.load64_splat(table, 8)
    const w3 = v128.load64_splat(table, 16)
    table += 24
    const end = x + quarter
    do {
      let a0 = v128.load(x)
      const a1 = v128.load(x + quarter)
      const r2 = mulmod(v128.load(x + 2 * quarter), w1, p, pinv)
      const r3 = mulmod(v128.load(x + 3 * quarter), w1, p, pinv)
      if (reduce) a0 = reduceOnce(a0, p, pinv)
      const b0 = f64x2.add(a0, r2)
      const b2 = f64x2.sub(a0, r2)
      const b1 = mulmod(f64x2.add(a1, r3), w2, p, pinv)
      const b3 = mulmod(f64x2.sub(a1, r3), w3, p, pinv)
      v128.store(x, f64x2.add(b0, b1))
      v128.store(x + quarter, f64x2.sub(b0, b1))
      v128.store(x + 2 * quarter, f64x2.add(b2, b3))
      v128.store(x + 3 * quarter, f64x2.sub(b2, b3))
      x += 16
    } while (x < end)
    x += 3 * quarter
  }
}

/** Layers of distance 2 and 1 and the final reduction. */
@inline
function forwardLast4(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 32, table += 24) {
    const a0 = v128.load(x)
    const r = mulmod(v128.load(x, 16), v128.load64_splat(table), p, pinv)
    const b0 = f64x2.add(a0, r)
    const b1 = f64x2.sub(a0, r)
    const c0 = v128.shuffle<f64>(b0, b1, 0, 2)
    const s = mulmod(v128.shuffle<f64>(b0, b1, 1, 3), v128.load(table, 8), p, pinv)
    const d0 = reduceOnce(f64x2.add(c0, s), p, pinv)
    const d1 = reduceOnce(f64x2.sub(c0, s), p, pinv)
    v128.store(x, v128.shuffle<f64>(d0, d1, 0, 2))
    v128.store(x, v128.shuffle<f64>(d0, d1, 1, 3), 16)
  }
}

/** Layers of distance 4, 2 and 1 and the final reduction. */
@inline
function forwardLast8(x: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, table += 56) {
    const w1 = v128.load64_splat(table)
    const r2 = mulmod(v128.load(x, 32), w1, p, pinv)
    const r3 = mulmod(v128.load(x, 48), w1, p, pinv)
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const b0 = f64x2.add(a0, r2)
    const b2 = f64x2.sub(a0, r2)
    const b1 = mulmod(f64x2.add(a1, r3), v128.load64_splat(table, 8), p, pinv)
    const b3 = mulmod(f64x2.sub(a1, r3), v128.load64_splat(table, 16), p, pinv)
    const c0 = f64x2.add(b0, b1)
    const c1 = f64x2.sub(b0, b1)
    const c2 = f64x2.add(b2, b3)
    const c3 = f64x2.sub(b2, b3)
    const d0 = v128.shuffle<f64>(c0, c1, 0, 2)
    const d1 = mulmod(v128.shuffle<f64>(c0, c1, 1, 3), v128.load(table, 24), p, pinv)
    const d2 = v128.shuffle<f64>(c2, c3, 0, 2)
    const d3 = mulmod(v128.shuffle<f64>(c2, c3, 1, 3), v128.load(table, 40), p, pinv)
    const e0 = reduceOnce(f64x2.add(d0, d1), p, pinv)
    const e1 = reduceOnce(f64x2.sub(d0, d1), p, pinv)
    const e2 = reduceOnce(f64x2.add(d2, d3), p, pinv)
    const e3 = reduceOnce(f64x2.sub(d2, d3), p, pinv)
    v128.store(x, v128.shuffle<f64>(e0, e1, 0, 2))
    v128.store(x, v128.shuffle<f64>(e0, e1, 1, 3), 16)
    v128.store(x, v128.shuffle<f64>(e2, e3, 0, 2), 32)
    v128.store(x, v128.shuffle<f64>(e2, e3, 1, 3), 48)
  }
}

/**
 * Between passes A stays so small that three more layers fit, which covers the pass of three layers and any reducing pass. For p < 2^50 that is
 * A <= 3.8; a reducing pass maps A to 3/2 + A*e + (A + 1/2 + A*e) * e, whose fixed point is below 2.71.
 */
export function nttForward(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = errorOf(p)
  const limit = limitOf(p)
  let bound: f64 = 1
  let blocks = 1
  for (let quarter = <usize>n << 1; quarter >= 32; quarter >>= 2) {
    const next = grown(grown(bound, e), e)
    if (grown(grown(grown(next, e), e), e) <= limit) {
      forwardPass(x, blocks, quarter, table, P, I, false)
      bound = next
    } else {
      forwardPass(x, blocks, quarter, table, P, I, true)
      bound = 1.5 + bound * e + grown(bound, e) * e
    }
    table += 24 * <usize>blocks
    blocks <<= 2
  }
  if (blocks * 4 == n) forwardLast4(x, n, table, P, I)
  else forwardLast8(x, n, table, P, I)
}

/** Layers of distance 1 and 2. */
@inline
function inverseFirst4(x: usize, n: i32, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 32, table += 24) {
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const b0 = v128.shuffle<f64>(a0, a1, 0, 2)
    const b1 = v128.shuffle<f64>(a0, a1, 1, 3)
    const c0 = f64x2.add(b0, b1)
    const c1 = mulmod(f64x2.sub(b0, b1), v128.load(table), p, pinv)
    const d0 = v128.shuffle<f64>(c0, c1, 0, 2)
    const d1 = v128.shuffle<f64>(c0, c1, 1, 3)
    const s = f64x2.add(d0, d1)
    v128.store(x, reduce ? reduceOnce(s, p, pinv) : s)
    v128.store(x, mulmod(f64x2.sub(d0, d1), v128.load64_splat(table, 16), p, pinv), 16)
  }
}

/** Layers of distance 1, 2 and 4. */
@inline
function inverseFirst8(x: usize, n: i32, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, table += 56) {
    const a0 = v128.load(x)
    const a1 = v128.load(x, 16)
    const a2 = v128.load(x, 32)
    const a3 = v128.load(x, 48)
    const b0 = v128.shuffle<f64>(a0, a1, 0, 2)
    const b1 = v128.shuffle<f64>(a0, a1, 1, 3)
    const b2 = v128.shuffle<f64>(a2, a3, 0, 2)
    const b3 = v128.shuffle<f64>(a2, a3, 1, 3)
    const c0 = f64x2.add(b0, b1)
    const c1 = mulmod(f64x2.sub(b0, b1), v128.load(table), p, pinv)
    const c2 = f64x2.add(b2, b3)
    const c3 = mulmod(f64x2.sub(b2, b3), v128.load(table, 16), p, pinv)
    const d0 = v128.shuffle<f64>(c0, c1, 0, 2)
    const d1 = v128.shuffle<f64>(c0, c1, 1, 3)
    const d2 = v128.shuffle<f64>(c2, c3, 0, 2)
    const d3 = v128.shuffle<f64>(c2, c3, 1, 3)
    const e0 = f64x2.add(d0, d1)
    const e1 = mulmod(f64x2.sub(d0, d1), v128.load64_splat(table, 32), p, pinv)
    const e2 = f64x2.add(d2, d3)
    const e3 = mulmod(f64x2.sub(d2, d3), v128.load64_splat(table, 40), p, pinv)
    const w = v128.load64_splat(table, 48)
    const s0 = f64x2.add(e0, e2)
    const s1 = f64x2.add(e1, e3)
    v128.store(x, reduce ? reduceOnce(s0, p, pinv) : s0)
    v128.store(x, reduce ? reduceOnce(s1, p, pinv) : s1, 16)
    v128.store(x, mulmod(f64x2.sub(e0, e2), w, p, pinv), 32)
    v128.store(x, mulmod(f64x2.sub(e1, e3), w, p, pinv), 48)
  }
}

/** Layers t and 2t. With `reduce`, both sums of the second layer are reduced. */
@inline
function inversePass(x: usize, blocks: i32, quarter: usize, table: usize, p: v128, pinv: v128, reduce: bool): void {
  for (let i = 0; i < blocks; i++) {
    const w2 = v128.load64_splat(table)
    const w3 = v128.load64_splat(table, 8)
    const w1 = v128.load64_splat(table, 16)
    table += 24
    const end = x + quarter
    do {
      const a0 = v128.load(x)
      const a1 = v128.load(x + quarter)
      const a2 = v128.load(x + 2 * quarter)
      const a3 = v128.load(x + 3 * quarter)
      const b0 = f64x2.add(a0, a1)
      const b1 = mulmod(f64x2.sub(a0, a1), w2, p, pinv)
      const b2 = f64x2.add(a2, a3)
      const b3 = mulmod(f64x2.sub(a2, a3), w3, p, pinv)
      const c0 = f64x2.add(b0, b2)
      const c1 = f64x2.add(b1, b3)
      v128.store(x, reduce ? reduceOnce(c0, p, pinv) : c0)
      v128.store(x + quarter, reduce ? reduceOnce(c1, p, pinv) : c1)
      v128.store(x + 2 * quarter, mulmod(f64x2.sub(b0, b2), w1, p, pinv))
      v128.store(x + 3 * quarter, mulmod(f64x2.sub(b1, b3), w1, p, pinv))
      x += 16
    } while (x < end)
    x += 3 * quarter
  }
}

/** The last two layers, with the factor 1/n and the final reduction: table = [w2, w3, w1/n, 1/n]. */
@inline
function inverseLast(x: usize, n: i32, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const quarter = <usize>n << 1
  const w2 = v128.load64_splat(table)
  const w3 = v128.load64_splat(table, 8)
  const w1 = v128.load64_splat(table, 16)
  const w0 = v128.load64_splat(table, 24)
  const end = x + quarter
  do {
    const a0 = v128.load(x)
    const a1 = v128.load(x + quarter)
    const a2 = v128.load(x + 2 * quarter)
    const a3 = v128.load(x + 3 * quarter)
    const b0 = f64x2.add(a0, a1)
    const b1 = mulmod(f64x2.sub(a0, a1), w2, p, pinv)
    const b2 = f64x2.add(a2, a3)
    const b3 = mulmod(f64x2.sub(a2, a3), w3, p, pinv)
    const c0 = mulmod(f64x2.add(b0, b2), w0, p, pinv)
    const c1 = mulmod(f64x2.add(b1, b3), w0, p, pinv)
    const c2 = mulmod(f64x2.sub(b0, b2), w1, p, pinv)
    const c3 = mulmod(f64x2.sub(b1, b3), w1, p, pinv)
    v128.store(x, reduce ? reduceOnce(c0, p, pinv) : c0)
    v128.store(x + quarter, reduce ? reduceOnce(c1, p, pinv) : c1)
    v128.store(x + 2 * quarter, reduce ? reduceOnce(c2, p, pinv) : c2)
    v128.store(x + 3 * quarter, reduce ? reduceOnce(c3, p, pinv) : c3)
    x += 16
  } while (x < end)
}

/**
 * A pass on |x| <= A forms sums up to 4A (the first one 4A or 8A, with A = 1) and multiplies differences up to the same bound. With its sums
 * reduced it leaves 1/2 + 4A*e: for p < 2^50 that keeps A <= 2, and 4A <= 8 fits. Without, the next pass must still fit.
 */
export function nttInverse(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = errorOf(p)
  const limit = limitOf(p)
  let bound: f64
  let quarter: usize
  if (ctz(n) & 1) {
    if (32 <= limit) {
      inverseFirst8(x, n, table, P, I, false)
      bound = 8
    } else {
      inverseFirst8(x, n, table, P, I, true)
      bound = 0.5 + 8 * e
    }
    quarter = 64
    table += 7 * <usize>n
  } else {
    if (16 <= limit) {
      inverseFirst4(x, n, table, P, I, false)
      bound = 4
    } else {
      inverseFirst4(x, n, table, P, I, true)
      bound = 0.5 + 4 * e
    }
    quarter = 32
    table += 6 * <usize>n
  }
  let blocks = (n << 1) / <i32>quarter
  for (; blocks > 1; blocks >>= 2, quarter <<= 2) {
    if (bound * 16 <= limit) {
      inversePass(x, blocks, quarter, table, P, I, false)
      bound = bound * 4
    } else {
      inversePass(x, blocks, quarter, table, P, I, true)
      bound = 0.5 + 4 * bound * e
    }
    table += 24 * <usize>blocks
  }
  if (4 * bound * e <= 0.19) inverseLast(x, n, table, P, I, false)
  else inverseLast(x, n, table, P, I, true)
}
