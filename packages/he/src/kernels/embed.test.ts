import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { embeddingTable, unitRoot } from './embed-tables.ts'

const backends = [openBackend('wasm-fused'), openBackend('wasm'), openBackend('reference')]

/** Reproducible values in (-1, 1). */
function reals(count: number, seed = 1): Float64Array {
  let state = seed
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** m(zeta^exponent) by its definition, zeta = exp(i*pi/n). */
function evaluate(m: Float64Array, exponent: number): [re: number, im: number] {
  const n = m.length
  let re = 0
  let im = 0
  for (const [k, x] of m.entries()) {
    const angle = (((k * exponent) % (2 * n)) * Math.PI) / n
    re += x * Math.cos(angle)
    im += x * Math.sin(angle)
  }
  return [re, im]
}

/** 3^j mod 2n for j < n/2. */
function powersOf3(n: number): number[] {
  const powers = [1]
  while (powers.length < n / 2) powers.push((powers.at(-1)! * 3) % (2 * n))
  return powers
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0)
}

function largest(a: Float64Array): number {
  return a.reduce((worst, x) => Math.max(worst, Math.abs(x)), 0)
}

describe('embeddingTable', () => {
  test('refuses a degree that is no power of two from 16', () => {
    for (const n of [0, 8, 24, 1000, -16, Number.NaN]) expect(() => embeddingTable(n)).toThrow(RangeError)
  })

  test('unit roots lie on the circle, and multiply as their exponents add', () => {
    const order = 4096
    for (let e = 0; e < order; e++) {
      const [c, s] = unitRoot(e, order)
      expect(Math.abs(c * c + s * s - 1)).toBeLessThan(4e-16)
      const [c1, s1] = unitRoot(1, order)
      const [c2, s2] = unitRoot((e + 1) % order, order)
      expect(Math.hypot(c * c1 - s * s1 - c2, c * s1 + s * c1 - s2)).toBeLessThan(4e-16)
    }
    expect(unitRoot(order / 4, order)[1]).toBe(1)
    expect(unitRoot(order / 2, order)[0]).toBe(-1)
    expect(unitRoot((3 * order) / 4, order)[1]).toBe(-1)
  })
})

