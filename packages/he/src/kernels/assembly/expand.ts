// Uniform residues from the ChaCha20 key stream, four blocks at a time: word i of four consecutive blocks lies in the
// four lanes of x_i. The stream stays in registers: scratch memory would be shared by all workers on one memory.

/** 2^52 as bits: or-ed under an integer below 2^52, it makes the double 2^52 + integer. */
const exponent52: u64 = 0x4330000000000000
const two52: f64 = 4503599627370496.0

/** RFC 8439, sections 2.1 to 2.4; the exact reading of the stream is stated at Kernels.expandUniform. */
export function expandUniform(dst: usize, n: i32, p: f64, seed: usize, domain: u32, index: u32): void {
  const end = dst + ((<usize>n) << 3)
  const bits = 64 - clz(<u64>p)
  const mask = i64x2.splat(((<i64>1) << bits) - 1)
  const prime = f64x2.splat(p)
  const half = f64x2.splat((p - 1) * 0.5)
  let counter = i32x4(0, 1, 2, 3)
  while (dst < end) {
    let x0 = i32x4.splat(0x61707865)
    let x1 = i32x4.splat(0x3320646e)
    let x2 = i32x4.splat(0x79622d32)
    let x3 = i32x4.splat(0x6b206574)
    let x4 = v128.load32_splat(seed, 0)
    let x5 = v128.load32_splat(seed, 4)
    let x6 = v128.load32_splat(seed, 8)
    let x7 = v128.load32_splat(seed, 12)
    let x8 = v128.load32_splat(seed, 16)
    let x9 = v128.load32_splat(seed, 20)
    let x10 = v128.load32_splat(seed, 24)
    let x11 = v128.load32_splat(seed, 28)
    let x12 = counter
    let x13 = i32x4.splat(domain)
    let x14 = i32x4.splat(index)
    let x15 = i32x4.splat(0)
    for (let round = 0; round < 10; round++) {
      x0 = i32x4.add(x0, x4)
      x1 = i32x4.add(x1, x5)
      x2 = i32x4.add(x2, x6)
      x3 = i32x4.add(x3, x7)
      x12 = rotate16(v128.xor(x12, x0))
      x13 = rotate16(v128.xor(x13, x1))
      x14 = rotate16(v128.xor(x14, x2))
      x15 = rotate16(v128.xor(x15, x3))
      x8 = i32x4.add(x8, x12)
      x9 = i32x4.add(x9, x13)
      x10 = i32x4.add(x10, x14)
      x11 = i32x4.add(x11, x15)
      x4 = rotate12(v128.xor(x4, x8))
      x5 = rotate12(v128.xor(x5, x9))
      x6 = rotate12(v128.xor(x6, x10))
      x7 = rotate12(v128.xor(x7, x11))
      x0 = i32x4.add(x0, x4)
      x1 = i32x4.add(x1, x5)
      x2 = i32x4.add(x2, x6)
      x3 = i32x4.add(x3, x7)
      x12 = rotate8(v128.xor(x12, x0))
      x13 = rotate8(v128.xor(x13, x1))
      x14 = rotate8(v128.xor(x14, x2))
      x15 = rotate8(v128.xor(x15, x3))
      x8 = i32x4.add(x8, x12)
      x9 = i32x4.add(x9, x13)
      x10 = i32x4.add(x10, x14)
      x11 = i32x4.add(x11, x15)
      x4 = rotate7(v128.xor(x4, x8))
      x5 = rotate7(v128.xor(x5, x9))
      x6 = rotate7(v128.xor(x6, x10))
      x7 = rotate7(v128.xor(x7, x11))
      x0 = i32x4.add(x0, x5)
      x1 = i32x4.add(x1, x6)
      x2 = i32x4.add(x2, x7)
      x3 = i32x4.add(x3, x4)
      x15 = rotate16(v128.xor(x15, x0))
      x12 = rotate16(v128.xor(x12, x1))
      x13 = rotate16(v128.xor(x13, x2))
      x14 = rotate16(v128.xor(x14, x3))
      x10 = i32x4.add(x10, x15)
      x11 = i32x4.add(x11, x12)
      x8 = i32x4.add(x8, x13)
      x9 = i32x4.add(x9, x14)
      x5 = rotate12(v128.xor(x5, x10))
      x6 = rotate12(v128.xor(x6, x11))
      x7 = rotate12(v128.xor(x7, x8))
      x4 = rotate12(v128.xor(x4, x9))
      x0 = i32x4.add(x0, x5)
      x1 = i32x4.add(x1, x6)
      x2 = i32x4.add(x2, x7)
      x3 = i32x4.add(x3, x4)
      x15 = rotate8(v128.xor(x15, x0))
      x12 = rotate8(v128.xor(x12, x1))
      x13 = rotate8(v128.xor(x13, x2))
      x14 = rotate8(v128.xor(x14, x3))
      x10 = i32x4.add(x10, x15)
      x11 = i32x4.add(x11, x12)
      x8 = i32x4.add(x8, x13)
      x9 = i32x4.add(x9, x14)
      x5 = rotate7(v128.xor(x5, x10))
      x6 = rotate7(v128.xor(x6, x11))
      x7 = rotate7(v128.xor(x7, x8))
      x4 = rotate7(v128.xor(x4, x9))
    }
    x0 = i32x4.add(x0, i32x4.splat(0x61707865))
    x1 = i32x4.add(x1, i32x4.splat(0x3320646e))
    x2 = i32x4.add(x2, i32x4.splat(0x79622d32))
    x3 = i32x4.add(x3, i32x4.splat(0x6b206574))
    x4 = i32x4.add(x4, v128.load32_splat(seed, 0))
    x5 = i32x4.add(x5, v128.load32_splat(seed, 4))
    x6 = i32x4.add(x6, v128.load32_splat(seed, 8))
    x7 = i32x4.add(x7, v128.load32_splat(seed, 12))
    x8 = i32x4.add(x8, v128.load32_splat(seed, 16))
    x9 = i32x4.add(x9, v128.load32_splat(seed, 20))
    x10 = i32x4.add(x10, v128.load32_splat(seed, 24))
    x11 = i32x4.add(x11, v128.load32_splat(seed, 28))
    x12 = i32x4.add(x12, counter)
    x13 = i32x4.add(x13, i32x4.splat(domain))
    x14 = i32x4.add(x14, i32x4.splat(index))
    counter = i32x4.add(counter, i32x4.splat(4))

    // Words of one block side by side: the first two rows hold the u64 pairs of blocks 0 and 1, then those of 2 and 3.
    const a0 = i32x4.shuffle(x0, x1, 0, 4, 1, 5)
    const a1 = i32x4.shuffle(x2, x3, 0, 4, 1, 5)
    const a2 = i32x4.shuffle(x4, x5, 0, 4, 1, 5)
    const a3 = i32x4.shuffle(x6, x7, 0, 4, 1, 5)
    const a4 = i32x4.shuffle(x8, x9, 0, 4, 1, 5)
    const a5 = i32x4.shuffle(x10, x11, 0, 4, 1, 5)
    const a6 = i32x4.shuffle(x12, x13, 0, 4, 1, 5)
    const a7 = i32x4.shuffle(x14, x15, 0, 4, 1, 5)
    const b0 = i32x4.shuffle(x0, x1, 2, 6, 3, 7)
    const b1 = i32x4.shuffle(x2, x3, 2, 6, 3, 7)
    const b2 = i32x4.shuffle(x4, x5, 2, 6, 3, 7)
    const b3 = i32x4.shuffle(x6, x7, 2, 6, 3, 7)
    const b4 = i32x4.shuffle(x8, x9, 2, 6, 3, 7)
    const b5 = i32x4.shuffle(x10, x11, 2, 6, 3, 7)
    const b6 = i32x4.shuffle(x12, x13, 2, 6, 3, 7)
    const b7 = i32x4.shuffle(x14, x15, 2, 6, 3, 7)
    dst = accept(dst, end, lowHalves(a0, a1), mask, prime, half)
    dst = accept(dst, end, lowHalves(a2, a3), mask, prime, half)
    dst = accept(dst, end, lowHalves(a4, a5), mask, prime, half)
    dst = accept(dst, end, lowHalves(a6, a7), mask, prime, half)
    dst = accept(dst, end, highHalves(a0, a1), mask, prime, half)
    dst = accept(dst, end, highHalves(a2, a3), mask, prime, half)
    dst = accept(dst, end, highHalves(a4, a5), mask, prime, half)
    dst = accept(dst, end, highHalves(a6, a7), mask, prime, half)
    dst = accept(dst, end, lowHalves(b0, b1), mask, prime, half)
    dst = accept(dst, end, lowHalves(b2, b3), mask, prime, half)
    dst = accept(dst, end, lowHalves(b4, b5), mask, prime, half)
    dst = accept(dst, end, lowHalves(b6, b7), mask, prime, half)
    dst = accept(dst, end, highHalves(b0, b1), mask, prime, half)
    dst = accept(dst, end, highHalves(b2, b3), mask, prime, half)
    dst = accept(dst, end, highHalves(b4, b5), mask, prime, half)
    dst = accept(dst, end, highHalves(b6, b7), mask, prime, half)
  }
}

