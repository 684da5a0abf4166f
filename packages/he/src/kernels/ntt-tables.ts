// Twiddle factors for the NTT kernels, in the order in which the passes use them.
//
// With psi the smallest primitive 2n-th root of unity and root[k] = psi^bitrev(k) (bit reversal over log2 n bits), layer l of the forward
// transform has 2^l blocks and multiplies the upper half of block i by root[2^l + i]. A pass of two layers takes for each of its m blocks
//     root[m+i], root[2m+2i], root[2m+2i+1]
// and the last one, where log2 n is odd, of three layers
//     root[m+i], root[2m+2i], root[2m+2i+1], root[4m+4i], ..., root[4m+4i+3].
// That makes n - 1 canonical f64, and one 0 to fill up. The inverse transform runs the layers backwards with the inverse roots; within a block
// the order is that of use, inner layer first: three layers 4 + 2 + 1, two layers 2 + 1. Its last pass (m = 1) ends with
// root[1]^-1 / n and 1/n, so that the scaling costs no pass of its own.

/** 1.5 * 2^52: adding and subtracting it rounds |x| < 2^51 to the nearest integer. */
const ROUND = 6755399441055744
/** 2^27 + 1, Veltkamp's splitting constant. */
const SPLIT = 134217729

/**
 * a * b modulo p in (-p, p), near the balanced representative; |a|, |b| <= p < 2^50. Dekker's exact products (1971) stand in for the
 * fused multiply-add, which JavaScript lacks.
 */
function mulMod(a: number, b: number, p: number, pinv: number): number {
  const h = a * b
  let t = SPLIT * a
  const ah = t - (t - a)
  const al = a - ah
  t = SPLIT * b
  const bh = t - (t - b)
  const bl = b - bh
  const e = ah * bh - h + ah * bl + al * bh + al * bl
  const q = h * pinv + ROUND - ROUND
  const g = q * p
  t = SPLIT * q
  const qh = t - (t - q)
  const ql = q - qh
  t = SPLIT * p
  const ph = t - (t - p)
  const pl = p - ph
  const f = qh * ph - g + qh * pl + ql * ph + ql * pl
  return h - g + (e - f)
}

/** The balanced representative of |x| < 1.5 p. */
function canonical(x: number, p: number): number {
  return x > p / 2 ? x - p : x < -p / 2 ? x + p : x
}

function power(base: number, exponent: number, p: number, pinv: number): number {
  let result = 1
  let square = base
  for (let e = exponent; e >= 1; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result = mulMod(result, square, p, pinv)
    square = mulMod(square, square, p, pinv)
  }
  return canonical(result, p)
}

function checkPrime(n: number, p: number): void {
  if (!Number.isInteger(n) || n < 16 || n > 131072 || (n & (n - 1)) !== 0) {
    throw new RangeError(`"n" expected a power of two from 16 to 131072, got ${n}`)
  }
  if (!Number.isInteger(p) || p < 3 || p >= 2 ** 50 || (p - 1) % (2 * n) !== 0) {
    throw new RangeError(`"p" expected a prime below 2^50 that is 1 modulo ${2 * n}, got ${p}`)
  }
}

/**
 * The smallest (as an integer in [0, p)) primitive 2n-th root of unity modulo the prime p. The primitive roots are the odd powers of any one of them,
 * and -psi^k = psi^(k+n), so half of them and the smaller of each pair suffice.
 */
export function smallestRoot(n: number, p: number): number {
  checkPrime(n, p)
  const pinv = 1 / p
  for (let g = 2; g < 10_000; g++) {
    const root = power(g, (p - 1) / (2 * n), p, pinv)
    if (power(root, n, p, pinv) !== -1) continue
    const square = mulMod(root, root, p, pinv)
    let current = root
    let smallest = Math.abs(root)
    for (let i = 1; i < n / 2; i++) {
      current = canonical(mulMod(current, square, p, pinv), p)
      const size = Math.abs(current)
      if (size < smallest) smallest = size
    }
    return smallest
  }
  throw new RangeError(`"p" expected a prime, got ${p}`)
}

/** root[k] = psi^bitrev(k), canonical, 0 <= k < n: each layer is the layers before it times one power of psi. */
function rootsOf(n: number, p: number): Float64Array {
  const pinv = 1 / p
  const roots = new Float64Array(n)
  roots[0] = 1
  const psi = canonical(smallestRoot(n, p), p)
  for (let m = 1; m < n; m *= 2) {
    const step = power(psi, n / (2 * m), p, pinv)
    for (let i = 0; i < m; i++) roots[m + i] = canonical(mulMod(roots[i]!, step, p, pinv), p)
  }
  return roots
}

/** How many layers the pass at the unit-stride end takes: three where log2 n is odd, two where it is even. */
function endLayers(n: number): 2 | 3 {
  return Math.log2(n) % 2 === 1 ? 3 : 2
}

/** The table for `nttForward`: n f64, see the top of this file. */
export function forwardTable(n: number, p: number): Float64Array {
  return layForward(n, rootsOf(n, p))
}

/** The table for `nttInverse`: n + 2 f64, padded to a multiple of 16 bytes; see the top of this file. */
export function inverseTable(n: number, p: number): Float64Array {
  return layInverse(n, p, rootsOf(n, p))
}

/** Both tables, for the price of one. */
export function nttTables(n: number, p: number): { forward: Float64Array; inverse: Float64Array } {
  const roots = rootsOf(n, p)
  return { forward: layForward(n, roots), inverse: layInverse(n, p, roots) }
}

function layForward(n: number, roots: Float64Array): Float64Array {
  const table = new Float64Array(n)
  const end = n >> endLayers(n)
  let k = 0
  let m = 1
  for (; m < end; m *= 4) {
    for (let i = 0; i < m; i++) {
      table[k++] = roots[m + i]!
      table[k++] = roots[2 * (m + i)]!
      table[k++] = roots[2 * (m + i) + 1]!
    }
  }
  for (let i = 0; i < m; i++) {
    table[k++] = roots[m + i]!
    for (let j = 0; j < 2; j++) table[k++] = roots[2 * (m + i) + j]!
    if (endLayers(n) === 3) for (let j = 0; j < 4; j++) table[k++] = roots[4 * (m + i) + j]!
  }
  return table
}

function layInverse(n: number, p: number, roots: Float64Array): Float64Array {
  const table = new Float64Array(n + 2)
  // psi^-bitrev(m+i) = -psi^bitrev(m + (m-1-i)): the exponents of a layer add up to n in pairs, and psi^n = -1.
  const inverse = (m: number, i: number): number => -roots[2 * m - 1 - i]!
  let k = 0
  let m = n >> endLayers(n)
  for (let i = 0; i < m; i++) {
    if (endLayers(n) === 3) for (let j = 0; j < 4; j++) table[k++] = inverse(4 * m, 4 * i + j)
    for (let j = 0; j < 2; j++) table[k++] = inverse(2 * m, 2 * i + j)
    table[k++] = inverse(m, i)
  }
  for (m >>= 2; m >= 1; m >>= 2) {
    for (let i = 0; i < m; i++) {
      table[k++] = inverse(2 * m, 2 * i)
      table[k++] = inverse(2 * m, 2 * i + 1)
      table[k++] = inverse(m, i)
    }
  }
  // 1/n = -(p-1)/n, as (p-1) = -1.
  const scale = canonical(p - (p - 1) / n, p)
  table[k - 1] = canonical(mulMod(inverse(1, 0), scale, p, 1 / p), p)
  table[k] = scale
  return table
}
