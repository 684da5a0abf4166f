import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { Powers, type Product } from './power.ts'

/** The arithmetic that an evaluation needs; `multiply` leaves three parts, `product` two. */
export interface PolynomialArithmetic {
  readonly product: Product
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  relinearise(a: Ciphertext): Ciphertext
  add(a: Ciphertext, b: Ciphertext): Ciphertext
  sumOfMultiples(terms: readonly Ciphertext[], weights: readonly bigint[]): Ciphertext
  addConstant(a: Ciphertext, value: bigint): Ciphertext
}

function degreeOf(coefficients: readonly bigint[]): number {
  return coefficients.findLastIndex((c) => c !== 0n)
}

/** The largest power of two that is at most d >= 1. */
function splitOf(d: number): number {
  return 2 ** Math.floor(Math.log2(d))
}

/** Products of ciphertexts that `evaluate` does, apart from powers. */
function countProducts(coefficients: readonly bigint[], babies: number, powers: Set<number>): number {
  const d = degreeOf(coefficients)
  if (d < babies) {
    for (let i = 2; i <= d; i++) if (coefficients[i] !== 0n) countPowers(i, powers)
    return 0
  }
  const split = splitOf(d)
  countPowers(split, powers)
  const high = coefficients.slice(split)
  const low = countProducts(coefficients.slice(0, split), babies, powers)
  return low + (degreeOf(high) === 0 ? 0 : 1 + countProducts(high, babies, powers))
}

function countPowers(exponent: number, powers: Set<number>): void {
  if (exponent === 1 || powers.has(exponent)) return
  powers.add(exponent)
  const largest = 2 ** (Math.ceil(Math.log2(exponent)) - 1)
  countPowers(largest, powers)
  countPowers(exponent - largest, powers)
}

/** The number of powers of x to have at hand, a power of two, for the fewest products in all. */
function chooseBabies(coefficients: readonly bigint[]): number {
  let [best, fewest] = [1, Infinity]
  for (let babies = 1; babies <= 2 * splitOf(Math.max(1, degreeOf(coefficients))); babies *= 2) {
    const powers = new Set<number>()
    const products = countProducts(coefficients, babies, powers) + powers.size
    if (products < fewest) [best, fewest] = [babies, products]
  }
  return best
}

/**
 * p(x) for p = sum_i c_i X^i of degree d >= 1: depth ⌈log2 d⌉ and O(sqrt d) products.
 * Paterson and Stockmeyer 1973: p = q X^g + r with g the largest power of two up to d, down to sums of few powers. What is added is relinearised
 * only after the sum.
 */
export function evaluatePolynomial(
  x: Ciphertext,
  coefficients: readonly bigint[],
  arithmetic: PolynomialArithmetic,
): Ciphertext {
  const babies = chooseBabies(coefficients)
  using powers = new Powers(x, arithmetic.product)
  const value = evaluate(coefficients)
  if (value.parts === 2) return value
  using wide = value
  return arithmetic.relinearise(wide)

  /** In two or three parts; the degree is at least 1. */
  function evaluate(c: readonly bigint[]): Ciphertext {
    const d = degreeOf(c)
    if (d < babies) return sum(c)
    const split = splitOf(d)
    const low = c.slice(0, split)
    using high = raise(c.slice(split), split)
    if (degreeOf(low) >= 1) {
      using rest = evaluate(low)
      return arithmetic.add(high, rest)
    }
    return arithmetic.addConstant(high, low[0]!)
  }

  /** q(x) x^split. */
  function raise(q: readonly bigint[], split: number): Ciphertext {
    if (degreeOf(q) === 0) return arithmetic.sumOfMultiples([powers.get(split)], [q[0]!])
    using factor = evaluate(q)
    if (factor.parts === 2) return arithmetic.multiply(factor, powers.get(split))
    using two = arithmetic.relinearise(factor)
    return arithmetic.multiply(two, powers.get(split))
  }

  function sum(c: readonly bigint[]): Ciphertext {
    const exponents = c.flatMap((value, i) => (i > 0 && value !== 0n ? [i] : []))
    using multiples = arithmetic.sumOfMultiples(
      exponents.map((i) => powers.get(i)),
      exponents.map((i) => c[i]!),
    )
    return arithmetic.addConstant(multiples, c[0]!)
  }
}