/** Writes those of two candidates that are below p, balanced; returns where the next one goes. */
function accept(dst: usize, end: usize, words: v128, mask: v128, prime: v128, half: v128): usize {
  const x = f64x2.sub(v128.or(v128.and(words, mask), i64x2.splat(exponent52)), f64x2.splat(two52))
  const balanced = f64x2.sub(x, v128.and(prime, f64x2.gt(x, half)))
  const accepted = i64x2.bitmask(f64x2.lt(x, prime))
  if (dst < end) v128.store64_lane(dst, balanced, 0)
  dst += (accepted & 1) << 3
  if (dst < end) v128.store64_lane(dst, balanced, 1)
  return dst + ((accepted >> 1) << 3)
}

function lowHalves(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 0, 2)
}

function highHalves(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 1, 3)
}

function rotate16(x: v128): v128 {
  return i16x8.shuffle(x, x, 1, 0, 3, 2, 5, 4, 7, 6)
}

function rotate12(x: v128): v128 {
  return v128.or(i32x4.shl(x, 12), i32x4.shr_u(x, 20))
}

function rotate8(x: v128): v128 {
  return v128.or(i32x4.shl(x, 8), i32x4.shr_u(x, 24))
}

function rotate7(x: v128): v128 {
  return v128.or(i32x4.shl(x, 7), i32x4.shr_u(x, 25))
}
