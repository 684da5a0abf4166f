import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'

const backends = [openBackend('wasm-fused'), openBackend('wasm'), openBackend('reference')]

/** One large integer, its bits in order. */
function bitPack(values: readonly bigint[], bits: number): Uint8Array {
  const stream = values.reduce((sum, x, i) => sum | (x << BigInt(i * bits)), 0n)
  return Uint8Array.from({ length: Math.ceil((values.length * bits) / 8) }, (_, k) =>
    Number((stream >> BigInt(8 * k)) & 255n),
  )
}

/** The largest odd modulus that `bits` bits can carry within the library's range; 1 for a single bit. */
function largestModulus(bits: number): number {
  return Math.min(2 ** bits, 2 ** 50) - 1
}

describe.each(backends)('packing on $name', ({ kernels, memory, heapBase }) => {
  const values = heapBase
  const packed = values + 8 * 8192
  const missing = packed + 8 * 8192 + 64 - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65536))

  function pack(residues: readonly number[], bits: number, p: number): Uint8Array {
    const n = residues.length
    const length = Math.ceil((n * bits) / 8)
    const padded = Math.ceil(length / 8) * 8
    new Float64Array(memory.buffer, values, n).set(residues)
    new Uint8Array(memory.buffer, packed, padded + 64).fill(0xa5)
    kernels.pack(packed, values, n, bits, p, 1 / p)
    expect(new Uint8Array(memory.buffer, packed + padded, 64).every((b) => b === 0xa5)).toBe(true)
    return new Uint8Array(memory.buffer, packed, length).slice()
  }

  function unpack(bytes: Uint8Array, n: number, bits: number, p: number): { refused: number; residues: number[] } {
    new Uint8Array(memory.buffer, packed, bytes.length).set(bytes)
    new Uint8Array(memory.buffer, packed + bytes.length, 64).fill(0xa5)
    new Float64Array(memory.buffer, values, n).fill(0.5)
    const refused = kernels.unpack(values, packed, n, bits, p)
    return { refused, residues: Array.from(new Float64Array(memory.buffer, values, n)) }
  }

  test('packs as one large integer does, and unpacks to canonical residues: 1 to 53 bits', () => {
    const cases = fc
      .tuple(
        fc.integer({ min: 1, max: 53 }),
        fc.constantFrom(16, 32, 64, 128),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
      )
      .chain(([bits, n, part]) => {
        const largest = largestModulus(bits)
        const p = Math.max(1, Math.floor((largest * part - 1) / 2) * 2 + 1)
        const reach = Math.floor(0.7 * p)
        return fc.record({
          bits: fc.constant(bits),
          p: fc.constant(p),
          residues: fc.array(
            fc.maxSafeInteger().map((x) => x % (reach + 1)),
            { minLength: n, maxLength: n },
          ),
        })
      })
    fc.assert(
      fc.property(cases, ({ bits, p, residues }) => {
        const unsigned = residues.map((x) => BigInt(x < 0 ? x + p : x))
        const bytes = pack(residues, bits, p)
        expect(bytes).toEqual(bitPack(unsigned, bits))
        const canonical = unsigned.map((x) => Number(x > BigInt((p - 1) / 2) ? x - BigInt(p) : x))
        expect(unpack(bytes, residues.length, bits, p)).toEqual({ refused: 0, residues: canonical })
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('values from p upward are counted and leave 0: 1 to 53 bits', () => {
    const n = 128
    for (let bits = 1; bits <= 53; bits++) {
      const p = largestModulus(bits) - (bits > 3 ? 2 : 0)
      const top = (1n << BigInt(bits)) - 1n
      const stream = Array.from({ length: n }, (_, i) => {
        if (i % 5 === 0) return top
        if (i % 5 === 1) return BigInt(p)
        if (i % 5 === 2) return BigInt(p) - 1n
        return (BigInt(i) * 0x9e3779b97f4a7c15n) % BigInt(p)
      })
      const { refused, residues } = unpack(bitPack(stream, bits), n, bits, p)
      expect(refused).toBe(stream.filter((x) => x >= BigInt(p)).length)
      expect(residues).toEqual(
        stream.map((x) => (x >= BigInt(p) ? 0 : Number(x > BigInt((p - 1) / 2) ? x - BigInt(p) : x))),
      )
    }
  })

  test('a limb of 8192 residues of 49 bits', () => {
    const p = 562949952847873
    const residues = Array.from({ length: 8192 }, (_, i) => ((i * 7919 * 68719476731) % p) - (p - 1) / 2)
    residues[0] = Math.floor(0.7 * p)
    residues[8191] = -Math.floor(0.7 * p)
    const bytes = pack(residues, 49, p)
    expect(bytes).toEqual(
      bitPack(
        residues.map((x) => BigInt(x < 0 ? x + p : x)),
        49,
      ),
    )
    const canonical = residues.map((x) => (x > (p - 1) / 2 ? x - p : x < -(p - 1) / 2 ? x + p : x))
    expect(unpack(bytes, 8192, 49, p)).toEqual({ refused: 0, residues: canonical })
  })

  test('unpack reads no further than the bytes of the stream, up to a multiple of eight', () => {
    const end = memory.buffer.byteLength
    for (const n of [16, 32, 64, 128]) {
      for (let bits = 1; bits <= 53; bits++) {
        const length = Math.ceil((n * bits) / 64) * 8
        const src = end - length - (length % 16)
        new Uint8Array(memory.buffer, src, end - src).fill(0)
        expect(kernels.unpack(values, end - length, n, bits, largestModulus(bits))).toBe(0)
      }
    }
  })
})
