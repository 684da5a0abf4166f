// The canonical embedding as a special Fourier transform of h = n/2 complex values (eprint 2016/421, section 3.2):
// radix 4, real and imaginary parts apart, two columns per vector, no memory but the operands and the table.
// ../embed-tables.ts explains the recursion and the twiddles. Only plain multiplications and additions: both modules give
// the same bits.
import { forwardBlocks, inverseBlocks } from './embed-blocks'
import { forward2, forward4, inverse2, inverse4 } from './embed-passes'

/** See Kernels.embedForward. */
export function embedForward(re: usize, im: usize, n: i32, table: usize): void {
  const h = n >> 1
  if (h === 8) {
    forward8(re, im, table)
    return
  }
  forwardBlocks(re, im, h)
  let q = 4
  if ((ctz(h) & 1) === 1) {
    forward2(re, im, h, table)
    table += 64
    q = 8
  }
  for (; q << 2 < h; q <<= 2) {
    forward4(re, im, h, q, table, i64x2.splat(0))
    table += <usize>q * 48
  }
  forward4(re, im, h, q, table, i64x2(0, i64.MIN_VALUE))
}

/** See Kernels.embedInverse. */
export function embedInverse(re: usize, im: usize, n: i32, table: usize): void {
  const h = n >> 1
  if (h === 8) {
    inverse8(re, im, table)
    return
  }
  const odd = (ctz(h) & 1) === 1
  const first = odd ? 8 : 4
  let q = h >> 2
  // The tables of the passes before this one: 48 bytes times the sum of a geometric series.
  table += (odd ? 64 : 0) + <usize>(q - first) * 16
  inverse4(re, im, h, q, table, i64x2(0, i64.MIN_VALUE))
  for (q >>= 2; q >= first; q >>= 2) {
    table -= <usize>q * 48
    inverse4(re, im, h, q, table, i64x2.splat(0))
  }
  if (odd) inverse2(re, im, h, table - 64)
  inverseBlocks(re, im, h)
}

/** h = 8, too small for the blocks above: radix 2, one value at a time. */
function forward8(re: usize, im: usize, table: usize): void {
  reverse8(re)
  reverse8(im)
  for (let q = 1; q < 8; q <<= 1) {
    for (let k = 0; k < 8; k++) {
      if ((k & q) !== 0) continue
      const t = table + ((<usize>(q - 1 + (k & (q - 1)))) << 4)
      const x = (<usize>k) << 3
      const y = (<usize>(k + q)) << 3
      const ur = load<f64>(re + y) * load<f64>(t) - load<f64>(im + y) * load<f64>(t, 8)
      const ui = load<f64>(re + y) * load<f64>(t, 8) + load<f64>(im + y) * load<f64>(t)
      store<f64>(re + y, load<f64>(re + x) - ur)
      store<f64>(im + y, load<f64>(im + x) - ui)
      store<f64>(re + x, load<f64>(re + x) + ur)
      store<f64>(im + x, load<f64>(im + x) + ui)
    }
  }
  conjugateOdd8(im)
}

function inverse8(re: usize, im: usize, table: usize): void {
  conjugateOdd8(im)
  for (let q = 4; q > 0; q >>= 1) {
    for (let k = 0; k < 8; k++) {
      if ((k & q) !== 0) continue
      const t = table + ((<usize>(q - 1 + (k & (q - 1)))) << 4)
      const x = (<usize>k) << 3
      const y = (<usize>(k + q)) << 3
      const ur = (load<f64>(re + x) - load<f64>(re + y)) * 0.5
      const ui = (load<f64>(im + x) - load<f64>(im + y)) * 0.5
      store<f64>(re + x, (load<f64>(re + x) + load<f64>(re + y)) * 0.5)
      store<f64>(im + x, (load<f64>(im + x) + load<f64>(im + y)) * 0.5)
      store<f64>(re + y, ur * load<f64>(t) + ui * load<f64>(t, 8))
      store<f64>(im + y, ui * load<f64>(t) - ur * load<f64>(t, 8))
    }
  }
  reverse8(re)
  reverse8(im)
}

/** Bit reversal of eight values swaps 1 with 4 and 3 with 6. */
function reverse8(at: usize): void {
  const one = load<f64>(at, 8)
  store<f64>(at, load<f64>(at, 32), 8)
  store<f64>(at, one, 32)
  const three = load<f64>(at, 24)
  store<f64>(at, load<f64>(at, 48), 24)
  store<f64>(at, three, 48)
}

function conjugateOdd8(im: usize): void {
  for (let k: usize = 8; k < 64; k += 16) store<f64>(im + k, -load<f64>(im + k))
}

/** See Kernels.scaleRound. n is a multiple of 8. */
export function scaleRound(dst: usize, src: usize, n: i32, scale: f64): f64 {
  const factor = f64x2.splat(scale)
  const zero = f64x2.splat(0)
  let largest = zero
  let invalid = i64x2.splat(0)
  for (const end = src + ((<usize>n) << 3); src < end; src += 16, dst += 16) {
    // Adding 0 turns -0 into 0: results are integers with one representation.
    const x = f64x2.add(f64x2.nearest(f64x2.mul(v128.load(src), factor)), zero)
    v128.store(dst, x)
    // pmax drops a NaN on its right, so those are remembered apart.
    largest = f64x2.pmax(largest, f64x2.abs(x))
    invalid = v128.or(invalid, f64x2.ne(x, x))
  }
  if (v128.any_true(invalid)) return NaN
  return max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1))
}

/** See Kernels.combine. Two products and one sum, each rounded. */
export function combine(dst: usize, a: usize, s: f64, b: usize, t: f64, n: i32): void {
  const first = f64x2.splat(s)
  const second = f64x2.splat(t)
  for (const end = a + ((<usize>n) << 3); a < end; a += 16, b += 16, dst += 16) {
    v128.store(dst, f64x2.add(f64x2.mul(v128.load(a), first), f64x2.mul(v128.load(b), second)))
  }
}
