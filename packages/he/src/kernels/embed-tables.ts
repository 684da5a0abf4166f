/**
 * Tables of the canonical embedding at ring degree n (embedForward, embedInverse).
 *
 * With h = n/2 the polynomial c of the h complex coefficients m_k + i*m_{k+h} is evaluated at zeta^(g^j), j < h, where
 * g = -3: since zeta^h = i, that is m(zeta^(3^j)) for even j and its conjugate for odd j. The powers of -3 modulo 2n
 * are the residues 1 modulo 4, and modulo n there are half as many, so that even and odd coefficients split
 * recursively, as they do for the generator 5 in common use: c(x) = even(x^2) + x*odd(x^2), and x^2 takes every value
 * twice. From blocks of length q, a radix-4 pass makes blocks of length 4q with the twiddles w_j, w_j^2 and w_j^3,
 * w_j = exp(2*pi*i * g^j / (16q)), j < q; since g^(q+j) = g^j * (1 + 4q) modulo 16q for even q, w_(q+j) = i*w_j.
 *
 * Layout for h >= 16, n - 8 numbers in this order:
 * - If log2(h) is odd, the radix-2 pass from q = 4 to 8: for j = 0, 2 the numbers [re_j, re_j+1, im_j, im_j+1] of
 *   exp(2*pi*i * g^j / 32).
 * - For every radix-4 pass, q ascending to h/4 (from q = 4 where log2(h) is even, else from q = 8): for even j < q the
 *   real and imaginary parts of w, w^2, w^3, each as a pair for j and j+1: 12 numbers.
 * The pass from q = 1 to 4 has constant twiddles, which the kernels hold themselves.
 *
 * Layout for h = 8, 14 numbers: the pairs (re, im) of exp(2*pi*i * g^j / (8q)) for q = 1, 2, 4 and j < q.
 */
export function embeddingTable(n: number): Float64Array {
  if (!Number.isInteger(Math.log2(n)) || n < 16) throw new RangeError(`"n" expected a power of two from 16, got ${n}`)
  const h = n / 2
  const table: number[] = []
  if (h === 8) {
    for (let q = 1; q < h; q *= 2) for (let j = 0; j < q; j++) table.push(...unitRoot(generatorPower(j, 8 * q), 8 * q))
    return Float64Array.from(table)
  }
  let q = 4
  if (Math.log2(h) % 2 === 1) {
    for (let j = 0; j < q; j += 2) pushPair(table, j, 1, 8 * q)
    q = 8
  }
  for (; q < h; q *= 4) {
    for (let j = 0; j < q; j += 2) for (let power = 1; power <= 3; power++) pushPair(table, j, power, 16 * q)
  }
  return Float64Array.from(table)
}

/** Appends [re_j, re_j+1, im_j, im_j+1] of exp(2*pi*i * power * (-3)^j / order). */
function pushPair(table: number[], j: number, power: number, order: number): void {
  const [re0, im0] = unitRoot((power * generatorPower(j, order)) % order, order)
  const [re1, im1] = unitRoot((power * generatorPower(j + 1, order)) % order, order)
  table.push(re0, re1, im0, im1)
}

/** (-3)^j mod order for a power of two `order` up to 2^18 (so that products stay below 2^53). */
export function generatorPower(j: number, order: number): number {
  let result = 1
  let square = order - 3
  for (let e = j; e > 0; e >>>= 1) {
    if (e & 1) result = (result * square) % order
    square = (square * square) % order
  }
  return result % order
}

/**
 * exp(2*pi*i * e / order) for 0 <= e < order, order a power of two from 8, both parts within a unit in the last place:
 * the angle is reduced, exactly, to the first octant before Math.cos and Math.sin see it.
 */
export function unitRoot(e: number, order: number): [re: number, im: number] {
  const eighth = order / 8
  const octant = Math.floor(e / eighth)
  const within = e - octant * eighth
  const angle = (2 * Math.PI * (octant % 2 === 0 ? within : eighth - within)) / order
  const c = Math.cos(angle)
  const s = Math.sin(angle)
  switch (octant) {
    case 0:
      return [c, s]
    case 1:
      return [s, c]
    case 2:
      return [-s, c]
    case 3:
      return [-c, s]
    case 4:
      return [-c, -s]
    case 5:
      return [-s, -c]
    case 6:
      return [s, -c]
    default:
      return [c, -s]
  }
}
