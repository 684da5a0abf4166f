// The table of the NTT kernels: n f64, the same for both directions.
//
// With psi the smallest primitive 2n-th root of unity modulo p and bit reversal over log2 n bits, entry k is psi^bitrev(k), canonical, for
// 1 <= k < n. The layer with m blocks multiplies the upper half of block i by entry m + i, so the transform reads the table from
// front to end. The inverse roots are the same numbers: psi^-bitrev(m+i) = -psi^bitrev(m+(m-1-i)), as the exponents of a layer add up to n in
// pairs and psi^n = -1; the inverse transform reads from end to front. Entry 0, which no layer needs, holds 1/n.

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

/** The table for `nttForward` and `nttInverse`, see the top of this file. */
export function nttTable(n: number, p: number): Float64Array {
  const pinv = 1 / p
  const table = new Float64Array(n)
  const psi = canonical(smallestRoot(n, p), p)
  table[0] = 1
  // Each layer is the layers before it times one power of psi.
  for (let m = 1; m < n; m *= 2) {
    const step = power(psi, n / (2 * m), p, pinv)
    for (let i = 0; i < m; i++) table[m + i] = canonical(mulMod(table[i]!, step, p, pinv), p)
  }
  // 1/n = -(p-1)/n, as p - 1 = -1.
  table[0] = canonical(p - (p - 1) / n, p)
  return table
}
