import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mod } from '../../base/numbers.ts'
import { ratio } from './correction.ts'

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b))

test('small units in the ratio that is asked for', () => {
  const moduli = [3, 17, 97, 65537, 1032193, 4294957057, 2 ** 32, 1000, 3 * 5 * 7 * 11 * 13]
  fc.assert(
    fc.property(fc.constantFrom(...moduli), fc.nat(), fc.nat(), (t, x, y) => {
      const T = BigInt(t)
      const unit = (seed: number): bigint => {
        let a = 1n + (BigInt(seed) % (T - 1n))
        while (gcd(a, T) !== 1n) a = 1n + (a % (T - 1n))
        return a
      }
      const [a, b] = [unit(x), unit(y)]
      const [u, v] = ratio(Number(a), Number(b), t)
      expect(mod(u * b - v * a, T)).toBe(0n)
      expect(gcd(u, T)).toBe(1n)
      expect(gcd(v, T)).toBe(1n)
      const size = Number(u < 0n ? -u : u) + Number(v < 0n ? -v : v)
      // Thue's lemma gives both below sqrt(t) for a prime; a composite may have to pass over some rows.
      if ([3, 17, 97, 65537, 1032193, 4294957057].includes(t)) expect(size).toBeLessThanOrEqual(2.5 * Math.sqrt(t) + 1)
      else expect(size).toBeLessThanOrEqual(t)
    }),
    { numRuns: 500 },
  )
})

test('equal factors need nothing', () => {
  expect(ratio(5, 5, 97)).toEqual([1n, 1n])
  expect(ratio(96, 1, 97)).toEqual([-1n, 1n])
})
