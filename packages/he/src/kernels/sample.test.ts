import { createCipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'

const backends = [openBackend('wasm-fused'), openBackend('wasm'), openBackend('reference')]

/** Reproducible random bytes: the distribution tests below fail always or never. */
function randomBytes(label: number, length: number): Uint8Array {
  return createCipheriv('chacha20', new Uint8Array(32).fill(label), new Uint8Array(16)).update(new Uint8Array(length))
}

/** The upper 0.1% point of chi-square (Wilson and Hilferty 1931). */
function chiSquareLimit(degrees: number): number {
  return degrees * (1 - 2 / (9 * degrees) + 3.0902 * Math.sqrt(2 / (9 * degrees))) ** 3
}

describe.each(backends)('sampling on $name', ({ kernels, memory, heapBase }) => {
  const largest = 131072
  const dst = heapBase
  const bytes = dst + 8 * largest + 64
  const missing = bytes + 6 * largest - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65536))

  function ternary(source: Uint8Array, n: number): number[] {
    new Uint8Array(memory.buffer, bytes, source.length).set(source)
    const view = new Float64Array(memory.buffer, dst, n + 1)
    view.fill(0.5)
    const written = kernels.sampleTernary(dst, n, bytes, source.length)
    expect(view[written], 'nothing is written behind the last coefficient').toBe(0.5)
    return Array.from(view.subarray(0, written))
  }

  function binomial(source: Uint8Array): number[] {
    const n = source.length / 6
    new Uint8Array(memory.buffer, bytes, source.length).set(source)
    kernels.sampleBinomial(dst, n, bytes)
    return Array.from(new Float64Array(memory.buffer, dst, n))
  }

  test('ternary: every byte value, at every place of a vector', () => {
    const all = Array.from({ length: 256 }, (_, i) => i)
    for (let shift = 0; shift < 16; shift++) {
      const source = Uint8Array.from([...all.slice(shift), ...all.slice(0, shift)])
      expect(ternary(source, 256)).toEqual(
        Array.from(
          source.filter((b) => b < 255),
          (b) => (b % 3) - 1,
        ),
      )
    }
  })

  test('ternary: stops at n, and reports how far the bytes reached', () => {
    expect(ternary(new Uint8Array(40).fill(5), 32)).toEqual(new Array(32).fill(1))
    expect(ternary(new Uint8Array(30).fill(3), 32)).toEqual(new Array(30).fill(-1))
    expect(ternary(new Uint8Array(64).fill(255), 16)).toEqual([])
    expect(ternary(new Uint8Array(0), 16)).toEqual([])
    const sparse = new Uint8Array(64).fill(255)
    sparse[63] = 4
    expect(ternary(sparse, 16)).toEqual([0])
  })

  test('ternary: -1, 0 and 1 equally often in 2^20 draws (0.1% significance)', () => {
    const counts = [0, 0, 0]
    for (let round = 0; round < 8; round++) {
      const draws = ternary(randomBytes(round, largest + 2048), largest)
      expect(draws.length).toBe(largest)
      for (const x of draws) counts[x + 1]!++
    }
    const mean = (8 * largest) / 3
    expect(counts.reduce((sum, c) => sum + (c - mean) ** 2 / mean, 0)).toBeLessThan(chiSquareLimit(2))
  })

  test('binomial: the sign of every single bit, and the extremes', () => {
    const source = new Uint8Array(6 * 64)
    for (let bit = 0; bit < 48; bit++) source[6 * bit + (bit >> 3)] = 1 << (bit & 7)
    const minus = (1n << 42n) - (1n << 21n)
    for (const [i, word] of [(1n << 21n) - 1n, minus, (1n << 48n) - 1n, minus | (63n << 42n)].entries()) {
      for (let k = 0; k < 6; k++) source[6 * (48 + i) + k] = Number((word >> BigInt(8 * k)) & 255n)
    }
    const values = Array.from({ length: 48 }, (_, bit) => (bit < 21 ? 1 : bit < 42 ? -1 : 0))
    expect(binomial(source)).toEqual([...values, 21, -21, 0, -21, ...new Array(12).fill(0)])
  })

  test('neither reads behind its bytes', () => {
    const end = memory.buffer.byteLength
    new Uint8Array(memory.buffer, end - 96).fill(255)
    kernels.sampleBinomial(dst, 16, end - 96)
    expect(Array.from(new Float64Array(memory.buffer, dst, 16))).toEqual(new Array(16).fill(0))
    expect(kernels.sampleTernary(dst, 64, end - 48, 48)).toBe(0)
  })

  test('binomial: 2^20 draws follow C(42, 21 + x) / 2^42 (0.1% significance)', () => {
    const counts = new Array<number>(43).fill(0)
    for (let round = 0; round < 8; round++) {
      for (const x of binomial(randomBytes(16 + round, 6 * largest))) counts[21 + x]!++
    }
    const draws = 8 * largest
    const probabilities = [2 ** -42]
    for (let k = 0; k < 42; k++) probabilities.push((probabilities[k]! * (42 - k)) / (k + 1))
    // Values expected fewer than ten times are counted as one.
    let rare = 0
    let rareExpected = 0
    let chiSquare = 0
    let bins = 0
    for (const [k, count] of counts.entries()) {
      const mean = draws * probabilities[k]!
      if (mean < 10) {
        rare += count
        rareExpected += mean
      } else {
        chiSquare += (count - mean) ** 2 / mean
        bins++
      }
    }
    chiSquare += (rare - rareExpected) ** 2 / rareExpected
    expect(chiSquare).toBeLessThan(chiSquareLimit(bins))
    const variance = counts.reduce((sum, c, k) => sum + c * (k - 21) ** 2, 0) / draws
    // The square of one draw has a variance just below 2 * 10.5^2: five standard deviations of the mean.
    expect(Math.abs(variance - 10.5)).toBeLessThan((5 * Math.sqrt(2) * 10.5) / Math.sqrt(draws))
  })
})
