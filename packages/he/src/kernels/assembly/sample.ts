// Secret and error coefficients from random bytes. Time depends on which bytes are 255, not on the values drawn.

/** See Kernels.sampleTernary. */
export function sampleTernary(dst: usize, n: i32, bytes: usize, length: i32): i32 {
  let written = 0
  let read = 0
  while (written < n && read < length) {
    if (n - written >= 16 && length - read >= 16) {
      const b = v128.load(bytes + read)
      if (!v128.any_true(i8x16.eq(b, i8x16.splat(-1)))) {
        ternary8(dst + ((<usize>written) << 3), i16x8.extend_low_i8x16_u(b))
        ternary8(dst + ((<usize>written) << 3) + 64, i16x8.extend_high_i8x16_u(b))
        written += 16
        read += 16
        continue
      }
    }
    const stop = read + 16 < length ? read + 16 : length
    for (; read < stop && written < n; read++) {
      const byte = load<u8>(bytes + read)
      if (byte !== 255) {
        store<f64>(dst + ((<usize>written) << 3), <f64>(<i32>(byte % 3) - 1))
        written++
      }
    }
  }
  return written
}

/** (b mod 3) - 1 for eight b < 256: floor(b/3) = (171*b) >> 9 there. */
function ternary8(dst: usize, b: v128): void {
  const quotient = i16x8.shr_u(i16x8.mul(b, i16x8.splat(171)), 9)
  const value = i16x8.sub(b, i16x8.add(i16x8.mul(quotient, i16x8.splat(3)), i16x8.splat(1)))
  const low = i32x4.extend_low_i16x8_s(value)
  const high = i32x4.extend_high_i16x8_s(value)
  v128.store(dst, f64x2.convert_low_i32x4_s(low))
  v128.store(dst, f64x2.convert_low_i32x4_s(i64x2.shuffle(low, low, 1, 1)), 16)
  v128.store(dst, f64x2.convert_low_i32x4_s(high), 32)
  v128.store(dst, f64x2.convert_low_i32x4_s(i64x2.shuffle(high, high, 1, 1)), 48)
}

/**
 * See Kernels.sampleBinomial. With the bits 21..41 inverted, the difference of the two counts is one count less 21.
 */
export function sampleBinomial(dst: usize, n: i32, bytes: usize): void {
  const last = dst + ((<usize>(n - 1)) << 3)
  while (dst < last) {
    store<f64>(dst, binomial(load<u64>(bytes)))
    dst += 8
    bytes += 6
  }
  // The last six bytes are read as the upper part of eight, so as not to read past the end.
  store<f64>(dst, binomial(load<u64>(bytes - 2) >> 16))
}

function binomial(word: u64): f64 {
  return <f64>(<i32>popcnt((word & 0x3ffffffffff) ^ 0x3ffffe00000) - 21)
}
