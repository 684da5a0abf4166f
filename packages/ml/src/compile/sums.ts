import { maxSummands } from '../program/wire.ts'

/** Sums that magnitudes and noise are measured on. */
const sumsMeasured = 4

/** How many samples may be added up. Throws RangeError. */
export function requireSummands(summands: number): number {
  if (!(Number.isInteger(summands) && summands >= 1 && summands <= maxSummands))
    throw new RangeError(`"summands" expected an integer from 1 to ${maxSummands}, got ${summands}`)
  return summands
}

/** Sums of so many samples each, some again where there are fewer; none of one. */
export function sumsOf(samples: readonly Float64Array[], summands: number): Float64Array[] {
  if (summands === 1) return []
  const count = Math.min(sumsMeasured, samples.length)
  return Array.from({ length: count }, (_, k) => {
    const first = Math.floor((k * samples.length) / count)
    const sum = new Float64Array(samples[0]!.length)
    // As often as all of them are in it, then the rest.
    const rounds = Math.floor(summands / samples.length)
    samples.forEach((_, i) => {
      const times = rounds + (i < summands % samples.length ? 1 : 0)
      const sample = samples[(first + i) % samples.length]!
      if (times > 0) for (let e = 0; e < sum.length; e++) sum[e]! += times * sample[e]!
    })
    return sum
  })
}
