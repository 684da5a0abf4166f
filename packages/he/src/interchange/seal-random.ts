import { shake256 } from '@noble/hashes/sha3.js'
import { blake2xb } from './blake2xb.ts'

/** The generators of SEAL that a seed may name, by their numbers on the wire. */
export type SealGenerator = 'blake2xb' | 'shake256'

/** Bytes of a seed. */
export const sealSeedBytes = 64
/** Bytes that SEAL's generators make at a time. */
const chunkBytes = 4096

/** Bytes of chunk i: the counter i, a u64, under the seed (BLAKE2Xb) or behind it (SHAKE256, FIPS 202). */
function chunk(generator: SealGenerator, seed: Uint8Array, counter: number): Uint8Array {
  const count = new Uint8Array(8)
  new DataView(count.buffer).setUint32(0, counter, true)
  if (generator === 'blake2xb') return blake2xb(chunkBytes, count, seed)
  const input = new Uint8Array(seed.length + 8)
  input.set(seed)
  input.set(count, seed.length)
  return shake256(input, { dkLen: chunkBytes })
}

/** The stream of one seed as little-endian u64, each as a low and a high u32. */
function createStream(generator: SealGenerator, seed: Uint8Array): { low: number; high: number; next(): void } {
  let counter = 0
  let words: Uint32Array = new Uint32Array(0)
  let at = 0
  return {
    low: 0,
    high: 0,
    next() {
      if (at === words.length) {
        const bytes = chunk(generator, seed, counter++)
        words = new Uint32Array(bytes.buffer, bytes.byteOffset, chunkBytes / 4)
        at = 0
      }
      this.low = words[at]!
      this.high = words[at + 1]!
      at += 2
    },
  }
}

/** (2^32 high + low) mod p in [0, p), for 2^11 < p < 2^50. */
export function reduceWord(high: number, low: number, p: number): number {
  // The quotient is below 2^53 and off by at most 2, so the remainder is known modulo 2^52: products of 26-bit halves are exact.
  const quotient = Math.floor((high * 2 ** 32 + low) / p)
  const qHigh = Math.floor(quotient / 2 ** 26)
  const qLow = quotient - qHigh * 2 ** 26
  const pHigh = Math.floor(p / 2 ** 26)
  const pLow = p - pHigh * 2 ** 26
  const product = qLow * pLow + ((qLow * pHigh + qHigh * pLow) % 2 ** 26) * 2 ** 26
  let r = (high % 2 ** 20) * 2 ** 32 + low - (product % 2 ** 52)
  // Into [-2^51, 2^51), where it lies: where p is above 2^24 the quotient is off by at most 1.
  if (r < -(2 ** 51)) r += 2 ** 52
  else if (r >= 2 ** 51) r -= 2 ** 52
  while (r < 0) r += p
  while (r >= p) r -= p
  return r
}

/**
 * The polynomial that SEAL 4 expands from a seed, canonical and balanced, limb after limb: one word for each residue of all limbs first;
 * then, in the same order, each that was too large for a uniform residue is drawn anew until it is not.
 */
export function expandSealSeed(
  generator: SealGenerator,
  seed: Uint8Array,
  n: number,
  primes: readonly number[],
  limb: (i: number) => Float64Array,
): void {
  const stream = createStream(generator, seed)
  const rejected: { readonly limb: number; readonly index: number }[] = []
  const limits = primes.map((p) => {
    const most = 2n ** 64n - 1n
    const limit = most - (most % BigInt(p)) - 1n
    return { high: Number(limit >> 32n), low: Number(limit & 0xffffffffn) }
  })
  const below = (i: number): boolean => {
    const { high, low } = limits[i]!
    return stream.high < high || (stream.high === high && stream.low < low)
  }
  const residue = (p: number): number => {
    const r = reduceWord(stream.high, stream.low, p)
    return r > (p - 1) / 2 ? r - p : r
  }
  primes.forEach((p, i) => {
    const values = limb(i)
    for (let j = 0; j < n; j++) {
      stream.next()
      if (below(i)) values[j] = residue(p)
      else rejected.push({ limb: i, index: j })
    }
  })
  for (const { limb: i, index } of rejected) {
    do stream.next()
    while (!below(i))
    limb(i)[index] = residue(primes[i]!)
  }
}
