import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { bitReverse, centred, mod, powMod, smallestPrimitiveRoot } from '../base/numbers.ts'
import { nttTable, smallestRoot } from './ntt-tables.ts'

// Known answers for the transforms, from the definitions and not from another transform.

/** n, p: the second and third are 1 modulo 2^18, just below 2^50 and 2^49. */
const p20 = 786433
const p50 = 1125899902124033
const p49 = 562949950537729

const backends = [openBackend('wasm-fused'), openBackend('wasm'), openBackend('reference')]

function random(n: number, p: number, seed: number): bigint[] {
  let state = seed
  const word = (): bigint => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return BigInt(state >>> 4)
  }
  return Array.from({ length: n }, () => centred((word() << 28n) | word(), BigInt(p)))
}

/** Product modulo X^n + 1 and p. */
function schoolbook(a: readonly bigint[], b: readonly bigint[], p: bigint): bigint[] {
  const n = a.length
  const product: bigint[] = new Array(n).fill(0n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i + j < n) product[i + j]! += a[i]! * b[j]!
      else product[i + j - n]! -= a[i]! * b[j]!
    }
  }
  return product.map((x) => centred(x, p))
}

describe.each(backends.map((backend) => [backend.name, backend] as const))('%s', (_, { kernels, memory, heapBase }) => {
  const place = (at: number, values: Iterable<number>): number => {
    const list = Float64Array.from(values)
    new Float64Array(memory.buffer, at, list.length).set(list)
    return at
  }
  const read = (at: number, n: number, p: number): bigint[] =>
    Array.from(new Float64Array(memory.buffer, at, n), (x) => centred(BigInt(x), BigInt(p)))

  test.each([
    [16, p20],
    [32, p20],
    [64, p49],
    [128, p50],
    [256, p49],
    [512, p50],
  ])('multiplies polynomials of degree < %i modulo %i', (n, p) => {
    const [a, b] = [random(n, p, 1), random(n, p, 2)]
    const [x, y, forward, inverse] = [0, 1, 2, 3].map((i) => heapBase + i * (8 * n + 64)) as [
      number,
      number,
      number,
      number,
    ]
    place(x, a.map(Number))
    place(y, b.map(Number))
    place(forward, nttTable(n, p))
    place(inverse, nttTable(n, p))
    kernels.nttForward(x, n, p, 1 / p, forward)
    kernels.nttForward(y, n, p, 1 / p, forward)
    kernels.mul(x, x, y, n, p, 1 / p)
    kernels.nttInverse(x, n, p, 1 / p, inverse)
    expect(read(x, n, p)).toEqual(schoolbook(a, b, BigInt(p)))
  })

  test.each([
    [16, p50],
    [32, p49],
    [128, p20],
    [256, p49],
  ])('evaluates at the odd powers of psi in bit-reversed order, n = %i', (n, p) => {
    const q = BigInt(p)
    const f = random(n, p, 3)
    const psi = smallestPrimitiveRoot(2 * n, q)
    place(heapBase, f.map(Number))
    kernels.nttForward(heapBase, n, p, 1 / p, place(heapBase + 8 * n, nttTable(n, p)))
    const values = read(heapBase, n, p)
    for (let i = 0; i < n; i++) {
      const point = powMod(psi, BigInt(2 * bitReverse(i, Math.log2(n)) + 1), q)
      expect(values[i]).toBe(
        centred(
          f.reduceRight((sum, c) => mod(sum * point + c, q), 0n),
          q,
        ),
      )
    }
  })

  test('inverts at every degree', () => {
    for (let n = 16; n <= (_ === 'reference' ? 1024 : 131072); n *= 2) {
      const room = heapBase + 2 * (8 * n + 64) - memory.buffer.byteLength
      if (room > 0) memory.grow(Math.ceil(room / 65536))
      for (const p of [p49, p50]) {
        const table = place(heapBase + 8 * n + 64, nttTable(n, p))
        const f = random(n, p, n)
        place(heapBase, f.map(Number))
        kernels.nttForward(heapBase, n, p, 1 / p, table)
        kernels.nttInverse(heapBase, n, p, 1 / p, table)
        const back = read(heapBase, n, p)
        expect(back.findIndex((x, i) => x !== f[i])).toBe(-1)
      }
    }
  })
})

describe('tables', () => {
  test.each([
    [16, p20],
    [1024, p49],
    [4096, p50],
    [131072, p49],
  ])('the smallest primitive root, n = %i, p = %i', (n, p) => {
    expect(BigInt(smallestRoot(n, p))).toBe(smallestPrimitiveRoot(2 * n, BigInt(p)))
  })

  test.each([
    [16, p20],
    [32, p50],
    [2048, p49],
    [4096, p50],
  ])('the powers of psi, n = %i, p = %i', (n, p) => {
    const q = BigInt(p)
    const psi = smallestPrimitiveRoot(2 * n, q)
    const table = nttTable(n, p)
    const expected = Array.from(table, (_, k) => centred(powMod(psi, BigInt(bitReverse(k, Math.log2(n))), q), q))
    expect(Array.from(table, BigInt).slice(1)).toEqual(expected.slice(1))
    expect((BigInt(table[0]!) * BigInt(n) - 1n) % q).toBe(0n)
  })

  test('refuses what cannot be', () => {
    expect(() => nttTable(24, p20)).toThrow(RangeError)
    expect(() => nttTable(1024, 1031)).toThrow(RangeError)
    expect(() => nttTable(1024, 2 ** 52 + 1)).toThrow(RangeError)
  })
})
