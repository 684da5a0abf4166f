import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bitReverse, centred, invMod, isPrime, mod, powMod, smallestPrimitiveRoot } from './numbers.ts'

describe('number theory', () => {
  const big = fc.bigInt({ min: -(1n << 130n), max: 1n << 130n })
  const modulus = fc.bigInt({ min: 2n, max: 1n << 100n })

  test('mod and centred are congruent and in range', () => {
    fc.assert(
      fc.property(big, modulus, (a, m) => {
        const r = mod(a, m)
        const c = centred(a, m)
        expect((a - r) % m === 0n && r >= 0n && r < m).toBe(true)
        expect((a - c) % m === 0n && 2n * c > -m && 2n * c <= m).toBe(true)
      }),
    )
  })

  test('powMod is repeated multiplication', () => {
    fc.assert(
      fc.property(big, fc.integer({ min: 0, max: 40 }), modulus, (a, e, m) => {
        let expected = 1n % m
        for (let i = 0; i < e; i++) expected = mod(expected * a, m)
        expect(powMod(a, BigInt(e), m)).toBe(expected)
      }),
    )
  })

  test('invMod inverts, or says that there is no inverse', () => {
    fc.assert(
      fc.property(big, modulus, (a, m) => {
        let [x, y] = [mod(a, m), m]
        while (x !== 0n) [x, y] = [y % x, x]
        if (y === 1n) expect(mod(invMod(a, m) * a, m)).toBe(1n % m)
        else expect(() => invMod(a, m)).toThrow(`gcd = ${y}`)
      }),
    )
  })

  test('isPrime agrees with trial division below 10000', () => {
    for (let n = 0; n < 10_000; n++) {
      let divisors = 0
      for (let d = 2; d * d <= n; d++) if (n % d === 0) divisors++
      expect(isPrime(BigInt(n))).toBe(n > 1 && divisors === 0)
    }
  })

  test('isPrime knows Carmichael numbers, strong pseudoprimes and large primes', () => {
    // The last three are strong pseudoprimes to the first 4, 9 and 12 prime bases (Sorenson and Webster 2015).
    const composites = [561n, 41041n, 825265n, 3215031751n, 3825123056546413051n, 318665857834031151167461n]
    for (const n of composites) expect(isPrime(n)).toBe(false)
    for (const p of [(1n << 61n) - 1n, 1125899906629633n, 1099511480321n, 1000000007n]) expect(isPrime(p)).toBe(true)
  })

  test('the smallest primitive root is one, and no smaller number is', () => {
    for (const [order, p] of [
      [32, 97n],
      [64, 193n],
      [256, 7681n],
      [2048, 12289n],
    ] as const) {
      const root = smallestPrimitiveRoot(order, p)
      expect(powMod(root, BigInt(order / 2), p)).toBe(p - 1n)
      for (let x = 1n; x < root; x++) expect(powMod(x, BigInt(order / 2), p)).not.toBe(p - 1n)
    }
    expect(() => smallestPrimitiveRoot(64, 97n)).toThrow('"order" expected a divisor of p - 1 = 96, got 64')
  })

  test('bitReverse reverses the low bits and is its own inverse', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((i) => bitReverse(i, 3))).toEqual([0, 4, 2, 6, 1, 5, 3, 7])
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 17 - 1 }), (i) => bitReverse(bitReverse(i, 17), 17) === i))
  })
})
