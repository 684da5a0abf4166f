import type { Params } from '@glovebox/he'
import type { Sensitivity } from '../analysis/sensitivity.ts'
import { compact, evaluateCircuit } from '../layout/evaluate.ts'
import { overflow, type Scales, type TimedCircuit } from './scales.ts'
import { largestOf } from './verify.ts'

/** Steps of the bisection, which ends within a sixteenth of the headroom. */
const bisections = 4

/**
 * By how many times inputs may exceed the samples: 2^headroom, or less where samples that much larger would wrap around a modulus, as products grow
 * faster than the input.
 */
export function inputHeadroom(
  timed: TimedCircuit,
  params: Params,
  reach: Sensitivity,
  scales: Scales,
  samples: readonly Float64Array[],
  headroom: number,
): number {
  const chain = params.primes.map(Math.log2)
  const small = compact(timed.circuit)
  const fits = (bits: number): boolean => {
    const magnitude = new Float64Array(small.steps.length + 1).fill(2 ** -100)
    for (const sample of samples) {
      const scaled = sample.map((v) => v * 2 ** bits)
      evaluateCircuit(small, scaled).forEach((values, r) => {
        magnitude[r] = Math.max(magnitude[r]!, largestOf(values))
      })
    }
    return overflow(timed, chain, { ...reach, magnitude }, scales, 0) <= 0
  }
  if (headroom <= 0 || fits(headroom)) return 2 ** headroom
  let [low, high] = [0, headroom]
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2
    if (fits(middle)) low = middle
    else high = middle
  }
  return 2 ** low
}
