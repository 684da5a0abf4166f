import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { mod } from '../base/numbers.ts'
import { factor } from '../ring/ring.ts'
import { Draw } from '../test-support/random.ts'

// Messages of BFV and BGV are reduced modulo t, which need be neither prime nor odd: the kernels that do it take any modulus from 2.

const n = 64
const backends = (['wasm-fused', 'wasm', 'reference'] as const).map((name) => openBackend(name))

describe.each(backends)('$name', ({ kernels, memory, heapBase }) => {
  memory.grow(1)
  const at = (limb: number): number => heapBase + 8 * n * limb
  const write = (limb: number, values: readonly bigint[]): void =>
    new Float64Array(memory.buffer, at(limb), values.length).set(values.map(Number))
  const read = (limb: number): bigint[] => Array.from(new Float64Array(memory.buffer, at(limb), n), BigInt)

  test.each([2, 3, 15, 256, 1000, 65537, 2 ** 31 + 2, 2 ** 32])('modulo %i', (t) => {
    const draw = new Draw(`modulo ${t}`)
    const T = BigInt(t)
    const values = (range: number): bigint[] =>
      Array.from({ length: n }, (_, i) => BigInt([range, -range, 0][i] ?? draw.integer(-range, range)))
    const same = (got: readonly bigint[], expected: readonly bigint[], range: number): void => {
      got.forEach((x, i) => {
        expect(mod(x - expected[i]!, T), `[${i}] ${x}, ${expected[i]}`).toBe(0n)
        // Where t is even, t/2 and -t/2 are one.
        expect(Math.abs(Number(x))).toBeLessThanOrEqual(range * t)
      })
    }

    for (const range of [t, 2 ** 40, 2 ** 52]) {
      const x = values(range)
      write(0, x)
      kernels.reduce(at(1), at(0), n, t, 1 / t)
      same(read(1), x, 0.5)
    }
    for (const constant of [1n, T - 1n, T / 2n, BigInt(draw.integer(0, t - 1))]) {
      const x = values(t)
      const { w, wp } = factor(constant, t)
      write(0, x)
      kernels.mulScalar(at(1), at(0), n, w, wp, t)
      same(
        read(1),
        x.map((value) => value * constant),
        0.57,
      )
    }
    for (const m of [1, 2, 9]) {
      const y = Array.from({ length: m }, () => values(2 ** 49))
      const v = values(Math.floor(m / 2) + 1)
      const constants = Array.from({ length: m + 1 }, () => BigInt(draw.integer(0, t - 1)))
      y.forEach((limb, i) => write(1 + i, limb))
      write(0, v)
      const table = at(20)
      new Float64Array(memory.buffer, table, 2 * m + 2).set(
        constants.flatMap((c) => {
          const { w, wp } = factor(c, t)
          return [w, wp]
        }),
      )
      kernels.basisCombine(at(15), at(1), 8 * n, at(0), m, table, n, t, 1 / t)
      same(
        read(15),
        v.map((k, i) => y.reduce((sum, limb, j) => sum + limb[i]! * constants[j]!, -k * constants[m]!)),
        0.7,
      )
    }
  })
})
