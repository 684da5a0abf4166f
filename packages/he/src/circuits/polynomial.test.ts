import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { automatic, furthest, unevenLiteral } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { chebyshevInterpolation } from './chebyshev.ts'
import { evaluatePolynomial, evaluatePolynomials } from './evaluate-polynomial.ts'
import type { Evaluator } from './evaluator.ts'
import { type Polynomial, polynomialAt, polynomialDepth } from './polynomial.ts'
import { type PolynomialNode, planPolynomial, powerParts } from './polynomial-plan.ts'

const draw = new Draw('polynomials')
const bases = ['monomial', 'chebyshev'] as const

/** T_k by its definition on the line: cos(k arccos t), cosh beyond. */
function chebyshev(k: number, t: number): number {
  if (Math.abs(t) <= 1) return Math.cos(k * Math.acos(t))
  return (t < 0 && k % 2 === 1 ? -1 : 1) * Math.cosh(k * Math.acosh(Math.abs(t)))
}

/** The sum of its terms, each by the definition. */
function plainly({ basis, coefficients, interval: [low, high] = [-1, 1] }: Polynomial, x: number): number {
  const t = (2 * x - low - high) / (high - low)
  return Array.from(coefficients).reduce((sum, c, k) => sum + c * (basis === 'monomial' ? x ** k : chebyshev(k, t)), 0)
}

const coefficientsOf = (degree: number, keep: (k: number) => boolean = () => true): number[] => {
  const c = Array.from(draw.reals(degree + 1, 1 / Math.sqrt(degree + 1)), (v, k) => (keep(k) ? v : 0))
  c[degree] = 0.5
  return c
}

describe('a polynomial in the clear', () => {
  test.each(bases)('is the sum of its terms: %s', (basis) => {
    for (const degree of [0, 1, 2, 7, 12]) {
      const p: Polynomial = { basis, coefficients: coefficientsOf(degree) }
      const q: Polynomial = basis === 'chebyshev' ? { ...p, interval: [-3, 1] } : p
      for (const x of draw.reals(20)) {
        expect(polynomialAt(p, x)).toBeCloseTo(plainly(p, x), 11)
        expect(polynomialAt(q, x)).toBeCloseTo(plainly(q, x), 11)
      }
    }
  })
})

describe('a plan', () => {
  /** The value that a plan stands for, computed along it with numbers; checks that everything is there in time. */
  function follow(
    plan: ReturnType<typeof planPolynomial>,
    x: number,
  ): { value: number; depth: number; products: number } {
    const powers = new Map([[1, { value: x, depth: 0 }]])
    let products = 0
    for (const i of plan.powers) {
      const [a, b] = powerParts(i)
      const [left, right] = [powers.get(a)!, powers.get(b)!]
      products++
      const minus = a === b ? 1 : plan.basis === 'chebyshev' ? powers.get(a - b)!.value : 0
      const value = left.value * right.value
      powers.set(i, {
        value: plan.basis === 'chebyshev' ? 2 * value - minus : value,
        depth: Math.max(left.depth, right.depth) + 1,
      })
    }
    const visit = (node: PolynomialNode): { value: number; depth: number } => {
      let [value, depth] = [0, 0]
      for (const [i, [c]] of node.terms) {
        if (i === 0) value += c!
        else {
          value += c! * powers.get(i)!.value
          depth = Math.max(depth, powers.get(i)!.depth)
        }
      }
      for (const { power, quotient } of node.products) {
        products++
        const q = visit(quotient)
        value += q.value * powers.get(power)!.value
        depth = Math.max(depth, q.depth, powers.get(power)!.depth)
      }
      return { value, depth: depth + 1 }
    }
    const result = visit(plan.root)
    return { ...result, products }
  }

  test.each(bases)('is the polynomial, of the least depth, with few products: %s', (basis) => {
    for (let degree = 1; degree <= 130; degree++) {
      for (const keep of [() => true, (k: number) => k % 2 === degree % 2]) {
        const coefficients = coefficientsOf(degree, keep)
        const plan = planPolynomial(
          basis,
          coefficients.map((c) => [c]),
        )
        const x = draw.reals(1)[0]!
        const { value, depth, products } = follow(plan, x)
        expect(value).toBeCloseTo(plainly({ basis, coefficients }, x), 9)
        expect(depth, `degree ${degree}`).toBe(Math.ceil(Math.log2(degree + 1)))
        expect(plan.depth).toBe(depth)
        expect(plan.multiplications).toBe(products)
        expect(products).toBeLessThanOrEqual(Math.sqrt(2 * degree) + 2 * Math.log2(degree + 1))
      }
    }
  })

  test('skips what is zero', () => {
    const count = (keep: (k: number) => boolean, degree: number): number =>
      planPolynomial(
        'chebyshev',
        coefficientsOf(degree, keep).map((c) => [c]),
      ).multiplications
    const even = (k: number) => k % 2 === 0
    const odd = (k: number) => k % 2 === 1
    const all = () => true
    expect([count(all, 15), count(odd, 15), count(all, 14), count(even, 14)]).toEqual([8, 8, 7, 6])
    expect([count(all, 63), count(odd, 63), count(all, 62), count(even, 62)]).toEqual([18, 17, 17, 14])
    // A power alone.
    expect(count((k) => k === 64, 64)).toBe(6)
    expect(count((k) => k === 48, 48)).toBe(6)
  })
})

