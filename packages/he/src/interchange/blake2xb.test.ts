import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blake2xb } from './blake2xb.ts'
import { expandSealSeed, reduceWord } from './seal-random.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const count = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)

describe('BLAKE2Xb', () => {
  test('the published vector without a key', () => {
    // testvectors/blake2-kat.json of github.com/BLAKE2/BLAKE2: input 00 … ff, 256 bytes. Its vectors with a key are older than the
    // reference code, which since sets the key length of the nodes to 0: under keys, node-seal is the judge (seal.test.ts).
    expect(hex(blake2xb(256, count(256), new Uint8Array(0)))).toBe(
      '59f8eea01a07a2670f2fe464bd755d8cde620cb4bac6006556a8663d2d9625c62fe63b6b68adba279ab287c04d3de6c4c17e6428dff30e9b2524fea1e869e42485c03a9f48af40d12d5cba0d13abac272ee36efeb8bd098ce0e1da8233ef6e6b3e96c9e05a7fedb79ae44e698640e6b8f26c43674e2c32ef17b4d7b005554ec4fd8aa1dac0f975fc888bec5bd7a06fbf29ae09f2d37c5eb7d0f67c9c77d5caf7afe681ae336fb3fccd97ecdec0348cdea4787a4e9de4df4bbfb209eeb642ce8f92730d598a71c94259e648d0a4dd89079a06c4b463ba1d175476337d553b0401d2b6f0c32639e3edcdd8c225c61e0afa5cd103b5d26a56afe3ac9462df794dc0',
    )
  })

  test('lengths and keys out of range are refused', () => {
    for (const length of [0, -1, 1.5, 2 ** 32])
      expect(() => blake2xb(length, count(1), count(1))).toThrow('"length" expected an integer from 1 to 2^32 - 2, got')
    expect(() => blake2xb(8, count(1), count(65))).toThrow('"key" expected at most 64 bytes, got 65')
  })
})

test('a word modulo a prime is the exact remainder', () => {
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 })
  const prime = fc.constantFrom(2053, 12289, 65537, 1099511480321, 1125899906826241, 562949953421381)
  const check = (high: number, low: number, p: number): void => {
    expect(reduceWord(high, low, p)).toBe(Number(((BigInt(high) << 32n) | BigInt(low)) % BigInt(p)))
  }
  fc.assert(fc.property(word, word, prime, check), { numRuns: 2000 })
  // And around every kind of multiple, where the quotient is most easily off by one.
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.integer({ min: -2, max: 2 }), prime, (x, offset, p) => {
      const near = (x / BigInt(p)) * BigInt(p) + BigInt(offset)
      if (near >= 0n && near < 2n ** 64n) check(Number(near >> 32n), Number(near & 0xffffffffn), p)
    }),
    { numRuns: 2000 },
  )
})

test('a seed of SHAKE256 is expanded with counters behind it, rejected words are drawn anew at the end', () => {
  const seed = count(64)
  const n = 4096
  // Moduli just above 2^64 / 16385 reject as many words as a modulus of 50 bits can: one in 2^14.
  const primes = [1, 2, 3, 4].map((more) => Number(2n ** 64n / 16385n) + more)
  let rejections = 0
  for (let trial = 0; trial < 6; trial++) {
    seed[0] = trial
    const limbs = primes.map(() => new Float64Array(n))
    expandSealSeed('shake256', seed, n, primes, (i) => limbs[i]!)
    let at = 0
    let bytes = Buffer.alloc(0)
    const draw = (): bigint => {
      if (at % 512 === 0) {
        const counter = Buffer.alloc(8)
        counter.writeUInt32LE(at / 512)
        bytes = createHash('shake256', { outputLength: 4096 }).update(seed).update(counter).digest()
      }
      return bytes.readBigUInt64LE(8 * (at++ % 512))
    }
    const words = primes.map(() => Array.from({ length: n }, draw))
    primes.forEach((p, i) => {
      const most = 2n ** 64n - 1n
      const limit = most - (most % BigInt(p)) - 1n
      for (let j = 0; j < n; j++) {
        while (words[i]![j]! >= limit) {
          words[i]![j] = draw()
          rejections++
        }
        const r = Number(words[i]![j]! % BigInt(p))
        if (limbs[i]![j] !== (r > (p - 1) / 2 ? r - p : r)) throw new Error(`limb ${i}, residue ${j}`)
      }
    })
  }
  expect(rejections).toBeGreaterThan(0)
})
