// Residues to and from a stream of `bits` bits each, little-endian.

const exponent52: i64 = 0x4330000000000000
const two52: f64 = 4503599627370496.0

/** See Kernels.pack. */
export function pack(dst: usize, src: usize, n: i32, bits: i32, p: f64, _pinv: f64): void {
  const prime = f64x2.splat(p)
  const end = src + ((<usize>n) << 3)
  let buffer: u64 = 0
  let held: u64 = 0
  for (; src < end; src += 16) {
    const x = v128.load(src)
    // A reduced value is above -p, so one conditional addition makes it canonical; 2^52 + x shows x in the low bits.
    const unsigned = f64x2.add(x, v128.and(prime, f64x2.lt(x, f64x2.splat(0))))
    const word = v128.xor(f64x2.add(unsigned, f64x2.splat(two52)), i64x2.splat(exponent52))
    let value: u64 = i64x2.extract_lane(word, 0)
    buffer |= value << held
    held += bits
    if (held >= 64) {
      store<u64>(dst, buffer)
      dst += 8
      held -= 64
      buffer = value >> (<u64>bits - held)
    }
    value = i64x2.extract_lane(word, 1)
    buffer |= value << held
    held += bits
    if (held >= 64) {
      store<u64>(dst, buffer)
      dst += 8
      held -= 64
      buffer = value >> (<u64>bits - held)
    }
  }
  if (held > 0) store<u64>(dst, buffer)
}

/**
 * See Kernels.unpack. Eight values fill `bits` whole bytes, so the j-th values of two neighbouring groups of eight start
 * at the same bit of their bytes and one vector shift serves both. A refused value leaves 0.
 */
export function unpack(dst: usize, src: usize, n: i32, bits: i32, p: f64): i32 {
  const mask: i64 = ((<i64>1) << bits) - 1
  const prime = <i64>p
  const half = (prime - 1) >> 1
  const masks = i64x2.splat(mask)
  const largest = i64x2.splat(prime - 1)
  const primes = f64x2.splat(p)
  const halves = f64x2.splat(<f64>half)
  let refused = i64x2.splat(0)
  // Every load takes eight bytes, so the last values, of eight bytes or more, are left to scalar code that stays inside.
  const tail = bits >= 4 ? 16 : min(n, 64)
  const lastLoad = src + ((((<usize>n * bits) >> 3) + 7) & ~7) - 8
  for (let i = tail; i < n; i += 16) {
    for (let j = 0, bit = 0; j < 8; j++, bit += bits) {
      const at = src + (bit >> 3)
      const raw = v128.load64_lane(at + bits, v128.load64_zero(at), 1)
      const value = v128.and(i64x2.shr_u(raw, bit & 7), masks)
      const bad = i64x2.gt_s(value, largest)
      refused = i64x2.sub(refused, bad)
      const x = f64x2.sub(v128.or(v128.andnot(value, bad), i64x2.splat(exponent52)), f64x2.splat(two52))
      const balanced = f64x2.sub(x, v128.and(primes, f64x2.gt(x, halves)))
      v128.store64_lane(dst + (j << 3), balanced, 0)
      v128.store64_lane(dst + (j << 3), balanced, 1, 64)
    }
    dst += 128
    src += bits << 1
  }
  let count = <i32>(i64x2.extract_lane(refused, 0) + i64x2.extract_lane(refused, 1))
  for (let j = 0, bit = 0; j < tail; j++, bit += bits) {
    const at = min(src + (bit >> 3), lastLoad)
    const value = (load<i64>(at) >>> (<i64>bit - ((<i64>(at - src)) << 3))) & mask
    if (value >= prime) {
      count++
      store<f64>(dst, 0)
    } else {
      store<f64>(dst, <f64>(value > half ? value - prime : value))
    }
    dst += 8
  }
  return count
}
