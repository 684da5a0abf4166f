import { randomNumbers as generator } from '../src/tensor/random.ts'

/** Repeatable numbers in [-1, 1) that float32 holds exactly. */
export function randomNumbers(seed: number, count: number): Float64Array {
  const next = generator(seed)
  return Float64Array.from({ length: count }, () => Math.floor(next() * 2 ** 24) / 2 ** 23 - 1)
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  return Array.from(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)), 0)
}
