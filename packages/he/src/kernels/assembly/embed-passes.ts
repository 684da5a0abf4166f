// The passes of the embedding from q = 4 upward: see embed.ts.

/**
 * One radix-4 pass from blocks of q to blocks of 4q, q even: with u1 = w^2 x1, u2 = w x2, u3 = w^3 x3,
 * y0, y2 = (x0 + u1) +- (u2 + u3) and y1, y3 = (x0 - u1) +- i (u2 - u3).
 * `flip` is xor-ed to the imaginary results: the last pass conjugates the odd slots.
 */
export function forward4(re: usize, im: usize, h: i32, q: i32, table: usize, flip: v128): void {
  const quarter = (<usize>q) << 3
  const end = re + ((<usize>h) << 3)
  const apart = im - re
  while (re < end) {
    let t = table
    for (const stop = re + quarter; re < stop; re += 16) {
      const r1 = re + quarter
      const r2 = r1 + quarter
      const r3 = r2 + quarter
      const i0 = re + apart
      const i1 = r1 + apart
      const i2 = r2 + apart
      const i3 = r3 + apart
      let xr = v128.load(r1)
      let xi = v128.load(i1)
      let wr = v128.load(t, 32)
      let wi = v128.load(t, 48)
      const u1r = f64x2.sub(f64x2.mul(xr, wr), f64x2.mul(xi, wi))
      const u1i = f64x2.add(f64x2.mul(xr, wi), f64x2.mul(xi, wr))
      xr = v128.load(r2)
      xi = v128.load(i2)
      wr = v128.load(t)
      wi = v128.load(t, 16)
      const u2r = f64x2.sub(f64x2.mul(xr, wr), f64x2.mul(xi, wi))
      const u2i = f64x2.add(f64x2.mul(xr, wi), f64x2.mul(xi, wr))
      xr = v128.load(r3)
      xi = v128.load(i3)
      wr = v128.load(t, 64)
      wi = v128.load(t, 80)
      const u3r = f64x2.sub(f64x2.mul(xr, wr), f64x2.mul(xi, wi))
      const u3i = f64x2.add(f64x2.mul(xr, wi), f64x2.mul(xi, wr))
      xr = v128.load(re)
      xi = v128.load(i0)
      const ar = f64x2.add(xr, u1r)
      const ai = f64x2.add(xi, u1i)
      const br = f64x2.sub(xr, u1r)
      const bi = f64x2.sub(xi, u1i)
      const cr = f64x2.add(u2r, u3r)
      const ci = f64x2.add(u2i, u3i)
      const dr = f64x2.sub(u2r, u3r)
      const di = f64x2.sub(u2i, u3i)
      v128.store(re, f64x2.add(ar, cr))
      v128.store(i0, v128.xor(f64x2.add(ai, ci), flip))
      v128.store(r1, f64x2.sub(br, di))
      v128.store(i1, v128.xor(f64x2.add(bi, dr), flip))
      v128.store(r2, f64x2.sub(ar, cr))
      v128.store(i2, v128.xor(f64x2.sub(ai, ci), flip))
      v128.store(r3, f64x2.add(br, di))
      v128.store(i3, v128.xor(f64x2.sub(bi, dr), flip))
      t += 96
    }
    re += quarter * 3
  }
}

