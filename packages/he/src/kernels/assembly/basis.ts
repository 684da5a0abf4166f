// Exact, centred RNS basis conversion (Halevi, Polyakov, Shoup 2018, eprint 2018/117, section 2.2).
import { bitsOf, lowAfter, madd, mulConstant, pin, reduceOnce, settle } from './fma'

/** Bytes of a limb that pass through all primes at once, so that the sums stay in the first-level cache. */
const BLOCK: usize = 2048

/** x * w modulo q, canonical: the product is at most 0.57 q (see `mulScalar`), and the second reduction is exact. */
@inline
function scaled(x: v128, w: v128, wp: v128, q: v128, qinv: v128): v128 {
  return reduceOnce(mulConstant(x, w, wp, q), q, qinv)
}

/**
 * The sum of y_i / q_i is off by less than m * 2^-52 and further from a half integer than 1/(2D), so v could be off by one only for a value within
 * m * 2^-52 * D of D/2, where the centred representative itself is a matter of taste: the result is then a multiple of D off, as in
 * section 2.2 of the paper.
 */
export function basisScale(
  dst: usize, dstStride: usize, v: usize, src: usize, srcStride: usize, m: i32, table: usize, n: i32,
): void {
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += BLOCK) {
    const length = min(BLOCK, bytes - i)
    let x = src + i
    let y = dst + i
    let t = table
    for (let j = 0; j < m; j++, x += srcStride, y += dstStride, t += 32) {
      if (m == 1) scaleBlock(y, v + i, x, t, length, true, true)
      else if (j == 0) scaleBlock(y, v + i, x, t, length, true, false)
      else if (j == m - 1) scaleBlock(y, v + i, x, t, length, false, true)
      else scaleBlock(y, v + i, x, t, length, false, false)
    }
  }
}

/** One prime on `length` bytes; the sum of y_i / q_i so far is kept in v. */
@inline
function scaleBlock(y: usize, v: usize, x: usize, table: usize, length: usize, first: bool, last: bool): void {
  const w = v128.load64_splat(table)
  const wp = v128.load64_splat(table, 8)
  const q = v128.load64_splat(table, 16)
  const qinv = v128.load64_splat(table, 24)
  const end = x + length
  for (; x < end; x += 32, y += 32, v += 32) {
    const y0 = scaled(v128.load(x), w, wp, q, qinv)
    const y1 = scaled(v128.load(x, 16), w, wp, q, qinv)
    let s0 = f64x2.mul(y0, qinv)
    let s1 = f64x2.mul(y1, qinv)
    if (!first) {
      s0 = f64x2.add(v128.load(v), s0)
      s1 = f64x2.add(v128.load(v, 16), s1)
    }
    v128.store(y, y0)
    v128.store(y, y1, 16)
    v128.store(v, last ? f64x2.nearest(s0) : s0)
    v128.store(v, last ? f64x2.nearest(s1) : s1, 16)
  }
}

// The second half sums pinned products, see fma.ts: |y| <= 2^49 and |c| <= p/2, half of what a batch allows for.

/** One prime: y * c - v * D with |v| <= 2, so that v * D is exact and the sum is at most 1.6 p. */
@inline
function combineOne(dst: usize, y: usize, v: usize, table: usize, n: i32, p: v128, pinv: v128): void {
  const c = v128.load64_splat(table)
  const cp = v128.load64_splat(table, 8)
  const D = v128.load64_splat(table, 16)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, y += 32, v += 32) {
    const r0 = mulConstant(v128.load(y), c, cp, p)
    const r1 = mulConstant(v128.load(y, 16), c, cp, p)
    const d0 = f64x2.mul(v128.load(v), D)
    const d1 = f64x2.mul(v128.load(v, 16), D)
    v128.store(dst, reduceOnce(f64x2.sub(r0, d0), p, pinv))
    v128.store(dst, reduceOnce(f64x2.sub(r1, d1), p, pinv), 16)
  }
}

/**
 * A batch of products is settled as soon as it is full. |v| <= m/2 + 1, so v * D is an exact integer; for m <= 6 it is at most 2p < 2^51, which
 * `low` has room for. Four vectors side by side, as each product waits for the one before.
 */
export function basisCombine(
  dst: usize, y: usize, yStride: usize, v: usize, m: i32, table: usize, n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  if (m == 1) {
    combineOne(dst, y, v, table, n, P, I)
    return
  }
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = bits > 49 ? 4 : 8
  const D = f64x2.splat(-load<f64>(table + (<usize>m << 4)))
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += 64) {
    const v0 = v128.load(v + i)
    const v1 = v128.load(v + i, 16)
    const v2 = v128.load(v + i, 32)
    const v3 = v128.load(v + i, 48)
    let h0 = c
    let h1 = c
    let h2 = c
    let h3 = c
    let l0 = f64x2.mul(v0, D)
    let l1 = f64x2.mul(v1, D)
    let l2 = f64x2.mul(v2, D)
    let l3 = f64x2.mul(v3, D)
    if (m > 6) {
      l0 = reduceOnce(l0, P, I)
      l1 = reduceOnce(l1, P, I)
      l2 = reduceOnce(l2, P, I)
      l3 = reduceOnce(l3, P, I)
    }
    let x = y + i
    let t = table
    let left = m
    let j = min(m, batch)
    for (;;) {
      left -= j
      for (; j > 0; j--) {
        const w = v128.load64_splat(t)
        const a0 = v128.load(x)
        const a1 = v128.load(x, 16)
        const a2 = v128.load(x, 32)
        const a3 = v128.load(x, 48)
        const g0 = madd(a0, w, h0)
        const g1 = madd(a1, w, h1)
        const g2 = madd(a2, w, h2)
        const g3 = madd(a3, w, h3)
        l0 = lowAfter(l0, a0, w, g0, h0)
        l1 = lowAfter(l1, a1, w, g1, h1)
        l2 = lowAfter(l2, a2, w, g2, h2)
        l3 = lowAfter(l3, a3, w, g3, h3)
        h0 = g0
        h1 = g1
        h2 = g2
        h3 = g3
        x += yStride
        t += 16
      }
      l0 = settle(h0, l0, c, P, I)
      l1 = settle(h1, l1, c, P, I)
      l2 = settle(h2, l2, c, P, I)
      l3 = settle(h3, l3, c, P, I)
      if (left <= 0) break
      h0 = c
      h1 = c
      h2 = c
      h3 = c
      j = min(left, batch)
    }
    v128.store(dst + i, l0)
    v128.store(dst + i, l1, 16)
    v128.store(dst + i, l2, 32)
    v128.store(dst + i, l3, 48)
  }
}
