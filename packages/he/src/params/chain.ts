import { GloveboxError } from '../base/errors.ts'
import { isPrime } from '../base/numbers.ts'
import { nttPrimes } from './primes.ts'

/** How far a scale may stray from 2^scaleBits, in bits. */
const largestDrift = 0.5

/**
 * `depth` primes near 2^bits that are 1 modulo 2N, in the order of a chain (the last is divided by first), chosen so that scales stay where they
 * are: a product of two values of scale s divided by q has scale s²/q, so that every deviation doubles on each level unless the next prime, above
 * or below 2^bits, takes it away. Kim, Papadimitriou, Polyakov 2020 (eprint 2020/1118), section 4.
 *
 * Throws GloveboxError `no-primes` where there are too few, or a scale would stray by more than half a bit.
 */
export function steadyPrimes(bits: number, depth: number, ringDegree: number): number[] {
  const free = nearest(bits, depth + 8, ringDegree)
  const chain: number[] = []
  let drift = 0
  for (let i = 0; i < depth; i++) {
    let best: number | undefined
    for (const p of free) if (best === undefined || stray(p, bits, drift) < stray(best, bits, drift)) best = p
    if (best === undefined || stray(best, bits, drift) > largestDrift) {
      throw new GloveboxError(
        'no-primes',
        `there are too few primes near 2^${bits} that are 1 modulo ${2 * ringDegree}, ${depth} are needed: use larger scales`,
      )
    }
    drift = 2 * drift - (Math.log2(best) - bits)
    free.splice(free.indexOf(best), 1)
    chain.unshift(best)
  }
  return chain
}

/** Where the scale lands from 2^bits after a level that divides by p, in bits. */
function stray(p: number, bits: number, drift: number): number {
  return Math.abs(2 * drift - (Math.log2(p) - bits))
}

/** The primes next to 2^bits, above and below, up to `count`. */
function nearest(bits: number, count: number, ringDegree: number): number[] {
  const step = 2 * ringDegree
  const found: number[] = []
  for (let up = 2 ** bits + 1, down = 2 ** bits - step + 1; found.length < count; up += step, down -= step) {
    if (up >= 2 ** (bits + 1) || down <= 2 ** (bits - 1)) break
    for (const p of [up, down]) if (isPrime(BigInt(p))) found.push(p)
  }
  return found.slice(0, count)
}

/** The largest primes of each size that a chain does not have yet, in the order of the sizes. */
export function otherPrimes(sizes: readonly number[], ringDegree: number, taken: readonly number[]): number[] {
  const used = new Set(taken)
  return sizes.map((bits) => {
    const among = [...used].filter((p) => p < 2 ** bits && p > 2 ** (bits - 1)).length + 1
    const p = nttPrimes(bits, among, ringDegree).find((candidate) => !used.has(candidate))!
    used.add(p)
    return p
  })
}

/** ⌈log2 p⌉, the size that a literal states for a prime. */
export function sizeOf(p: number): number {
  return Math.ceil(Math.log2(p))
}
