import type { TextHashing } from './steps.ts'

/**
 * MurmurHash3, the 32-bit variant for x86 (A. Appleby, public domain): of bytes, as a signed number. Not for cryptography.
 * Same bytes and seed, same number as in scikit-learn and in the author's code.
 */
export function murmur3(bytes: Uint8Array, seed = 0): number {
  const scramble = (k: number): number => {
    const product = Math.imul(k, 0xcc9e2d51)
    return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
  }
  const whole = bytes.length & ~3
  let h = seed | 0
  for (let i = 0; i < whole; i += 4) {
    h ^= scramble(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  if (bytes.length > whole) h ^= scramble(tail)
  h ^= bytes.length
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Words are longest runs of letters, digits and underscores, as \w is in Python. */
function wordsOf(text: string, { keepCase, shortest = 2 }: TextHashing): string[] {
  const words = /[\p{L}\p{N}_]+/gu
  const found = (keepCase ? text : text.toLowerCase()).match(words) ?? []
  // Characters beyond the basic plane are two units of a string.
  return shortest === 1 ? found : found.filter((word) => word.length > 2 || [...word].length > 1)
}

/**
 * A text as `size` numbers: its words, joined by spaces to n-grams, are hashed as UTF-8 with seed 0; hash h adds its sign to
 * number |h| mod size. This is scikit-learn's HashingVectorizer with `analyzer='word'` (Weinberger et al., ICML 2009).
 */
export function hashText(text: string, hashing: TextHashing): Float64Array {
  const { size, ngrams, norm, unsigned, binary } = hashing
  const out = new Float64Array(size)
  const touched = new Set<number>()
  const words = wordsOf(text, hashing)
  const encoder = new TextEncoder()
  for (let n = ngrams[0]; n <= ngrams[1]; n++) {
    for (let first = 0; first + n <= words.length; first++) {
      const h = murmur3(encoder.encode(words.slice(first, first + n).join(' ')))
      // scikit-learn's answer to -2^31, whose absolute value is no 32-bit number.
      const at = h === -(2 ** 31) ? (2 ** 31 - (size - 1)) % size : Math.abs(h) % size
      out[at]! += h < 0 && !unsigned ? -1 : 1
      touched.add(at)
    }
  }
  if (binary) for (const at of touched) out[at] = 1
  if (norm === 'none') return out
  let sum = 0
  for (const at of touched) sum += norm === 'l1' ? Math.abs(out[at]!) : out[at]! ** 2
  const length = norm === 'l1' ? sum : Math.sqrt(sum)
  if (length > 0) for (const at of touched) out[at]! /= length
  return out
}
