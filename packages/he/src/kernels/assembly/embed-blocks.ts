// The first pass of the embedding (the last one of its inverse) with the bit reversal: see embed.ts.

// exp(i*pi/8), exp(i*pi/4) and exp(3i*pi/8): the twiddles w, w^2, w^3 of the pass from q = 1 to 4.
const cosEighth: f64 = 0.9238795325112867
const sinEighth: f64 = 0.3826834323650898
const rootHalf: f64 = Math.SQRT1_2

/**
 * Bit reversal and the pass from q = 1 to 4 in one. The bits of an index are (a, m, b) with two bits in a and in b;
 * reversal sends them to (b', m', a'). So the 16 values of one m are a 4 by 4 matrix, rows h/4 apart, that goes to m'
 * transposed, and the pass combines what it has along a.
 */
export function forwardBlocks(re: usize, im: usize, h: i32): void {
  const row = (<usize>h) << 1
  const blocks = h >> 4
  const shift = clz(blocks) + 1
  for (let m = 0; m < blocks; m++) {
    const partner = blocks === 1 ? 0 : <i32>(bitReverse(m) >>> shift)
    if (partner < m) continue
    const at = (<usize>m) << 5
    forwardBlock(re + at, im + at, row)
    if (partner === m) continue
    const other = (<usize>partner) << 5
    forwardBlock(re + other, im + other, row)
    swapBlocks(re + at, re + other, row)
    swapBlocks(im + at, im + other, row)
  }
}

/** The inverse of {@link forwardBlocks}, and the factor that the whole inverse transform lacks: 1/h. */
export function inverseBlocks(re: usize, im: usize, h: i32): void {
  const row = (<usize>h) << 1
  const blocks = h >> 4
  const shift = clz(blocks) + 1
  const scale = 1 / <f64>h
  for (let m = 0; m < blocks; m++) {
    const partner = blocks === 1 ? 0 : <i32>(bitReverse(m) >>> shift)
    if (partner < m) continue
    const at = (<usize>m) << 5
    inverseBlock(re + at, im + at, row, scale)
    if (partner === m) continue
    const other = (<usize>partner) << 5
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
    re,
    im,
    row << 1,
    v128.load(re),
    v128.load(im),
    v128.load(r2),
    v128.load(i2),
    v128.load(r1),
    v128.load(i1),
    v128.load(r3),
    v128.load(i3),
  )
  forwardColumns(r1, i1, row << 1, x0r, x0i, x1r, x1i, x2r, x2i, x3r, x3i)
}

/** Two columns of the pass, as {@link forward4} but with -i for i (embed-tables.ts: (-3)^1 = 1 + 12 modulo 16). */
function forwardColumns(
  re: usize,
  im: usize,
  far: usize,
  x0r: v128,
  x0i: v128,
  x1r: v128,
  x1i: v128,
  x2r: v128,
  x2i: v128,
  x3r: v128,
  x3i: v128,
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
    re,
    im,
    row,
    scale,
    v128.load(re),
    v128.load(im),
    v128.load(re, 16),
    v128.load(im, 16),
    v128.load(r2),
    v128.load(i2),
    v128.load(r2, 16),
    v128.load(i2, 16),
  )
  inverseColumns(re + 16, im + 16, row, scale, ar, ai, br, bi, cr, ci, dr, di)
}

/** Two rows (a, b and c, d, two values each) become two columns: the inverse of {@link forwardColumns}. */
function inverseColumns(
  re: usize,
  im: usize,
  row: usize,
  scale: f64,
  ar: v128,
  ai: v128,
  br: v128,
  bi: v128,
  cr: v128,
  ci: v128,
  dr: v128,
  di: v128,
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