const scale = 2 ** 40
const machines = {
  'wasm-fused': automatic({ literal: unevenLiteral(1024, 9), scale, level: 0 }),
  wasm: automatic({ backend: 'wasm', literal: unevenLiteral(512, 6), scale, level: 0 }),
}

/** Counts what it passes on. */
function counting(evaluator: Evaluator): { evaluator: Evaluator; products: () => number } {
  let count = 0
  const ckks = {
    ...evaluator.ckks,
    multiply: (a: Ciphertext, b: Ciphertext) => {
      count++
      return evaluator.ckks.multiply(a, b)
    },
  }
  return { evaluator: { ...evaluator, ckks }, products: () => count }
}

describe.each(['wasm-fused', 'wasm'] as const)('a polynomial under encryption on %s', (backend) => {
  const { evaluator, slots, top, encrypt, decrypt } = machines[backend]
  const x = draw.reals(slots)
  const ct = encrypt(x)
  const { heap } = evaluator.ring

  function check(p: Polynomial, input = ct, values = x): void {
    const counted = counting(evaluator)
    const out = evaluatePolynomial(counted.evaluator, input, p)
    expect(out).toMatchObject({ level: input.level - polynomialDepth(p), parts: 2 })
    expect(evaluator.ladder.holds(out)).toBe(true)
    // Noise of the powers, which is 2^-28 or so, times the coefficients and the slopes.
    const bound = 2 ** -25 * p.coefficients.length ** 1.5
    expect(
      furthest(
        decrypt(out),
        values.map((v) => plainly(p, v)),
      ),
    ).toBeLessThan(bound)
    out[Symbol.dispose]()
    const plan = planPolynomial(
      p.basis,
      Array.from(p.coefficients, (c) => [c]),
    )
    expect(counted.products()).toBe(plan.multiplications)
  }

  test.each(bases)('is the polynomial of every slot, exactly on the ladder: %s', (basis) => {
    for (const degree of backend === 'wasm' ? [3, 6, 15, 16] : [1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16, 22, 31, 40, 63]) {
      check({ basis, coefficients: coefficientsOf(degree) })
      check({ basis, coefficients: coefficientsOf(degree, (k) => k % 2 === degree % 2) })
      check({ basis, coefficients: coefficientsOf(degree, (k) => k === degree || k === 0) })
    }
  })

  test('any of them, from any level', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...bases),
        fc.array(fc.constantFrom(0, 0.25, -1, 0.3, 1 / 3), { minLength: 1, maxLength: 40 }),
        fc.nat(3),
        (basis, low, spare) => {
          const p: Polynomial = { basis, coefficients: [...low, 0.5] }
          using input = evaluator.bring(ct, Math.min(top, polynomialDepth(p) + spare))
          check(p, input)
        },
      ),
      { numRuns: 25 },
    )
  })

  test('keeps nothing but the result', () => {
    for (const basis of bases) {
      const p = { basis, coefficients: coefficientsOf(22) }
      // The first time, the ring makes tables that it keeps.
      evaluatePolynomial(evaluator, ct, p)[Symbol.dispose]()
      const before = heap.used
      using out = evaluatePolynomial(evaluator, ct, p)
      expect(heap.used - before).toBe(out.slab.bytes)
    }
  })

  test('down to the last level', () => {
    using low = evaluator.bring(ct, 5)
    check({ basis: 'chebyshev', coefficients: coefficientsOf(31) }, low)
    using lower = evaluator.bring(ct, 4)
    expect(() =>
      evaluatePolynomial(evaluator, lower, { basis: 'chebyshev', coefficients: coefficientsOf(31) }),
    ).toThrow('the polynomial of degree 31 needs 5 levels, and the ciphertext is at level 4')
  })

  test('on an interval', () => {
    for (const [low, high, depth] of [
      [-8, 8, 5],
      [0, 3, 5],
      [-0.5, 0.5, 4],
      [1, 3, 4],
    ] as const) {
      const values = x.map((v) => (low + high) / 2 + ((high - low) / 2) * v)
      using input = encrypt(values)
      const p = { basis: 'chebyshev', coefficients: coefficientsOf(12), interval: [low, high] } as const
      expect(polynomialDepth(p)).toBe(depth)
      check(p, input, values)
    }
  })

  test('of a ciphertext that is off the ladder: one level more, the same result', () => {
    using plain = evaluator.ckks.encode(x, { scale: 2 ** 41 })
    using zero = evaluator.multiply(ct, 0)
    using strange = evaluator.ckks.addPlain({ ...zero, scale: 2 ** 41 }, plain)
    const p: Polynomial = { basis: 'monomial', coefficients: [0.5, 0.25, 0, -0.5] }
    using out = evaluatePolynomial(evaluator, strange, p)
    expect(out.level).toBe(top - 3)
    expect(evaluator.ladder.holds(out)).toBe(true)
    expect(
      furthest(
        decrypt(out),
        x.map((v) => plainly(p, v)),
      ),
    ).toBeLessThan(2 ** -24)
  })

  test('another one for each group of slots', () => {
    for (const basis of bases) {
      const polynomials: Polynomial[] = [
        { basis, coefficients: coefficientsOf(7) },
        { basis, coefficients: coefficientsOf(12, (k) => k % 2 === 0) },
        { basis, coefficients: [0.75] },
      ]
      const groups = Array.from({ length: slots - 3 }, (_, j) => (j % 4) - 1)
      evaluatePolynomials(evaluator, ct, polynomials, groups)[Symbol.dispose]()
      const before = heap.used
      const out = evaluatePolynomials(evaluator, ct, polynomials, groups)
      expect(heap.used - before).toBe(out.slab.bytes)
      expect(out.level).toBe(top - 4)
      expect(evaluator.ladder.holds(out)).toBe(true)
      const expected = x.map((v, j) => (j < slots - 3 && groups[j]! >= 0 ? plainly(polynomials[groups[j]!]!, v) : 0))
      expect(furthest(decrypt(out), expected)).toBeLessThan(2 ** -21)
      out[Symbol.dispose]()
    }
  })

  test('mistakes', () => {
    const run = (p: unknown) => () => evaluatePolynomial(evaluator, ct, p as Polynomial)
    expect(run({ basis: 'monomial', coefficients: [1, 0, 0] })).toThrow(
      'expected a degree of at least 1, got a constant',
    )
    expect(run({ basis: 'monomial', coefficients: [] })).toThrow(
      '"polynomial.coefficients" expected at least one, got none',
    )
    expect(() => polynomialDepth({ basis: 'chebyshev', coefficients: [] })).toThrow('expected at least one, got none')
    expect(() => polynomialAt({ basis: 'monomial', coefficients: [] }, 1)).toThrow('expected at least one, got none')
    expect(run({ basis: 'power', coefficients: [1, 1] })).toThrow(
      `"polynomial.basis" expected 'monomial' or 'chebyshev'`,
    )
    expect(run({ basis: 'monomial', coefficients: [1, Number.NaN] })).toThrow(
      '"polynomial.coefficients[1]" expected a finite',
    )
    expect(run({ basis: 'chebyshev', coefficients: [1, 1], interval: [1, 1] })).toThrow('low < high, got [1, 1]')
    expect(run({ basis: 'monomial', coefficients: [1, 1], interval: [0, 1] })).toThrow('none in the monomial basis')
    expect(run({ basis: 'monomial', coefficients: [0, 2 ** 340] })).toThrow('does not fit')
    const before = heap.used
    expect(run({ basis: 'chebyshev', coefficients: [0, 1, 1, 0, 2 ** 340] })).toThrow('does not fit')
    const keyless = { ...evaluator, keys: { relinearisation: undefined, galois: new Map() } }
    expect(() => evaluatePolynomial(keyless, ct, { basis: 'chebyshev', coefficients: [0, 1, 1] })).toThrow(
      'no relinearisation key',
    )
    expect(heap.used, 'nothing is left behind').toBe(before)
    using small = encrypt([0.5], 1)
    using wide = evaluator.ckks.square(small)
    for (const coefficients of [
      [1, 1],
      [0, 1, 1],
    ])
      expect(() => evaluatePolynomial(evaluator, wide, { basis: 'monomial', coefficients })).toThrow(
        expect.objectContaining({
          code: 'unsupported',
          message: '"ct" has 3 parts: relinearise it before evaluating a polynomial',
        }),
      )
    const p: Polynomial = { basis: 'monomial', coefficients: [1, 1] }
    expect(() => evaluatePolynomials(evaluator, ct, [], [])).toThrow('at least one, got none')
    expect(() => evaluatePolynomials(evaluator, ct, [p], [1])).toThrow(
      '"groups[0]" expected an integer from -1 to 0, got 1',
    )
    expect(() => evaluatePolynomials(evaluator, ct, [p, { ...p, basis: 'chebyshev' }], [1])).toThrow(
      'expected one basis and interval',
    )
  })
})

