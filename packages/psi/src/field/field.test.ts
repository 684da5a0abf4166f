import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createField, invertAll, power, reduce } from './field.ts'
import { evaluate, evaluateAll, multiplyInto } from './polynomial.ts'
import { createProductTree } from './product-tree.ts'

// Against bigint. Primes from the smallest to the largest that there is room for: 2^26 - 5 adds up two products at a time.
// 103 times its rounded inverse is below 1.
const primes = [2, 3, 103, 257, 65537, 4300801, 67108859]
const fieldAndElements = (maxLength: number): fc.Arbitrary<[number, number[]]> =>
  fc
    .constantFrom(...primes)
    .chain((t) =>
      fc.tuple(
        fc.constant(t),
        fc.array(fc.oneof(fc.nat(t - 1), fc.constantFrom(0, 1, t - 1)), { minLength: 1, maxLength }),
      ),
    )

/** Coefficients of the product of x - r, constant first. */
function fromRoots(roots: readonly number[], t: bigint): bigint[] {
  let product = [1n]
  for (const root of roots)
    product = [0n, ...product].map((c, i) => (((c - BigInt(root) * (product[i] ?? 0n)) % t) + t) % t)
  return product
}

function valueAt(coefficients: readonly bigint[], x: number, t: bigint): bigint {
  return coefficients.reduceRight((value, c) => (value * BigInt(x) + c) % t, 0n)
}
const bigints = (values: Iterable<number>): bigint[] => Array.from(values, BigInt)

describe('elements', () => {
  test('reduction is exact for all that a double holds', () => {
    fc.assert(
      fc.property(fc.constantFrom(...primes), fc.maxSafeInteger(), fc.nat(3), (t, x, near) => {
        const field = createField(t)
        // Next to multiples of t the rounded quotient is wrong.
        const multiple = Math.floor(Math.abs(x) / t) * t
        for (const value of [Math.abs(x), near * t, multiple + near, Math.max(0, multiple - near), 2 ** 53 - 1 - near])
          expect(BigInt(reduce(field, value))).toBe(BigInt(value) % BigInt(t))
      }),
    )
  })

  test('products, powers and inverses are those of bigint', () => {
    fc.assert(
      fc.property(fieldAndElements(40), fc.nat(2 ** 31 - 1), ([t, elements], e) => {
        const field = createField(t)
        for (const [i, a] of elements.entries()) {
          const b = elements[(i + 1) % elements.length]!
          expect(BigInt(field.multiply(a, b))).toBe((BigInt(a) * BigInt(b)) % BigInt(t))
        }
        let expected = 1n % BigInt(t)
        for (let i = 0; i < e % 50; i++) expected = (expected * BigInt(elements[0]!)) % BigInt(t)
        expect(BigInt(power(field, elements[0]!, e % 50))).toBe(expected)
        const units = elements.filter((a) => a > 0)
        const inverses = Float64Array.from(units)
        invertAll(field, inverses, units.length, new Float64Array(units.length))
        for (const [i, a] of units.entries()) expect(field.multiply(a, inverses[i]!)).toBe(1 % t)
      }),
    )
  })

  test('as many products fit as the field says, and a t that has no room is told', () => {
    for (const t of primes) {
      const { lazy } = createField(t)
      expect(BigInt(lazy) * (BigInt(t) - 1n) ** 2n + BigInt(t) - 1n < 2n ** 53n).toBe(true)
    }
    expect(createField(67108859).lazy).toBe(2)
    for (const t of [1, 0, -7, 2.5, 2 ** 26 + 1, Number.NaN]) expect(() => createField(t)).toThrow(RangeError)
  })
})

describe('polynomials', () => {
  test('products are exact at any lengths, added to what is there', () => {
    fc.assert(
      fc.property(fieldAndElements(30), fc.integer({ min: 1, max: 30 }), fc.boolean(), ([t, a], n, largest) => {
        const field = createField(t)
        const b = Array.from({ length: n }, (_, i) => (largest ? t - 1 : a[(i * 7) % a.length]!))
        const start = Array.from({ length: a.length + n - 1 }, () => t - 1)
        const out = Float64Array.from([-1, ...start, -1])
        const run = (values: readonly number[]): { array: Float64Array; at: number; length: number } => ({
          array: Float64Array.from([9, ...values]),
          at: 1,
          length: values.length,
        })
        multiplyInto(field, out, 1, run(a), run(b))
        const expected = bigints(start)
        for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) expected[i + j]! += BigInt(x) * BigInt(y)
        expect(bigints(out)).toEqual([-1n, ...expected.map((value) => value % BigInt(t)), -1n])
      }),
    )
  })

  test('values are those of bigint, one by one and all together', () => {
    fc.assert(
      fc.property(fieldAndElements(70), ([t, coefficients]) => {
        const field = createField(t)
        const points = Float64Array.from([0, 1, t - 1, ...coefficients.slice(0, 5)])
        const out = new Float64Array(points.length)
        const run = { array: Float64Array.from([5, ...coefficients]), at: 1, length: coefficients.length }
        evaluateAll(field, run, points, points.length, out)
        const expected = Array.from(points, (x) => valueAt(bigints(coefficients), x, BigInt(t)))
        expect(bigints(out)).toEqual(expected)
        expect(bigints(points.map((x) => evaluate(field, coefficients, x)))).toEqual(expected)
      }),
    )
  })
})

describe('a tree of products', () => {
  test('has the polynomial of its roots, double ones included', () => {
    fc.assert(
      fc.property(fieldAndElements(80), ([t, roots]) => {
        const tree = createProductTree(createField(t), 80)
        const out = new Uint32Array(roots.length + 3).fill(7)
        for (const some of [roots, roots.slice(0, roots.length >> 1), []]) {
          tree.load([9, ...some], 1, some.length)
          tree.matching(out, 1)
          expect(bigints(out.subarray(1, some.length + 2))).toEqual(fromRoots(some, BigInt(t)))
        }
        expect([out[0], out[roots.length + 2]]).toEqual([7, 7])
      }),
    )
  })

  test('interpolates through distinct points', () => {
    fc.assert(
      fc.property(fieldAndElements(80), fc.array(fc.nat(), { minLength: 160, maxLength: 160 }), ([t, some], seeds) => {
        const points = [...new Set(some)]
        const tree = createProductTree(createField(t), 80)
        tree.load(points, 0, points.length)
        for (const shift of [0, 80]) {
          const values = points.map((_, i) => seeds[i + shift]! % t)
          const out = new Uint32Array(points.length)
          tree.interpolate(values, 0, out, 0)
          expect(points.map((x) => valueAt(bigints(out), x, BigInt(t)))).toEqual(bigints(values))
        }
      }),
    )
  })

  test.each([4300801, 67108859])('at 511 points modulo %i, the largest that rows have', (t) => {
    const field = createField(t)
    const tree = createProductTree(field, 511)
    const points = Float64Array.from({ length: 511 }, (_, i) => t - 1 - 3 * i)
    const values = Float64Array.from({ length: 511 }, (_, i) => (i * 7919) % t)
    const [matching, label] = [new Uint32Array(512), new Uint32Array(511)]
    tree.load(points, 0, 511)
    tree.matching(matching, 0)
    tree.interpolate(values, 0, label, 0)
    expect(bigints(matching)).toEqual(fromRoots([...points], BigInt(t)))
    expect(points.map((x) => evaluate(field, label, x))).toEqual(values)
    expect(() => tree.load(new Float64Array(512), 0, 512)).toThrow(RangeError)
  })
})
