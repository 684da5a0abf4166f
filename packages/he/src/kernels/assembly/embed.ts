// The canonical embedding as a special Fourier transform of h = n/2 complex values (eprint 2016/421, section 3.2): radix 4, real
// and imaginary parts apart, two columns per vector. embed-tables.ts explains the recursion and the twiddles. Only plain
// multiplications and additions: both modules give the same bits.

// exp(i*pi/8), exp(i*pi/4) and exp(3i*pi/8): the twiddles w, w^2, w^3 of the pass from q = 1 to 4.
const cosEighth: f64 = 0.9238795325112867
const sinEighth: f64 = 0.3826834323650898
const rootHalf: f64 = 0.7071067811865476

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

/**
 * One radix-4 pass from blocks of q to blocks of 4q, q even: with u1 = w^2 x1, u2 = w x2, u3 = w^3 x3,
 * y0, y2 = (x0 + u1) +- (u2 + u3) and y1, y3 = (x0 - u1) +- i (u2 - u3).
 * `flip` is xor-ed to the imaginary results: the last pass conjugates the odd slots.
 */
function forward4(re: usize, im: usize, h: i32, q: i32, table: usize, flip: v128): void {
  const quarter = <usize>q << 3
  const end = re + (<usize>h << 3)
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
function inverse4(re: usize, im: usize, h: i32, q: i32, table: usize, flip: v128): void {
  const quarter = <usize>q << 3
  const end = re + (<usize>h << 3)
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
function forward2(re: usize, im: usize, h: i32, table: usize): void {
  const end = re + (<usize>h << 3)
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
function inverse2(re: usize, im: usize, h: i32, table: usize): void {
  const end = re + (<usize>h << 3)
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

/**
 * Bit reversal and the pass from q = 1 to 4 in one. The bits of an index are (a, m, b) with two bits in a and in b; reversal sends
 * them to (b', m', a'). So the 16 values of one m are a 4 by 4 matrix, rows h/4 apart, that goes to m' transposed, and the pass
 * combines what it has along a.
 */
function forwardBlocks(re: usize, im: usize, h: i32): void {
  const row = <usize>h << 1
  const blocks = h >> 4
  const shift = clz(blocks) + 1
  for (let m = 0; m < blocks; m++) {
    const partner = blocks === 1 ? 0 : <i32>(bitReverse(m) >>> shift)
    if (partner < m) continue
    const at = <usize>m << 5
    forwardBlock(re + at, im + at, row)
    if (partner === m) continue
    const other = <usize>partner << 5
    forwardBlock(re + other, im + other, row)
    swapBlocks(re + at, re + other, row)
    swapBlocks(im + at, im + other, row)
  }
}

/** The inverse of {@link forwardBlocks}, and the factor that the whole inverse transform lacks: 1/h. */
function inverseBlocks(re: usize, im: usize, h: i32): void {
  const row = <usize>h << 1
  const blocks = h >> 4
  const shift = clz(blocks) + 1
  const scale = 1 / <f64>h
  for (let m = 0; m < blocks; m++) {
    const partner = blocks === 1 ? 0 : <i32>(bitReverse(m) >>> shift)
    if (partner < m) continue
    const at = <usize>m << 5
    inverseBlock(re + at, im + at, row, scale)
    if (partner === m) continue
    const other = <usize>partner << 5
    inverseBlock(re + other, im + other, row, scale)
    swapBlocks(re + at, re + other, row)
    swapBlocks(im + at, im + other, row)
  }
}

function bitReverse(x: u32): u32 {
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1)
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2)
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4)
  return bswap(x)
}

function swapBlocks(a: usize, b: usize, row: usize): void {
  for (const end = a + (row << 2); a < end; a += row, b += row) {
    const low = v128.load(a)
    const high = v128.load(a, 16)
    v128.store(a, v128.load(b))
    v128.store(a, v128.load(b, 16), 16)
    v128.store(b, low)
    v128.store(b, high, 16)
  }
}

function forwardBlock(re: usize, im: usize, row: usize): void {
  const r1 = re + row
  const r2 = r1 + row
  const r3 = r2 + row
  const i1 = im + row
  const i2 = i1 + row
  const i3 = i2 + row
  // Columns 2 and 3 are read before the results of columns 0 and 1 overwrite rows 0 and 2.
  const x0r = v128.load(re, 16)
  const x0i = v128.load(im, 16)
  const x1r = v128.load(r2, 16)
  const x1i = v128.load(i2, 16)
  const x2r = v128.load(r1, 16)
  const x2i = v128.load(i1, 16)
  const x3r = v128.load(r3, 16)
  const x3i = v128.load(i3, 16)
  forwardColumns(
    re, im, row << 1, v128.load(re), v128.load(im), v128.load(r2), v128.load(i2), v128.load(r1), v128.load(i1),
    v128.load(r3), v128.load(i3),
  )
  forwardColumns(r1, i1, row << 1, x0r, x0i, x1r, x1i, x2r, x2i, x3r, x3i)
}

/** Two columns of the pass, as {@link forward4} but with -i for i (embed-tables.ts: (-3)^1 = 1 + 12 modulo 16). */
function forwardColumns(
  re: usize, im: usize, far: usize, x0r: v128, x0i: v128, x1r: v128, x1i: v128, x2r: v128, x2i: v128, x3r: v128, x3i: v128,
): void {
  const root = f64x2.splat(rootHalf)
  const u1r = f64x2.mul(f64x2.sub(x1r, x1i), root)
  const u1i = f64x2.mul(f64x2.add(x1r, x1i), root)
  const c = f64x2.splat(cosEighth)
  const s = f64x2.splat(sinEighth)
  const u2r = f64x2.sub(f64x2.mul(x2r, c), f64x2.mul(x2i, s))
  const u2i = f64x2.add(f64x2.mul(x2r, s), f64x2.mul(x2i, c))
  const u3r = f64x2.sub(f64x2.mul(x3r, s), f64x2.mul(x3i, c))
  const u3i = f64x2.add(f64x2.mul(x3r, c), f64x2.mul(x3i, s))
  const ar = f64x2.add(x0r, u1r)
  const ai = f64x2.add(x0i, u1i)
  const br = f64x2.sub(x0r, u1r)
  const bi = f64x2.sub(x0i, u1i)
  const cr = f64x2.add(u2r, u3r)
  const ci = f64x2.add(u2i, u3i)
  const dr = f64x2.sub(u2r, u3r)
  const di = f64x2.sub(u2i, u3i)
  storeColumns(re, far, f64x2.add(ar, cr), f64x2.add(br, di), f64x2.sub(ar, cr), f64x2.sub(br, di))
  storeColumns(im, far, f64x2.add(ai, ci), f64x2.sub(bi, dr), f64x2.sub(ai, ci), f64x2.add(bi, dr))
}

/** Two columns become the row at `at` and the one `far` behind it. */
function storeColumns(at: usize, far: usize, y0: v128, y1: v128, y2: v128, y3: v128): void {
  v128.store(at, i64x2.shuffle(y0, y1, 0, 2))
  v128.store(at, i64x2.shuffle(y2, y3, 0, 2), 16)
  v128.store(at + far, i64x2.shuffle(y0, y1, 1, 3))
  v128.store(at + far, i64x2.shuffle(y2, y3, 1, 3), 16)
}

function inverseBlock(re: usize, im: usize, row: usize, scale: f64): void {
  const r1 = re + row
  const r2 = r1 + row
  const r3 = r2 + row
  const i1 = im + row
  const i2 = i1 + row
  const i3 = i2 + row
  // Rows 1 and 3 are read before the results of rows 0 and 2 overwrite columns 0 and 1.
  const ar = v128.load(r1)
  const ai = v128.load(i1)
  const br = v128.load(r1, 16)
  const bi = v128.load(i1, 16)
  const cr = v128.load(r3)
  const ci = v128.load(i3)
  const dr = v128.load(r3, 16)
  const di = v128.load(i3, 16)
  inverseColumns(
    re, im, row, scale, v128.load(re), v128.load(im), v128.load(re, 16), v128.load(im, 16), v128.load(r2), v128.load(i2),
    v128.load(r2, 16), v128.load(i2, 16),
  )
  inverseColumns(re + 16, im + 16, row, scale, ar, ai, br, bi, cr, ci, dr, di)
}

/** Two rows (a, b and c, d, two values each) become two columns: the inverse of {@link forwardColumns}. */
function inverseColumns(
  re: usize, im: usize, row: usize, scale: f64, ar: v128, ai: v128, br: v128, bi: v128, cr: v128, ci: v128, dr: v128, di: v128,
): void {
  const y0r = i64x2.shuffle(ar, cr, 0, 2)
  const y0i = i64x2.shuffle(ai, ci, 0, 2)
  const y1r = i64x2.shuffle(ar, cr, 1, 3)
  const y1i = i64x2.shuffle(ai, ci, 1, 3)
  const y2r = i64x2.shuffle(br, dr, 0, 2)
  const y2i = i64x2.shuffle(bi, di, 0, 2)
  const y3r = i64x2.shuffle(br, dr, 1, 3)
  const y3i = i64x2.shuffle(bi, di, 1, 3)
  const pr = f64x2.add(y0r, y2r)
  const pi = f64x2.add(y0i, y2i)
  const qr = f64x2.sub(y0r, y2r)
  const qi = f64x2.sub(y0i, y2i)
  const sr = f64x2.add(y1r, y3r)
  const si = f64x2.add(y1i, y3i)
  const tr = f64x2.sub(y1r, y3r)
  const ti = f64x2.sub(y1i, y3i)
  const one = f64x2.splat(scale)
  v128.store(re, f64x2.mul(f64x2.add(pr, sr), one))
  v128.store(im, f64x2.mul(f64x2.add(pi, si), one))
  re += row
  im += row
  const c = f64x2.splat(cosEighth * scale)
  const s = f64x2.splat(sinEighth * scale)
  let ur = f64x2.sub(qr, ti)
  let ui = f64x2.add(qi, tr)
  v128.store(re, f64x2.add(f64x2.mul(ur, c), f64x2.mul(ui, s)))
  v128.store(im, f64x2.sub(f64x2.mul(ui, c), f64x2.mul(ur, s)))
  re += row
  im += row
  const root = f64x2.splat(rootHalf * scale)
  ur = f64x2.sub(pr, sr)
  ui = f64x2.sub(pi, si)
  v128.store(re, f64x2.mul(f64x2.add(ur, ui), root))
  v128.store(im, f64x2.mul(f64x2.sub(ui, ur), root))
  re += row
  im += row
  ur = f64x2.add(qr, ti)
  ui = f64x2.sub(qi, tr)
  v128.store(re, f64x2.add(f64x2.mul(ur, s), f64x2.mul(ui, c)))
  v128.store(im, f64x2.sub(f64x2.mul(ui, s), f64x2.mul(ur, c)))
}

/** h = 8, too small for the blocks above: radix 2, one value at a time. */
function forward8(re: usize, im: usize, table: usize): void {
  reverse8(re)
  reverse8(im)
  for (let q = 1; q < 8; q <<= 1) {
    for (let k = 0; k < 8; k++) {
      if ((k & q) !== 0) continue
      const t = table + (<usize>(q - 1 + (k & (q - 1))) << 4)
      const x = <usize>k << 3
      const y = <usize>(k + q) << 3
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
      const t = table + (<usize>(q - 1 + (k & (q - 1))) << 4)
      const x = <usize>k << 3
      const y = <usize>(k + q) << 3
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
  for (const end = src + (<usize>n << 3); src < end; src += 16, dst += 16) {
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
  for (const end = a + (<usize>n << 3); a < end; a += 16, b += 16, dst += 16) {
    v128.store(dst, f64x2.add(f64x2.mul(v128.load(a), first), f64x2.mul(v128.load(b), second)))
  }
}
