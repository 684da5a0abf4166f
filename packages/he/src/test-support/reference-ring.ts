import { centred, invMod, mod, powMod } from '../base/numbers.ts'

// Z[X]/(X^n + 1) on bigint, from the definitions: quadratic time, no fast transform, no floating point below the slots.

/** Coefficients, lowest first. */
export type Poly = readonly bigint[]

export function addPoly(a: Poly, b: Poly): Poly {
  return a.map((x, i) => x + b[i]!)
}

export function subtractPoly(a: Poly, b: Poly): Poly {
  return a.map((x, i) => x - b[i]!)
}

/** The negacyclic product by the school method. */
export function multiplyPoly(a: Poly, b: Poly): Poly {
  const n = a.length
  const out: bigint[] = new Array(n).fill(0n)
  for (let j = 0; j < n; j++) {
    const y = b[j]!
    if (y === 0n) continue
    for (let i = 0; i < n - j; i++) out[i + j]! += a[i]! * y
    for (let i = n - j; i < n; i++) out[i + j - n]! -= a[i]! * y
  }
  return out
}

export function scalePoly(a: Poly, factor: bigint): Poly {
  return a.map((x) => x * factor)
}

/** Every coefficient modulo m, balanced. */
export function centredPoly(a: Poly, m: bigint): Poly {
  return a.map((x) => centred(x, m))
}

/** f(X^g). */
export function automorphismPoly(f: Poly, g: number): Poly {
  const n = f.length
  const out: bigint[] = new Array(n).fill(0n)
  f.forEach((c, k) => {
    const power = (k * g) % (2 * n)
    if (power < n) out[power]! += c
    else out[power - n]! -= c
  })
  return out
}

export function largest(a: Poly): number {
  return a.reduce((most, x) => Math.max(most, Math.abs(Number(x))), 0)
}

/** Standard deviation of coefficients that are meant to be centred at 0. */
export function deviation(a: Poly): number {
  return Math.sqrt(a.reduce((sum, x) => sum + Number(x) ** 2, 0) / a.length)
}

export function productOf(primes: readonly number[]): bigint {
  return primes.reduce((product, p) => product * BigInt(p), 1n)
}

/** The polynomial with these residues, balanced modulo the product: Chinese remainders coefficient by coefficient. */
export function fromResidues(limbs: readonly Poly[], primes: readonly number[]): Poly {
  const Q = productOf(primes)
  const basis = primes.map((p) => {
    const rest = Q / BigInt(p)
    return rest * invMod(rest, BigInt(p))
  })
  return limbs[0]!.map((_, k) =>
    centred(
      limbs.reduce((sum, limb, i) => sum + limb[k]! * basis[i]!, 0n),
      Q,
    ),
  )
}

const points = new Map<string, readonly bigint[]>()

/**
 * The points at which value i of a polynomial in NTT form is taken, psi^(2 bitrev(i) + 1), as all powers of psi and the exponents of
 * the points: psi is the smallest primitive 2n-th root of unity, found by trying all odd powers of one of them.
 */
function powersOfPsi(n: number, p: number): readonly bigint[] {
  const key = `${n} ${p}`
  const known = points.get(key)
  if (known) return known
  const q = BigInt(p)
  let some = 2n
  while (powMod(powMod(some, (q - 1n) / BigInt(2 * n), q), BigInt(n), q) !== q - 1n) some++
  const root = powMod(some, (q - 1n) / BigInt(2 * n), q)
  let psi = root
  for (let k = 1n; k < 2n * BigInt(n); k += 2n) {
    const candidate = powMod(root, k, q)
    if (candidate < psi) psi = candidate
  }
  const powers: bigint[] = [1n]
  for (let k = 1; k < 2 * n; k++) powers.push((powers[k - 1]! * psi) % q)
  points.set(key, powers)
  return powers
}

function exponentOf(i: number, n: number): number {
  const bits = Math.log2(n)
  const reversed = Number.parseInt(i.toString(2).padStart(bits, '0').split('').reverse().join(''), 2)
  return 2 * reversed + 1
}

/** NTT form to coefficients: f_k = 1/n sum_i v_i x_i^-k. */
export function interpolate(values: Poly, p: number): Poly {
  const n = values.length
  const q = BigInt(p)
  const powers = powersOfPsi(n, p)
  const inverse = invMod(BigInt(n), q)
  const exponents = values.map((_, i) => exponentOf(i, n))
  return values.map((_, k) => {
    let sum = 0n
    for (let i = 0; i < n; i++) sum += values[i]! * powers[(2 * n - ((exponents[i]! * k) % (2 * n))) % (2 * n)]!
    return centred(sum * inverse, q)
  })
}

/** Coefficients to NTT form: v_i = sum_k f_k x_i^k. */
export function evaluate(f: Poly, p: number): Poly {
  const n = f.length
  const q = BigInt(p)
  const powers = powersOfPsi(n, p)
  const reduced = f.map((c) => mod(c, q))
  return f.map((_, i) => {
    const exponent = exponentOf(i, n)
    let sum = 0n
    for (let k = 0; k < n; k++) sum += reduced[k]! * powers[(exponent * k) % (2 * n)]!
    return centred(sum, q)
  })
}

export interface ComplexValues {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** Slots of a real polynomial: z_j = m(zeta^(3^j)) / scale, zeta = exp(i pi / n). */
export function decodeSlots(m: Poly, scale: number): ComplexValues {
  const n = m.length
  const real = m.map((c) => Number(c) / scale)
  const cos = Float64Array.from({ length: 2 * n }, (_, k) => Math.cos((Math.PI * k) / n))
  const sin = Float64Array.from({ length: 2 * n }, (_, k) => Math.sin((Math.PI * k) / n))
  const re = new Float64Array(n / 2)
  const im = new Float64Array(n / 2)
  for (let j = 0, power = 1; j < n / 2; j++, power = (power * 3) % (2 * n)) {
    for (let k = 0; k < n; k++) {
      re[j]! += real[k]! * cos[(k * power) % (2 * n)]!
      im[j]! += real[k]! * sin[(k * power) % (2 * n)]!
    }
  }
  return { re, im }
}

/** The polynomial nearest to scale times the real one with these slots: m_k = 2/n Re sum_j z_j conj(zeta^(k 3^j)). */
export function encodeSlots(values: ComplexValues, n: number, scale: number): Poly {
  const cos = Float64Array.from({ length: 2 * n }, (_, k) => Math.cos((Math.PI * k) / n))
  const sin = Float64Array.from({ length: 2 * n }, (_, k) => Math.sin((Math.PI * k) / n))
  const m = new Float64Array(n)
  for (let j = 0, power = 1; j < n / 2; j++, power = (power * 3) % (2 * n)) {
    const x = values.re[j] ?? 0
    const y = values.im[j] ?? 0
    for (let k = 0; k < n; k++) m[k]! += x * cos[(k * power) % (2 * n)]! + y * sin[(k * power) % (2 * n)]!
  }
  return Array.from(m, (c) => BigInt(Math.round((2 / n) * c * scale)))
}