describe('Chebyshev interpolation', () => {
  test('is exact for polynomials of its degree', () => {
    const p = { basis: 'monomial', coefficients: [0.3, -1, 0.25, 0.5, 1] } as const
    const q = chebyshevInterpolation((x) => plainly(p, x), [-2, 3], 4)
    expect(q.error).toBeLessThan(2 ** -42)
    for (const x of draw.reals(50, 2)) expect(polynomialAt(q, x)).toBeCloseTo(plainly(p, x), 11)
  })
  test('reports the largest error', () => {
    const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
    const errors = [7, 15, 31].map((degree) => {
      const p = chebyshevInterpolation(sigmoid, [-8, 8], degree)
      let most = 0
      for (let i = 0; i <= 10_000; i++) {
        const x = -8 + (16 * i) / 10_000
        most = Math.max(most, Math.abs(plainly(p, x) - sigmoid(x)))
      }
      expect(p.error / most).toBeGreaterThan(0.999)
      expect(p.error / most).toBeLessThan(1.02)
      return p.error
    })
    // It converges as the poles at ±πi say: by ρ = π/8 + sqrt(1 + π²/64) with each degree.
    const rho = Math.PI / 8 + Math.sqrt(1 + (Math.PI / 8) ** 2)
    expect(errors[1]! / errors[2]!).toBeGreaterThan(rho ** 16 / 1.5)
    expect(errors[1]! / errors[2]!).toBeLessThan(rho ** 16 * 1.5)
  })
  test('of odd and even functions has zeros', () => {
    expect(chebyshevInterpolation(Math.sin, [-2, 2], 9).coefficients).toMatchObject({ 0: 0, 2: 0, 4: 0, 6: 0, 8: 0 })
    expect(chebyshevInterpolation(Math.cos, [-2, 2], 8).coefficients).toMatchObject({ 1: 0, 3: 0, 5: 0, 7: 0 })
  })
  test('mistakes', () => {
    expect(() => chebyshevInterpolation(Math.sqrt, [-1, 1], 3)).toThrow(
      '"f" expected to be finite on the interval, got NaN at',
    )
    expect(() => chebyshevInterpolation(Math.sin, [1, -1], 3)).toThrow('low < high, got [1, -1]')
    expect(() => chebyshevInterpolation(Math.sin, [0, Infinity], 3)).toThrow('"interval[1]" expected a finite number')
    expect(() => chebyshevInterpolation(Math.sin, [0, 1], 1.5)).toThrow(
      '"degree" expected an integer from 0 to 2047, got 1.5',
    )
  })
})
