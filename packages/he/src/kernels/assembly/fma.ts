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

/** Lane 0 of relaxed_madd, so that the host can tell a fused implementation from one that rounds twice. */
export function probe(a: f64, b: f64, c: f64): f64 {
  return f64x2.extract_lane(madd(f64x2.splat(a), f64x2.splat(b), f64x2.splat(c)), 0)
}

/** First byte that the host may use; the module's own statics lie below. */
export function heapBase(): usize {
  return __heap_base
}
