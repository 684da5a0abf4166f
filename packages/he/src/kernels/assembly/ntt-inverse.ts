// Inverse number-theoretic transforms; see ntt.ts for butterflies and bounds.
//
// The inverse layers read the same roots from the other end: the inverse root of block i of m is -root[m + (m-1-i)], and
// (x - y) * -w = (y - x) * w. `table` points behind the last root of the layer.
import { lastTooWide, mulConstant, mulmod, reduceOnce } from './fma'

/** Distance 1; the lanes are taken crosswise, as the roots run backwards. Sums: 2A. */
@inline
function inverseOne(x: usize, src: usize, n: i32, table: usize, p: v128, pinv: v128): void {
  const end = x + (<usize>n << 3)
  for (; x < end; x += 64, src += 64) {
    table -= 32
    const u0 = v128.load(src)
    const v0 = v128.load(src, 16)
    const u1 = v128.load(src, 32)
    const v1 = v128.load(src, 48)
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

/**
 * Distance 8 and more, except the last layer; with `reduce` the sums are reduced. The quotient x * fl(w * fl(1/p)) carries three roundings like that of
 * `mulmod`, and waits for one operation less, which shows where only two butterflies are side by side.
 */
@inline
function inverseWide(x: usize, n: i32, half: usize, table: usize, p: v128, pinv: v128, reduce: bool): void {
  const last = x + (<usize>n << 3)
  do {
    table -= 8
    const w = v128.load64_splat(table)
    const wp = f64x2.mul(w, pinv)
    const end = x + half
    do {
      const y = x + half
      const a0 = v128.load(x)
      const a1 = v128.load(x, 16)
      const b0 = v128.load(y)
      const b1 = v128.load(y, 16)
      const d0 = mulConstant(f64x2.sub(b0, a0), w, wp, p)
      const d1 = mulConstant(f64x2.sub(b1, a1), w, wp, p)
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

/**
 * A layer on A forms sums and differences up to 2A and leaves max(2A, 1/2 + 2A*e); with its sums reduced, 1/2 + 2A*e. The first three
 * layers reach 8 <= L. A later one is plain where the next still has room, 4A <= L; if not, then for p < 2^50 and 2A <= 8 it leaves 2,
 * which is room for two layers again. The layer before the last also reduces where that spares the last one twice the work.
 */
export function nttInverseFrom(x: usize, src: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const e = p * (3.0 / 18014398509481984.0)
  const limit = 9007199254740992.0 / p
  inverseOne(x, src, n, table + (<usize>n << 3), P, I)
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
    const spare = behind == 32 && lastTooWide(4 * bound, p) && !lastTooWide(2 * reduced, p)
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
  if (lastTooWide(2 * bound, p)) inverseLast(x, half, C, Cp, W, Wp, P, I, true)
  else inverseLast(x, half, C, Cp, W, Wp, P, I, false)
}

export function nttInverse(x: usize, n: i32, p: f64, pinv: f64, table: usize): void {
  nttInverseFrom(x, x, n, p, pinv, table)
}