describe.each(backends)('embedding on $name', ({ name, kernels, memory, heapBase }) => {
  const largestDegree = 131072
  const data = heapBase
  const table = data + 8 * largestDegree
  const missing = table + 8 * largestDegree - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65536))

  function transform(kernel: 'embedForward' | 'embedInverse', input: Float64Array): Float64Array {
    const n = input.length
    const view = new Float64Array(memory.buffer, data, n)
    view.set(input)
    const roots = embeddingTable(n)
    new Float64Array(memory.buffer, table, roots.length).set(roots)
    kernels[kernel](data, data + 4 * n, n, table)
    return view.slice()
  }

  test.each([16, 32, 64, 128, 256, 512, 1024])('n = %i: slot j is the value at zeta^(3^j)', (n) => {
    const m = reals(n)
    const z = transform('embedForward', m)
    for (const [j, power] of powersOf3(n).entries()) {
      const [re, im] = evaluate(m, power)
      expect(Math.hypot(z[j]! - re, z[j + n / 2]! - im)).toBeLessThan(1e-13 * n)
    }
  })

  // The reference takes seconds at the largest degrees.
  const degrees = name === 'reference' ? [2048, 8192, 32768] : [2048, 4096, 8192, 16384, 32768, 65536, 131072]
  test.each(degrees)('n = %i: sixteen slots against the definition', (n) => {
    const m = reals(n)
    const z = transform('embedForward', m)
    const powers = powersOf3(n)
    for (let i = 0; i < 16; i++) {
      const j = (i * 2741) % (n / 2)
      const [re, im] = evaluate(m, powers[j]!)
      expect(Math.hypot(z[j]! - re, z[j + n / 2]! - im)).toBeLessThan(1e-13 * n)
    }
  })

  test.each([16, 32, 64, 128, 1024, 8192, 32768])('n = %i: there and back again', (n) => {
    const slots = reals(n)
    const back = transform('embedForward', transform('embedInverse', slots))
    expect(largestDifference(back, slots)).toBeLessThan(1e-11)
    const coefficients = reals(n, 2)
    expect(
      largestDifference(transform('embedInverse', transform('embedForward', coefficients)), coefficients),
    ).toBeLessThan(1e-11)
  })

  test.each([16, 64, 512, 8192])('n = %i: X -> X^3 rotates the slots to the left by one, X -> X^-1 conjugates', (n) => {
    const m = transform('embedInverse', reals(n))
    const z = transform('embedForward', m)
    const substituted = (exponent: number): Float64Array => {
      const out = new Float64Array(n)
      for (const [k, x] of m.entries()) {
        const e = (k * exponent) % (2 * n)
        out[e % n] = e < n ? x : -x
      }
      return transform('embedForward', out)
    }
    const h = n / 2
    const rotated = Float64Array.from(z, (_, i) => (i < h ? z[(i + 1) % h]! : z[h + ((i - h + 1) % h)]!))
    expect(largestDifference(substituted(3), rotated)).toBeLessThan(1e-12)
    const conjugated = Float64Array.from(z, (x, i) => (i < h ? x : -x))
    expect(largestDifference(substituted(2 * n - 1), conjugated)).toBeLessThan(1e-12)
  })

  test('one constant in all slots is the constant polynomial', () => {
    const n = 1024
    const m = transform(
      'embedInverse',
      Float64Array.from({ length: n }, (_, i) => (i < n / 2 ? 3.25 : 0)),
    )
    expect(m[0]).toBeCloseTo(3.25, 13)
    expect(largest(m.subarray(1))).toBeLessThan(1e-14)
  })

  function scaleRound(input: readonly number[], scale: number): { out: number[]; largest: number } {
    const n = Math.max(16, input.length)
    const view = new Float64Array(memory.buffer, data, n)
    view.fill(0)
    view.set(input)
    const bound = kernels.scaleRound(table, data, n, scale)
    return { out: Array.from(new Float64Array(memory.buffer, table, input.length)), largest: bound }
  }

  test('scaleRound rounds to nearest, ties to even, up to 2^100', () => {
    const input = [0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999999999999994, 2 ** 52 + 1, -(2 ** 51 + 0.5), 1e9 + 0.25]
    expect(scaleRound(input, 1)).toEqual({
      out: [0, 0, 2, 2, 0, -2, -2, 0, 2 ** 52 + 1, -(2 ** 51), 1e9],
      largest: 2 ** 52 + 1,
    })
    expect(scaleRound([1, -3, 0.1], 2 ** 98)).toEqual({
      out: [2 ** 98, -3 * 2 ** 98, 0.1 * 2 ** 98],
      largest: 3 * 2 ** 98,
    })
    expect(scaleRound([], 1).largest).toBe(0)
  })

  test.each(Array.from({ length: 16 }, (_, i) => i))('scaleRound reports what is not finite, at place %i', (at) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const input = new Array<number>(16).fill(7)
      input[at] = bad
      expect(scaleRound(input, 2).largest).toBe(Math.abs(bad))
    }
    const overflow = new Array<number>(16).fill(0)
    overflow[at] = -1e300
    expect(scaleRound(overflow, 1e300).largest).toBe(Number.POSITIVE_INFINITY)
  })

  test('combine rounds both products and their sum; dst may be a source', () => {
    const n = 1024
    const a = reals(n, 3)
    const b = reals(n, 4)
    const expected = a.map((x, i) => x * 1.1 + b[i]! * 2 ** 50)
    for (const dst of [data, data + 8 * n, table]) {
      new Float64Array(memory.buffer, data, 2 * n).set([...a, ...b])
      kernels.combine(dst, data, 1.1, data + 8 * n, 2 ** 50, n)
      expect(new Float64Array(memory.buffer, dst, n).slice()).toEqual(expected)
    }
  })
})

test.each([16, 32, 64, 8192, 16384])('n = %i: both modules give the same bits', (n) => {
  for (const kernel of ['embedForward', 'embedInverse'] as const) {
    const results = backends.slice(0, 2).map(({ kernels, memory, heapBase }) => {
      const view = new Float64Array(memory.buffer, heapBase, n)
      view.set(reals(n, 5))
      const roots = embeddingTable(n)
      new Float64Array(memory.buffer, heapBase + 8 * n, roots.length).set(roots)
      kernels[kernel](heapBase, heapBase + 4 * n, n, heapBase + 8 * n)
      return view.slice()
    })
    expect(results[0]).toEqual(results[1])
  }
})
