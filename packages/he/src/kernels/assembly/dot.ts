// Sums of products with the late reduction of fma.ts.
import { batchOf, bitsOf, madd, pin, productError, settle } from './fma'

export function dotPair(
  dst0: usize, dst1: usize, d: usize, dStride: usize, k0: usize, k1: usize, kStride: usize, count: i32,
  n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = batchOf(bits, 64)
  const zero = f64x2.splat(0)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += 32) {
    let l00 = zero
    let l01 = zero
    let l10 = zero
    let l11 = zero
    let x = d + i
    let y = k0 + i
    let z = k1 + i
    for (let left = count; left > 0; ) {
      let h00 = c
      let h01 = c
      let h10 = c
      let h11 = c
      for (let j = min(left, batch); j > 0; j--) {
        const a0 = v128.load(x)
        const a1 = v128.load(x, 16)
        const b00 = v128.load(y)
        const b01 = v128.load(y, 16)
        const b10 = v128.load(z)
        const b11 = v128.load(z, 16)
        const g00 = madd(a0, b00, h00)
        const g01 = madd(a1, b01, h01)
        const g10 = madd(a0, b10, h10)
        const g11 = madd(a1, b11, h11)
        l00 = f64x2.sub(l00, productError(a0, b00, f64x2.sub(g00, h00)))
        l01 = f64x2.sub(l01, productError(a1, b01, f64x2.sub(g01, h01)))
        l10 = f64x2.sub(l10, productError(a0, b10, f64x2.sub(g10, h10)))
        l11 = f64x2.sub(l11, productError(a1, b11, f64x2.sub(g11, h11)))
        h00 = g00
        h01 = g01
        h10 = g10
        h11 = g11
        x += dStride
        y += kStride
        z += kStride
      }
      l00 = settle(h00, l00, c, P, I)
      l01 = settle(h01, l01, c, P, I)
      l10 = settle(h10, l10, c, P, I)
      l11 = settle(h11, l11, c, P, I)
      left -= batch
    }
    v128.store(dst0 + i, l00)
    v128.store(dst0 + i, l01, 16)
    v128.store(dst1 + i, l10)
    v128.store(dst1 + i, l11, 16)
  }
}

export function dotPlain(
  dst0: usize, dst1: usize, pointers: usize, count: i32, n: i32, p: f64, pinv: f64,
): void {
  const P = f64x2.splat(p)
  const I = f64x2.splat(pinv)
  const bits = bitsOf(p)
  const c = f64x2.splat(pin(bits))
  const batch = batchOf(bits, 256)
  const zero = f64x2.splat(0)
  const bytes = <usize>n << 3
  for (let i: usize = 0; i < bytes; i += 32) {
    let l00 = zero
    let l01 = zero
    let l10 = zero
    let l11 = zero
    let t = pointers
    for (let left = count; left > 0; ) {
      let h00 = c
      let h01 = c
      let h10 = c
      let h11 = c
      for (let j = min(left, batch); j > 0; j--) {
        const y = <usize>load<u32>(t) + i
        const z = <usize>load<u32>(t, 4) + i
        const x = <usize>load<u32>(t, 8) + i
        t += 12
        const a0 = v128.load(x)
        const a1 = v128.load(x, 16)
        const b00 = v128.load(y)
        const b01 = v128.load(y, 16)
        const b10 = v128.load(z)
        const b11 = v128.load(z, 16)
        const g00 = madd(a0, b00, h00)
        const g01 = madd(a1, b01, h01)
        const g10 = madd(a0, b10, h10)
        const g11 = madd(a1, b11, h11)
        l00 = f64x2.sub(l00, productError(a0, b00, f64x2.sub(g00, h00)))
        l01 = f64x2.sub(l01, productError(a1, b01, f64x2.sub(g01, h01)))
        l10 = f64x2.sub(l10, productError(a0, b10, f64x2.sub(g10, h10)))
        l11 = f64x2.sub(l11, productError(a1, b11, f64x2.sub(g11, h11)))
        h00 = g00
        h01 = g01
        h10 = g10
        h11 = g11
      }
      l00 = settle(h00, l00, c, P, I)
      l01 = settle(h01, l01, c, P, I)
      l10 = settle(h10, l10, c, P, I)
      l11 = settle(h11, l11, c, P, I)
      left -= batch
    }
    v128.store(dst0 + i, l00)
    v128.store(dst0 + i, l01, 16)
    v128.store(dst1 + i, l10)
    v128.store(dst1 + i, l11, 16)
  }
}
