import { GloveboxError } from '../base/errors.ts'
import { isPrime } from '../base/numbers.ts'

/** Residues are exact integers in f64 with room for the fused product: p < 2^50. */
export const maxPrimeBits = 50

/**
 * The largest primes below 2^bits that are 1 modulo 2n, descending, without those in `taken`.
 * The k-th call for a size gives the next smaller primes, so that a chain of equal sizes has distinct primes.
 */
export function nttPrimes(
  bits: number,
  count: number,
  ringDegree: number,
  taken: ReadonlySet<number> = new Set(),
): number[] {
  const step = 2 * ringDegree
  const found: number[] = []
  const smallest = 2 ** (bits - 1)
  for (let p = 2 ** bits - step + 1; p > smallest && found.length < count; p -= step) {
    if (!taken.has(p) && isPrime(BigInt(p))) found.push(p)
  }
  if (found.length < count) {
    throw new GloveboxError(
      'no-primes',
      `there are only ${found.length} free primes of ${bits} bits that are 1 modulo ${step}, ${count} are needed: use larger primes`,
    )
  }
  return found
}

/** How many primes of a size `createParams` can choose for a ring degree, counted up to `most`. */
export function countPrimes(bits: number, ringDegree: number, most: number): number {
  const step = 2 * ringDegree
  let count = 0
  for (let p = 2 ** bits - step + 1; p > 2 ** (bits - 1) && count < most; p -= step) if (isPrime(BigInt(p))) count++
  return count
}
