import { createCipheriv } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { chachaBlock } from './reference/expand.ts'

const backends = [openBackend('wasm-fused'), openBackend('wasm'), openBackend('reference')]

const counting = Uint8Array.from({ length: 32 }, (_, i) => i)
const prime49 = 562949952847873 // 2^49 - 573439, bits = 49: rejects one candidate in 2^32 or so
const primeAbove = 281474976710677 // 2^48 + 21, bits = 49, rejects every other candidate

/** The key stream by OpenSSL: its 16-byte iv is the counter and the nonce of RFC 8439. */
function keyStream(key: Uint8Array, nonce: readonly number[], bytes: number): DataView {
  const iv = Buffer.alloc(16)
  for (const [i, word] of nonce.entries()) iv.writeUInt32LE(word, 4 + 4 * i)
  const stream = createCipheriv('chacha20', key, iv).update(new Uint8Array(bytes))
  return new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
}

/** The contract of Kernels.expandUniform over OpenSSL's stream. */
function expected(key: Uint8Array, n: number, p: number, domain: number, index: number): number[] {
  const stream = keyStream(key, [domain, index, 0], 64 * n + 4096)
  const bits = Math.ceil(Math.log2(p))
  const out: number[] = []
  for (let at = 0; out.length < n; at += 8) {
    const x = Number(BigInt.asUintN(bits, stream.getBigUint64(at, true)))
    if (x < p) out.push(x > (p - 1) / 2 ? x - p : x)
  }
  return out
}

test('RFC 8439, section 2.3.2: the reference block function', () => {
  const words = chachaBlock(new Uint32Array(counting.buffer), 1, [0x09000000, 0x4a000000, 0])
  expect(Array.from(words, (w) => w.toString(16).padStart(8, '0'))).toEqual(
    (
      'e4e7f110 15593bd1 1fdd0f50 c47120a3 c7f4d1c7 0368c033 9aaa2204 4e6cd4c3 ' +
      '466482d2 09aa9f07 05d7c214 a2028bd9 d19c12b5 b94e16de e883d0cb 4e3c50a2'
    ).split(' '),
  )
})

describe.each(backends)('expandUniform on $name', ({ kernels, memory, heapBase }) => {
  const seed = heapBase
  const dst = heapBase + 64
  const missing = dst + 8 * 131072 + 64 - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65536))

  function expand(key: Uint8Array, n: number, p: number, domain: number, index: number): number[] {
    new Uint8Array(memory.buffer, seed, 32).set(key)
    const view = new Float64Array(memory.buffer, dst, n + 1)
    view.fill(0.5)
    kernels.expandUniform(dst, n, p, seed, domain, index)
    expect(view[n], 'nothing is written behind the limb').toBe(0.5)
    return Array.from(view.subarray(0, n))
  }

  test('RFC 8439, section 2.3.2: block 1 of the stream', () => {
    // The vector's nonce 00000009:0000004a:00000000 is big-endian text of the little-endian words below.
    const p = 1125899906842597 // 2^50 - 27
    const block = [0x15593bd1e4e7f110n, 0xc47120a31fdd0f50n, 0x0368c033c7f4d1c7n, 0x4e6cd4c39aaa2204n]
    const out = expand(counting, 16, p, 0x09000000, 0x4a000000)
    for (const [i, word] of block.entries()) {
      const x = Number(BigInt.asUintN(50, word))
      expect(out[8 + i]).toBe(x > (p - 1) / 2 ? x - p : x)
    }
  })

  test.each([
    [16, 3, 0, 0],
    [16, prime49, 1, 2],
    [32, 12289, 0xffffffff, 0xfffffffe],
    [1024, 65537, 7, 0x80000000],
    [8192, prime49, 3, 4],
    [8192, primeAbove, 5, 6],
    [8192, 1125899906842597, 5, 6],
  ])('n = %i, p = %i, nonce (%i, %i): equal to the contract over OpenSSL', (n, p, domain, index) => {
    const key = counting.map((x) => (x * 37 + domain) & 255)
    expect(expand(key, n, p, domain, index)).toEqual(expected(key, n, p, domain, index))
  })

  test.each([prime49, primeAbove])('p = %i: 64 bins of equal width are filled evenly', (p) => {
    const n = 65536
    const counts = new Array<number>(64).fill(0)
    const residues = expand(counting, n, p, 1, 1)
    expect(residues.every((x) => Number.isInteger(x) && Math.abs(x) <= (p - 1) / 2)).toBe(true)
    for (const x of residues) counts[Math.floor(((x + (p - 1) / 2) / p) * 64)]!++
    const chiSquare = counts.reduce((sum, c) => sum + (c - n / 64) ** 2 / (n / 64), 0)
    // 63 degrees of freedom: the 0.1% and 99.9% quantiles (the seed is fixed, so this fails always or never).
    expect(chiSquare).toBeGreaterThan(33.8)
    expect(chiSquare).toBeLessThan(103.5)
  })
})
