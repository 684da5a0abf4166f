import type { Params } from '@glovebox/he'
import { isPrime } from './fit.ts'

/** What an error may tell of a value that is no number. */
function got(value: unknown): string {
  return typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value
}

/** Throws RangeError for what is no integer within the bounds. */
export function requireInteger(name: string, value: unknown, low: number, high: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`"${name}" expected an integer from ${low} to ${high}, got ${got(value)}`)
}

/** Throws RangeError for what is no power of two within the bounds. */
export function requirePowerOfTwo(name: string, value: unknown, low: number, high: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(Math.log2(value)) || value < low || value > high)
    throw new RangeError(`"${name}" expected a power of two from ${low} to ${high}, got ${got(value)}`)
}

/** Throws RangeError for what is not ascending from 1 to at most the degree. */
export function requireQueryPowers(powers: unknown, maxItemsPerBin: number): asserts powers is readonly number[] {
  const name = 'powers.queryPowers'
  if (!Array.isArray(powers) || powers.length === 0 || powers[0] !== 1)
    throw new RangeError(
      `"${name}" expected an ascending array that begins with 1, got ${Array.isArray(powers) ? JSON.stringify(powers.slice(0, 3)) : got(powers)}`,
    )
  powers.forEach((power: unknown, i) => {
    requireInteger(`${name}[${i}]`, power, 1, maxItemsPerBin)
    if (i > 0 && power <= powers[i - 1])
      throw new RangeError(`"${name}" expected ascending powers, got ${power} behind ${powers[i - 1]}`)
  })
}

/** t, which has to be a prime that is 1 modulo 2N, so that there are slots, and below 2^26, so that sums of products are exact in doubles. Throws RangeError. */
export function requireSlots({ plaintextModulus: t, ringDegree: n }: Params): number {
  if (t === undefined || t % (2 * n) !== 1 || t >= 2 ** 26 || !isPrime(t))
    throw new RangeError(`"he.plaintextModulus" expected a prime below 2^26 that is 1 modulo ${2 * n}, got ${t}`)
  return t
}
