// Sums of limbs with small integer weights, four sums at a time: exact in doubles for many terms, so that a term is one multiply-add.
import { madd, reduceOnce } from './fma'

/** Bytes of a block of the plan before its terms, and of a term. */
const HEADER: usize = 24
const TERM: usize = 40
/** Bytes of a column: what one pass over the terms of a block sums up. */
const COLUMN: usize = 32
/** A limb that nobody asked for. */
const NONE: u32 = 0xffffffff
/** Fewer terms than this between two reductions cost more than splitting every residue. */
const FEW: f64 = 4
/** 1.5 * 2^(52+26): adding and subtracting it rounds to a multiple of 2^26. */
const ROUND26: f64 = 453347182355485940514816.0

/** Terms that are summed without a reduction, from one below p: whole |x| <= 0.7 p to 2^53. A 0.75 leaves room for what is rounded here. */
@inline
function wholeTerms(p: f64, most: f64): f64 {
  return Math.floor((9007199254740992.0 - p) / (0.75 * p * most))
}

/** As long as lower halves, |x| <= 2^25, stay below 2^53 - 2^50; the upper ones are multiples of 2^26 then, below 2^78. */
@inline
function splitTerms(most: f64): f64 {
  return Math.floor(0.875 * 268435456.0 / most)
}

/**
 * Both halves of a sum modulo p. The quotient of the upper one, |x| < 2^78, has at most 53 significant bits and the difference is a multiple of its unit, so it
 * is exact and at most p/2 + 2^26 (p > 2^29 where residues are split); with the lower one it stays below 2^53.
 */
@inline
function joined(upper: v128, lower: v128, p: v128, pinv: v128): v128 {
  return reduceOnce(f64x2.add(reduceOnce(upper, p, pinv), lower), p, pinv)
}

/** Halves take two columns for one, so that the tile has the same size in both ways. */
export function weightedSums(
  dsts: usize, sources: usize, count: i32, plan: usize, blocks: i32, tile: usize, strip: i32, from: usize, n: i32,
  p: f64, pinv: f64, most: f64,
): void {
  const whole = wholeTerms(p, most)
  const row = <usize>strip << 3
  const end = from + (<usize>n << 3)
  if (whole >= FEW) {
    const batch = <i32>min(whole, 1073741824.0)
    for (; from < end; from += row) {
      gather(tile, sources, count, from, row, false)
      sumBlocks(dsts, plan, blocks, tile, row, from, p, pinv, batch, false)
    }
  } else {
    const batch = <i32>splitTerms(most)
    for (; from < end; from += row >> 1) {
      gather(tile, sources, count, from, row, true)
      sumBlocks(dsts, plan, blocks, tile, row, from, p, pinv, batch, true)
    }
  }
}

/**
 * A strip of every source, one row after the other: in place they lie a limb apart, each in a page of its own. With `halves`, a vector x becomes
 * two, a multiple of 2^26 and the rest of at most 2^25.
 */
@inline
function gather(tile: usize, sources: usize, count: i32, from: usize, row: usize, halves: bool): void {
  const round = f64x2.splat(ROUND26)
  for (const stop = sources + (<usize>count << 2); sources < stop; sources += 4) {
    let src = <usize>load<u32>(sources) + from
    for (const end = tile + row; tile < end; tile += COLUMN) {
      const x = v128.load(src)
      if (halves) {
        const upper = f64x2.sub(f64x2.add(x, round), round)
        v128.store(tile, upper)
        v128.store(tile, f64x2.sub(x, upper), 16)
        src += 16
      } else {
        v128.store(tile, x)
        v128.store(tile, v128.load(src, 16), 16)
        src += 32
      }
    }
  }
}

/** All blocks on one strip, whose sources lie `row` bytes apart in the tile. Halves that were split are two columns of one vector. */
@inline
function sumBlocks(
  dsts: usize, plan: usize, blocks: i32, tile: usize, row: usize, from: usize, p: f64, pinv: f64, batch: i32, halves: bool,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  let block = plan
  for (let b = 0; b < blocks; b++) {
    const terms = load<u32>(block, 16)
    const next = block + HEADER + TERM * <usize>terms
    for (let column: usize = 0; column < row; column += COLUMN) {
      const x = tile + column
      let a0 = f64x2.splat(0)
      let a1 = f64x2.splat(0)
      let b0 = f64x2.splat(0)
      let b1 = f64x2.splat(0)
      let c0 = f64x2.splat(0)
      let c1 = f64x2.splat(0)
      let d0 = f64x2.splat(0)
      let d1 = f64x2.splat(0)
      let term = block + HEADER
      for (let left = <i32>terms; left > 0;) {
        const stop = term + TERM * <usize>min(left, batch)
        for (; term < stop; term += TERM) {
          const at = x + row * <usize>load<u32>(term, 32)
          const u = v128.load(at)
          const v = v128.load(at, 16)
          const w = v128.load64_splat(term)
          a0 = madd(u, w, a0)
          a1 = madd(v, w, a1)
          const y = v128.load64_splat(term, 8)
          b0 = madd(u, y, b0)
          b1 = madd(v, y, b1)
          const z = v128.load64_splat(term, 16)
          c0 = madd(u, z, c0)
          c1 = madd(v, z, c1)
          const t = v128.load64_splat(term, 24)
          d0 = madd(u, t, d0)
          d1 = madd(v, t, d1)
        }
        left -= batch
        if (halves) {
          a1 = joined(a0, a1, P, I)
          b1 = joined(b0, b1, P, I)
          c1 = joined(c0, c1, P, I)
          d1 = joined(d0, d1, P, I)
          a0 = f64x2.splat(0)
          b0 = f64x2.splat(0)
          c0 = f64x2.splat(0)
          d0 = f64x2.splat(0)
        } else {
          a0 = reduceOnce(a0, P, I)
          a1 = reduceOnce(a1, P, I)
          b0 = reduceOnce(b0, P, I)
          b1 = reduceOnce(b1, P, I)
          c0 = reduceOnce(c0, P, I)
          c1 = reduceOnce(c1, P, I)
          d0 = reduceOnce(d0, P, I)
          d1 = reduceOnce(d1, P, I)
        }
      }
      const at = from + (halves ? column >> 1 : column)
      put(dsts, load<u32>(block), at, a0, a1, halves)
      put(dsts, load<u32>(block, 4), at, b0, b1, halves)
      put(dsts, load<u32>(block, 8), at, c0, c1, halves)
      put(dsts, load<u32>(block, 12), at, d0, d1, halves)
    }
    block = next
  }
}

@inline
function put(dsts: usize, index: u32, at: usize, first: v128, second: v128, halves: bool): void {
  if (index == NONE) return
  const dst = <usize>load<u32>(dsts + (<usize>index << 2)) + at
  if (halves) v128.store(dst, second)
  else {
    v128.store(dst, first)
    v128.store(dst, second, 16)
  }
}
