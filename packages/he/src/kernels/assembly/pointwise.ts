// Point-wise kernels on one limb; ranges are in table.ts. n is a multiple of 8.
import { mulConstant, mulmod, nmadd, productError, reduceOnce } from './fma'

export function permute(dst: usize, src: usize, index: usize, n: i32): void {
  const end = index + (<usize>n << 2)
  for (; index < end; index += 16, dst += 32) {
    const a = v128.load64_splat(src + (<usize>load<u32>(index) << 3))
    const b = v128.load64_splat(src + (<usize>load<u32>(index, 8) << 3))
    v128.store(dst, v128.load_lane<u64>(src + (<usize>load<u32>(index, 4) << 3), a, 1))
    v128.store(dst, v128.load_lane<u64>(src + (<usize>load<u32>(index, 12) << 3), b, 1), 16)
  }
}

export function copy(dst: usize, src: usize, n: i32): void {
  memory.copy(dst, src, <usize>n << 3)
}

/**
 * Two steps. The first takes |x| <= 2^100 to |x| * 2^-51 + p/2 < 2^51; its quotient may exceed 2^53 but has at most 53 significant
 * bits, and the difference is a multiple of its unit, so it is still exact. The second is canonical.
 */
@inline
function reduceWide(x: v128, p: v128, pinv: v128): v128 {
  return reduceOnce(reduceOnce(x, p, pinv), p, pinv)
}

export function reduce(dst: usize, src: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, src += 32) {
    v128.store(dst, reduceWide(v128.load(src), P, I))
    v128.store(dst, reduceWide(v128.load(src, 16), P, I), 16)
  }
}

export function add(dst: usize, a: usize, b: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32, b += 32) {
    v128.store(dst, reduceOnce(f64x2.add(v128.load(a), v128.load(b)), P, I))
    v128.store(dst, reduceOnce(f64x2.add(v128.load(a, 16), v128.load(b, 16)), P, I), 16)
  }
}

export function sub(dst: usize, a: usize, b: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32, b += 32) {
    v128.store(dst, reduceOnce(f64x2.sub(v128.load(a), v128.load(b)), P, I))
    v128.store(dst, reduceOnce(f64x2.sub(v128.load(a, 16), v128.load(b, 16)), P, I), 16)
  }
}

/** 0 - a rather than a sign flip, so that no -0 appears. */
export function negate(dst: usize, a: usize, n: i32): void {
  const zero = f64x2.splat(0)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32) {
    v128.store(dst, f64x2.sub(zero, v128.load(a)))
    v128.store(dst, f64x2.sub(zero, v128.load(a, 16)), 16)
  }
}

export function mul(dst: usize, a: usize, b: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32, b += 32) {
    v128.store(dst, mulmod(v128.load(a), v128.load(b), P, I))
    v128.store(dst, mulmod(v128.load(a, 16), v128.load(b, 16), P, I), 16)
  }
}

/**
 * d + a*b modulo p with one quotient, nearest((d + a*b) / p). One rounding more than in `mulmod`: for p <= 0.8 * 2^50 the quotient is
 * off by 4 * 2^-53 * 0.49 p < 0.2; above, h < 2^99 is off by at most 2^45 < 0.04 p, twice, fl(1/p) by 0.062 and the last product by 2^-5,
 * together < 0.18. So the result is below 0.7 p. h - q*p is at most 1.4 p and an integer, as are the other terms.
 */
@inline
function mulAddOnce(d: v128, a: v128, b: v128, p: v128, pinv: v128): v128 {
  const h = f64x2.mul(a, b)
  const q = f64x2.nearest(f64x2.mul(f64x2.add(h, d), pinv))
  return f64x2.add(nmadd(q, p, h), f64x2.sub(d, productError(a, b, h)))
}

export function mulAdd(dst: usize, a: usize, b: usize, n: i32, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32, b += 32) {
    v128.store(dst, mulAddOnce(v128.load(dst), v128.load(a), v128.load(b), P, I))
    v128.store(dst, mulAddOnce(v128.load(dst, 16), v128.load(a, 16), v128.load(b, 16), P, I), 16)
  }
}

/** |a| < 2^50, so the quotient is off by at most 1/16 (as in `subMulScalar`) and the result is below 0.57 p. */
export function mulScalar(dst: usize, a: usize, n: i32, w: f64, wp: f64, p: f64): void {
  const P = f64x2.splat(p)
  const W = f64x2.splat(w)
  const V = f64x2.splat(wp)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32) {
    v128.store(dst, mulConstant(v128.load(a), W, V, P))
    v128.store(dst, mulConstant(v128.load(a, 16), W, V, P), 16)
  }
}

/**
 * |a - b| < 2^51 and |w/p| < 1/2: fl(w/p) is off by at most 2^-55 and the product, below 2^50, by at most 2^-4, so the quotient is off
 * by at most 1/8 and the result is below 0.63 p.
 */
export function subMulScalar(dst: usize, a: usize, b: usize, n: i32, w: f64, wp: f64, p: f64): void {
  const P = f64x2.splat(p)
  const W = f64x2.splat(w)
  const V = f64x2.splat(wp)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32, b += 32) {
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a), v128.load(b)), W, V, P))
    v128.store(dst, mulConstant(f64x2.sub(v128.load(a, 16), v128.load(b, 16)), W, V, P), 16)
  }
}

export function addScalar(dst: usize, a: usize, n: i32, w: f64, p: f64, pinv: f64): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const W = f64x2.splat(w)
  const end = dst + (<usize>n << 3)
  for (; dst < end; dst += 32, a += 32) {
    v128.store(dst, reduceOnce(f64x2.add(v128.load(a), W), P, I))
    v128.store(dst, reduceOnce(f64x2.add(v128.load(a, 16), W), P, I), 16)
  }
}

/** a*b + c*d modulo p: one product reduced to 0.69 p, then taken along as the addend of the other. */
@inline
function mulTwice(a: v128, b: v128, c: v128, d: v128, p: v128, pinv: v128): v128 {
  return mulAddOnce(mulmod(a, b, p, pinv), c, d, p, pinv)
}

export function tensor(
  d0: usize, d1: usize, d2: usize, a0: usize, a1: usize, b0: usize, b1: usize, n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += 32) {
    const x0 = v128.load(a0 + i)
    const x1 = v128.load(a1 + i)
    const y0 = v128.load(b0 + i)
    const y1 = v128.load(b1 + i)
    const u0 = v128.load(a0 + i, 16)
    const u1 = v128.load(a1 + i, 16)
    const v0 = v128.load(b0 + i, 16)
    const v1 = v128.load(b1 + i, 16)
    v128.store(d0 + i, mulmod(x0, y0, P, I))
    v128.store(d0 + i, mulmod(u0, v0, P, I), 16)
    v128.store(d1 + i, mulTwice(x0, y1, x1, y0, P, I))
    v128.store(d1 + i, mulTwice(u0, v1, u1, v0, P, I), 16)
    v128.store(d2 + i, mulmod(x1, y1, P, I))
    v128.store(d2 + i, mulmod(u1, v1, P, I), 16)
  }
}
