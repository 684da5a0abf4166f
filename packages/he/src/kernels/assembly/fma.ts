// Exact modular arithmetic on two residues at a time.
//
// Everything rests on one operation, c - a*b without an intermediate rounding. The fused module has it as
// f64x2.relaxed_nmadd; the unfused one builds it from Dekker's exact product (Dekker 1971, "A floating-point technique for
// extending the available precision"), which gives the same number wherever the result is representable. Every use below is
// such a place, so both modules compute the same integers.
//
// Notation: p < 2^50 and `e` = 3 * 2^-54 * p. The quotient nearest(fl(fl(x*w) * fl(1/p))) of a
// product with |w| <= p/2 carries three roundings, so it is off by at most |x*w/p| * 3 * 2^-53 <= |x/p| * e.

/** The upper 26 bits of the significand (with the implicit one), sign and exponent. */
const UPPER: u64 = 0xfffffffff8000000

@inline
export function upper(a: v128): v128 {
  return v128.and(a, i64x2.splat(UPPER))
}

/**
 * fl(a*b) - a*b, exact, where `h` = fl(a*b).
 *
 * Unfused: a = ah + al with 26 and 27 bits, b likewise. Of the four partial products only al*bl could need 54 bits; it does not, as
 * one of the two factors is always an integer below 2^50, whose lower part then has at most 24 bits.
 */
@inline
export function productError(a: v128, b: v128, h: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_nmadd(a, b, h)
  const ah = upper(a)
  const bh = upper(b)
  const al = f64x2.sub(a, ah)
  const bl = f64x2.sub(b, bh)
  const t0 = f64x2.sub(h, f64x2.mul(ah, bh))
  const t1 = f64x2.sub(t0, f64x2.mul(al, bh))
  const t2 = f64x2.sub(t1, f64x2.mul(ah, bl))
  return f64x2.sub(t2, f64x2.mul(al, bl))
}

/**
 * c - a*b, exact when the result is an integer below 2^53 and a*b and c are integers: the unfused form takes
 * (c - fl(a*b)) + (fl(a*b) - a*b), both terms of which are then integers below 2^53 as well.
 */
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_nmadd(a, b, c)
  const h = f64x2.mul(a, b)
  return f64x2.add(f64x2.sub(c, h), productError(a, b, h))
}

/** c + a*b, rounded once (fused) or twice (unfused): only for estimates and for sums whose error is recovered afterwards. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c)
  return f64x2.add(f64x2.mul(a, b), c)
}

/**
 * x modulo p. The quotient is off by at most 1/2 + |x/p| * 2^-52, so the result is at most (1/2 + |x/p| * 2^-52) p, and canonical
 * for |x| < 2^51: then the error |x/p| * 2^-52 is below the distance 1/(2p) of x/p from a half integer. In: |x| < 2^53.
 */
@inline
export function reduceOnce(x: v128, p: v128, pinv: v128): v128 {
  return nmadd(f64x2.nearest(f64x2.mul(x, pinv)), p, x)
}

/**
 * x * w modulo p: |x*w| < 2^103 and |x*w/p| < 2^53. Out: |r| <= (1/2 + 3 * 2^-53 * |x*w/p|) p. The three terms h - q*p,
 * h - x*w and their difference are integers below 2^53, so all are exact.
 */
@inline
export function mulmod(x: v128, w: v128, p: v128, pinv: v128): v128 {
  const h = f64x2.mul(x, w)
  const q = f64x2.nearest(f64x2.mul(h, pinv))
  return f64x2.sub(nmadd(q, p, h), productError(x, w, h))
}

/** As `mulmod`, with the quotient x * fl(w/p): two roundings, so |r| <= (1/2 + |x*w/p| * 2^-52) p <= (1/2 + |x| * 2^-53) p. */
@inline
export function mulConstant(x: v128, w: v128, wp: v128, p: v128): v128 {
  const h = f64x2.mul(x, w)
  const q = f64x2.nearest(f64x2.mul(x, wp))
  return f64x2.sub(nmadd(q, p, h), productError(x, w, h))
}

// Sums of products without reducing each. An accumulator pair (high, low) holds a sum S = (high - C) + low, where C = 1.5 * 2^(52+s) pins the
// unit in the last place of `high` to 2^s as long as |high - C| <= 2^(51+s). Adding a*b: high' = fl(high + a*b); then delta = high' - high
// is exact, and so is the rest a*b - delta, at most 2^(s-1) fused (2^s unfused), which goes to `low`. Four operations for each product
// instead of seven. With p < 2^b and s = b, a batch of 2^(52-b) products of at most p^2/2 each keeps |high - C| <= 2^(51+b) and
// adds at most 2^52 to |low|.

/** The number of bits of p: 2^(b-1) <= p < 2^b. */
@inline
export function bitsOf(p: f64): i32 {
  return <i32>(reinterpret<u64>(p) >> 52) - 1022
}

/** C = 1.5 * 2^(52+s). */
@inline
export function pin(s: i32): f64 {
  return reinterpret<f64>((<u64>(52 + s + 1023) << 52) | (<u64>1 << 51))
}

/** low after a*b was added to `high`, which gave `next`. */
@inline
export function lowAfter(low: v128, a: v128, b: v128, next: v128, high: v128): v128 {
  return f64x2.sub(low, productError(a, b, f64x2.sub(next, high)))
}

/**
 * S modulo p. |high - C| <= 2^(51+b): the quotient is at most 2^52 and off by less than 3/2, so
 * the second step starts below 1.5 p + |low|.
 */
@inline
export function settle(high: v128, low: v128, c: v128, p: v128, pinv: v128): v128 {
  return reduceOnce(f64x2.add(reduceOnce(f64x2.sub(high, c), p, pinv), low), p, pinv)
}

/** Whether the product of |x| <= A and a constant exceeds 0.69: it is at most 1/2 + A * p * 2^-53, see `mulConstant`. */
@inline
export function lastTooWide(bound: f64, p: f64): bool {
  return bound * p * (1.0 / 9007199254740992.0) > 0.19
}

/** Lane 0 of relaxed_madd, so that the host can tell a fused implementation from one that rounds twice. */
export function probe(a: f64, b: f64, c: f64): f64 {
  return f64x2.extract_lane(madd(f64x2.splat(a), f64x2.splat(b), f64x2.splat(c)), 0)
}

/** First byte that the host may use; the module's own statics lie below. */
export function heapBase(): usize {
  return __heap_base
}