/** The inverse of {@link forward4} times 4; `flip` is xor-ed to the imaginary inputs. */
export function inverse4(re: usize, im: usize, h: i32, q: i32, table: usize, flip: v128): void {
  const quarter = (<usize>q) << 3
  const end = re + ((<usize>h) << 3)
  const apart = im - re
  while (re < end) {
    let t = table
    for (const stop = re + quarter; re < stop; re += 16) {
      const r1 = re + quarter
      const r2 = r1 + quarter
      const r3 = r2 + quarter
      const i0 = re + apart
      const i1 = r1 + apart
      const i2 = r2 + apart
      const i3 = r3 + apart
      const y0r = v128.load(re)
      const y2r = v128.load(r2)
      const y0i = v128.xor(v128.load(i0), flip)
      const y2i = v128.xor(v128.load(i2), flip)
      const ar = f64x2.add(y0r, y2r)
      const ai = f64x2.add(y0i, y2i)
      const br = f64x2.sub(y0r, y2r)
      const bi = f64x2.sub(y0i, y2i)
      const y1r = v128.load(r1)
      const y3r = v128.load(r3)
      const y1i = v128.xor(v128.load(i1), flip)
      const y3i = v128.xor(v128.load(i3), flip)
      const cr = f64x2.add(y1r, y3r)
      const ci = f64x2.add(y1i, y3i)
      const dr = f64x2.sub(y1r, y3r)
      const di = f64x2.sub(y1i, y3i)
      v128.store(re, f64x2.add(ar, cr))
      v128.store(i0, f64x2.add(ai, ci))
      let ur = f64x2.sub(ar, cr)
      let ui = f64x2.sub(ai, ci)
      let wr = v128.load(t, 32)
      let wi = v128.load(t, 48)
      v128.store(r1, f64x2.add(f64x2.mul(ur, wr), f64x2.mul(ui, wi)))
      v128.store(i1, f64x2.sub(f64x2.mul(ui, wr), f64x2.mul(ur, wi)))
      ur = f64x2.add(br, di)
      ui = f64x2.sub(bi, dr)
      wr = v128.load(t)
      wi = v128.load(t, 16)
      v128.store(r2, f64x2.add(f64x2.mul(ur, wr), f64x2.mul(ui, wi)))
      v128.store(i2, f64x2.sub(f64x2.mul(ui, wr), f64x2.mul(ur, wi)))
      ur = f64x2.sub(br, di)
      ui = f64x2.add(bi, dr)
      wr = v128.load(t, 64)
      wi = v128.load(t, 80)
      v128.store(r3, f64x2.add(f64x2.mul(ur, wr), f64x2.mul(ui, wi)))
      v128.store(i3, f64x2.sub(f64x2.mul(ui, wr), f64x2.mul(ur, wi)))
      t += 96
    }
    re += quarter * 3
  }
}

/** The radix-2 pass from blocks of 4 to blocks of 8, where log2(h) is odd. */
export function forward2(re: usize, im: usize, h: i32, table: usize): void {
  const end = re + ((<usize>h) << 3)
  for (; re < end; re += 64, im += 64) {
    for (let j: usize = 0; j < 32; j += 16) {
      const wr = v128.load(table + j + j)
      const wi = v128.load(table + j + j, 16)
      const yr = v128.load(re + j, 32)
      const yi = v128.load(im + j, 32)
      const ur = f64x2.sub(f64x2.mul(yr, wr), f64x2.mul(yi, wi))
      const ui = f64x2.add(f64x2.mul(yr, wi), f64x2.mul(yi, wr))
      const xr = v128.load(re + j)
      const xi = v128.load(im + j)
      v128.store(re + j, f64x2.add(xr, ur))
      v128.store(im + j, f64x2.add(xi, ui))
      v128.store(re + j, f64x2.sub(xr, ur), 32)
      v128.store(im + j, f64x2.sub(xi, ui), 32)
    }
  }
}

/** The inverse of {@link forward2} times 2. */
export function inverse2(re: usize, im: usize, h: i32, table: usize): void {
  const end = re + ((<usize>h) << 3)
  for (; re < end; re += 64, im += 64) {
    for (let j: usize = 0; j < 32; j += 16) {
      const wr = v128.load(table + j + j)
      const wi = v128.load(table + j + j, 16)
      const xr = v128.load(re + j)
      const xi = v128.load(im + j)
      const yr = v128.load(re + j, 32)
      const yi = v128.load(im + j, 32)
      const ur = f64x2.sub(xr, yr)
      const ui = f64x2.sub(xi, yi)
      v128.store(re + j, f64x2.add(xr, yr))
      v128.store(im + j, f64x2.add(xi, yi))
      v128.store(re + j, f64x2.add(f64x2.mul(ur, wr), f64x2.mul(ui, wi)), 32)
      v128.store(im + j, f64x2.sub(f64x2.mul(ui, wr), f64x2.mul(ur, wi)), 32)
    }
  }
}
