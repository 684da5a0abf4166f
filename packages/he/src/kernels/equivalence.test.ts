import { describe, expect, test } from 'vitest'
import { centred, invMod } from '../base/numbers.ts'
import { agree, Bench, backends, canonical, half, primesBelow, reduced, styles } from '../test-support/equivalence.ts'
import { kernelNames } from './table.ts'

// Every kernel on every backend, with the same inputs. Larger rings and all sizes of primes in all of them: equivalence.slow.test.ts.

/** 49.7: a prime of 50 bits that is not near a power of two. */
const sizes: readonly number[] = [20, 30, 48, 49, 49.7, 50]
const mostTelling: readonly number[] = [30, 49.7, 50]

describe.each(kernelNames)('%s', (name) => {
  test.each([16, 32, 128])('agrees on all backends, n = %i', (n) => {
    for (const bits of n === 16 ? sizes : mostTelling) agree(name, n, Math.floor(2 ** bits), styles)
  })
  test('agrees on all backends, n = 1024', () => {
    agree(name, 1024, 2 ** 50, ['random'])
  })
})

describe.each(['nttForward', 'nttInverse'] as const)('%s', (name) => {
  test('agrees on all backends, n = 4096', () => {
    agree(name, 4096, 2 ** 50, ['random', 'alternating'])
  })
})

test.each(['wasm-fused', 'wasm'] as const)('basisScale next to D/2 is off by D at most, on %s', (name) => {
  const n = 16
  const primes = primesBelow(2 ** 49, n, 3)
  const product = primes.reduce((a, q) => a * BigInt(q), 1n)
  const b = new Bench(backends[name], 'zero')
  // (D-1)/2 and (D+1)/2.
  const src = b.place(primes.flatMap((q) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? half(q) : -half(q)))))
  const table = b.place(
    primes.flatMap((q) => {
      const w = Number(centred(invMod(product / BigInt(q), BigInt(q)), BigInt(q)))
      return [w, w / q, q, 1 / q]
    }),
  )
  const [dst, v] = [b.reserve(8 * n * 3), b.reserve(8 * n)]
  b.kernels.basisScale(dst, 8 * n, v, src, 8 * n, 3, table, n)
  const quotients = b.read(v, n)
  const digits = primes.map((_, i) => b.read(dst + 8 * n * i, n))
  for (let i = 0; i < n; i++) {
    const sum = primes.reduce((a, q, j) => a + BigInt(digits[j]![i]!) * (product / BigInt(q)), 0n)
    const value = sum - BigInt(quotients[i]!) * product
    expect(centred(value - (i % 2 === 0 ? product - 1n : product + 1n) / 2n, product)).toBe(0n)
    expect(value < 0n ? -value : value).toBeLessThanOrEqual((product + 1n) / 2n)
  }
})

test.each(['wasm-fused', 'wasm'] as const)('weightedSums of halves that are as large as may be, on %s', (name) => {
  const [n, count, most] = [16, 200, 2 ** 22 - 1]
  for (const below of [2 ** 30, 2 ** 40, 2 ** 50]) {
    const [p] = primesBelow(below, n, 1) as [number]
    // An odd multiple of 2^26 and 2^25 - 1, next to 0.7 p: every partial sum of the lower halves is odd or twice an odd number.
    const x = 2 ** 26 * (2 * Math.floor((reduced * p) / 2 ** 27) - 1) + 2 ** 25 - 1
    const b = new Bench(backends[name], 'zero')
    const [src, dst] = [b.place(new Float64Array(n).fill(x)), b.reserve(8 * n)]
    const words = [0, 0xffffffff, 0xffffffff, 0xffffffff, count, 0]
    for (let k = 0; k < count; k++) words.push(...new Uint32Array(new Float64Array(4).fill(most).buffer), 0, 0)
    const [dsts, sources, plan, tile] = [b.u32([dst]), b.u32([src]), b.u32(words), b.reserve(8 * n)]
    b.kernels.weightedSums(dsts, sources, 1, plan, 1, tile, 8, 0, n, p, 1 / p, most)
    const exact = Number(centred(BigInt(x) * BigInt(most) * BigInt(count), BigInt(p)))
    expect([...canonical(b.read(dst, n), p)]).toEqual(new Array(n).fill(exact))
  }
})
