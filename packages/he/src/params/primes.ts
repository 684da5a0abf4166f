import { GloveboxError } from '../base/errors.ts'
import { isPrime } from '../base/numbers.ts'

/** Residues are exact integers in f64 with room for the fused product: p < 2^50. */
export const maxPrimeBits = 50

/** Primes of exactly `bits` bits that are 1 modulo 2N, from the largest down. */
function* primesOf(bits: number, ringDegree: number): Generator<number> {
  const step = 2 * ringDegree
  for (let p = 2 ** bits - step + 1; p > 2 ** (bits - 1); p -= step) if (isPrime(BigInt(p))) yield p
}

/** The largest `count` primes of `bits` bits that are 1 modulo 2N, descending. Throws GloveboxError `no-primes`. */
export function nttPrimes(bits: number, count: number, ringDegree: number): number[] {
  const found = [...take(primesOf(bits, ringDegree), count)]
  if (found.length < count) {
    throw new GloveboxError(
      'no-primes',
      `there are only ${found.length} primes of ${bits} bits that are 1 modulo ${2 * ringDegree}, ${count} are needed: use larger primes`,
    )
  }
  return found
}

/**
 * How many primes of exactly `bits` bits (1 to 50) are 1 modulo 2N, so that `createParams` can choose them: from 0 to `most`, where counting stops.
 * Arguments are not checked. Primality: Miller-Rabin with the bases of Sorenson and Webster 2015, exact in this range.
 */
export function countPrimes(bits: number, ringDegree: number, most: number): number {
  return [...take(primesOf(bits, ringDegree), most)].length
}

function* take(primes: Iterable<number>, count: number): Generator<number> {
  if (count === 0) return
  for (const p of primes) {
    yield p
    if (--count === 0) return
  }
}
