import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { evaluatePolynomial, type PolynomialArithmetic } from './polynomial.ts'
import { exponentiate, multiplyMany } from './power.ts'

// Which products are done, on numbers that count their depth.

interface Counted extends Disposable {
  readonly value: bigint
  readonly depth: number
  readonly parts: 2 | 3
}

const modulus = 65537n
let alive = 0
let products = 0
let relinearisations = 0

function counted(value: bigint, depth: number, parts: 2 | 3 = 2): Counted {
  alive++
  let held = true
  return {
    value: ((value % modulus) + modulus) % modulus,
    depth,
    parts,
    [Symbol.dispose]() {
      if (held) alive--
      held = false
    },
  }
}

const wide = (a: Counted, b: Counted): Counted => {
  expect([a.parts, b.parts], 'factors have two parts').toEqual([2, 2])
  products++
  return counted(a.value * b.value, Math.max(a.depth, b.depth) + 1, 3)
}
const relinearise = (a: Counted): Counted => {
  relinearisations++
  return counted(a.value, a.depth)
}
const product = (a: Counted, b: Counted): Counted => {
  using three = wide(a, b)
  return relinearise(three)
}

const arithmetic = {
  product,
  multiply: wide,
  relinearise,
  add: (a: Counted, b: Counted) =>
    counted(a.value + b.value, Math.max(a.depth, b.depth), Math.max(a.parts, b.parts) as 2 | 3),
  sumOfMultiples: (terms: readonly Counted[], weights: readonly bigint[]) =>
    counted(
      terms.reduce((sum, a, i) => sum + a.value * weights[i]!, 0n),
      Math.max(...terms.map((a) => a.depth)),
    ),
  addConstant: (a: Counted, value: bigint) => counted(a.value + value, a.depth, a.parts),
}

/** The functions under test know ciphertexts by `parts` and by disposal, and copy them through their ring. */
function asCiphertext(a: Counted): Ciphertext {
  return a as unknown as Ciphertext
}

function run<T>(work: () => T): { result: T; products: number; relinearisations: number } {
  products = 0
  relinearisations = 0
  const result = work()
  return { result, products, relinearisations }
}

const logUp = (x: number): number => Math.ceil(Math.log2(x))

describe('polynomials', () => {
  const evaluate = (x: bigint, c: readonly bigint[]): Counted =>
    evaluatePolynomial(
      asCiphertext(counted(x, 0)),
      c,
      arithmetic as unknown as PolynomialArithmetic,
    ) as unknown as Counted
  const plain = (x: bigint, c: readonly bigint[]): bigint =>
    c.reduceRight((sum, w) => (((sum * x + w) % modulus) + modulus) % modulus, 0n)

  test('the value at the least depth, for every degree to 70', () => {
    for (let d = 1; d <= 70; d++) {
      const c = Array.from({ length: d + 1 }, (_, i) => BigInt((i * i * 31 + 7 * i + 3) % 65537))
      const { result } = run(() => evaluate(12345n, c))
      expect(result.value).toBe(plain(12345n, c))
      expect(result.depth, `degree ${d}`).toBe(d === 1 ? 0 : logUp(d))
      expect(result.parts).toBe(2)
    }
  })

  test('sparse ones too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, fc.bigInt(-32768n, 32768n)), { maxLength: 80 }),
        fc.bigInt(1n, 65536n),
        fc.bigInt(0n, 65536n),
        (low, leading, x) => {
          const c = [1n, ...low, leading]
          const { result } = run(() => evaluate(x, c))
          expect(result.value).toBe(plain(x, c))
          expect(result.depth).toBeLessThanOrEqual(logUp(Math.max(1, c.length - 1)))
        },
      ),
    )
  })

  test('about 2 sqrt(d) products, relinearised after sums', () => {
    for (const d of [15, 31, 63, 127, 255]) {
      const c = Array.from({ length: d + 1 }, (_, i) => BigInt(i + 1))
      const { products: count, relinearisations: switched } = run(() => evaluate(3n, c))
      expect(count, `degree ${d}`).toBeLessThanOrEqual(2 * Math.sqrt(d) + logUp(d))
      expect(switched).toBeLessThanOrEqual(count)
    }
    expect(run(() => evaluate(3n, [...new Array<bigint>(64).fill(0n), 1n])).products, 'x^64').toBe(6)
  })

  test('gives back what it made on the way', () => {
    alive = 0
    const c = Array.from({ length: 30 }, (_, i) => BigInt(i + 1))
    evaluate(5n, c)
    // The operand and the result.
    expect(alive).toBe(2)
  })
})

describe('powers and products', () => {
  test('x^e at depth ⌈log2 e⌉', () => {
    for (let e = 2; e <= 200; e++) {
      const { result } = run(
        () => exponentiate(asCiphertext(counted(7n, 0)), e, product as never) as unknown as Counted,
      )
      expect(result.value).toBe(7n ** BigInt(e) % modulus)
      expect(result.depth).toBe(logUp(e))
      expect(products).toBeLessThanOrEqual(2 * Math.log2(e))
    }
  })

  test('products of many at depth ⌈log2 count⌉', () => {
    for (let count = 2; count <= 40; count++) {
      const factors = Array.from({ length: count }, (_, i) => asCiphertext(counted(BigInt(i + 2), 0)))
      alive = 0
      const { result } = run(() => multiplyMany(factors, product as never) as unknown as Counted)
      expect(result.value).toBe(factors.reduce((p, f) => (p * (f as unknown as Counted).value) % modulus, 1n))
      expect(result.depth).toBe(logUp(count))
      expect(products).toBe(count - 1)
      expect(alive, 'what it made on the way is given back').toBe(1)
    }
  })

  test('exponents out of range', () => {
    for (const e of [0, -1, 1.5, 2 ** 32, Number.NaN])
      expect(() => exponentiate(asCiphertext(counted(7n, 0)), e, product as never)).toThrow(
        `"exponent" expected an integer from 1 to 2^31, got ${e}`,
      )
  })
})
