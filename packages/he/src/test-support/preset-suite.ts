import { expect } from 'vitest'
import type { CkksPreset, CkksPresetOptions } from '../params/ckks-preset.ts'
import { createParams } from '../params/params.ts'
import { planPreset } from '../params/presets.ts'
import { checkSecurity } from '../params/security.ts'

// What a preset promises, for every depth from 1 to 20.

const depths = Array.from({ length: 20 }, (_, i) => i + 1)

export function attempt(options: CkksPresetOptions): CkksPreset | string {
  try {
    return planPreset(options)
  } catch (error) {
    expect(error).toMatchObject({ code: 'unsupported' })
    return (error as Error).message
  }
}

/** The scales on the way down a chain, in bits, when every value is squared and rescaled. */
export function scalesDown(primes: readonly number[], scaleBits: number): number[] {
  const scales = [scaleBits]
  for (let level = primes.length - 1; level > 0; level--) scales.push(2 * scales.at(-1)! - Math.log2(primes[level]!))
  return scales
}

/** Each depth makes parameters within the limit of the ring, or says what would. */
export function checkDepths(ringDegree: number, scales: readonly number[]): void {
  const { limit } = checkSecurity('', ringDegree, [2], '128-classical')
  const counts = { accepted: 0, refused: 0 }
  for (const scaleBits of scales) {
    let fitted = true
    for (const depth of depths) {
      for (const keySwitching of scaleBits <= 25 ? [true, false] : [true]) {
        const found = attempt({ depth, scaleBits, ringDegree, keySwitching })
        if (typeof found === 'string') {
          counts.refused++
          if (keySwitching) fitted = false
          expect(found).toMatch(/(fits|use less depth)/)
          continue
        }
        counts.accepted++
        if (keySwitching) expect(fitted, 'what fits, fits with less depth').toBe(true)
        const params = createParams(found.literal)
        expect(params).toMatchObject({ ringDegree, maxLevel: depth, scheme: 'ckks' })
        expect(params.special.length > 0).toBe(keySwitching)
        expect(Math.max(params.logQ, params.logQP)).toBeLessThanOrEqual(limit)
        expect(found).toMatchObject({ depth, scaleBits, limit })
        expect(found.bits).toBeCloseTo(params.logQP, 6)
        // Room for the message and its sign above the last scale.
        const down = scalesDown(params.primes, scaleBits)
        for (const bits of down) expect(Math.abs(bits - scaleBits)).toBeLessThan(0.5)
        expect(Math.log2(params.primes[0]!)).toBeGreaterThan(down.at(-1)! + found.messageBits + 1)
      }
    }
  }
  expect(counts.accepted).toBeGreaterThan(0)
  expect(counts.refused).toBeGreaterThan(0)
}
