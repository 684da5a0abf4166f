import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { extremalBases, powersPlan, reachOf, searchBasis, wantedPowers } from './postage-stamp.ts'

describe('extremal bases', () => {
  // Challis and Robinson 2010, table 1: n(h, k).
  it.each([
    [2, 1, 2],
    [2, 3, 8],
    [2, 5, 16],
    [2, 7, 26],
    [2, 8, 32],
    [3, 2, 7],
    [3, 3, 15],
    [3, 4, 24],
    [3, 5, 36],
    [4, 2, 10],
    [4, 3, 26],
    [4, 4, 44],
  ])('of %i stamps and %i elements reach as far as is published', (stamps, size, reach) => {
    const basis = searchBasis(stamps, size)
    expect(basis).toHaveLength(size)
    expect(reachOf(basis, stamps)).toBe(reach)
  })

  it('that are listed reach as far as is published', () => {
    const published: Record<number, Record<number, number>> = {
      2: {
        1: 2,
        2: 4,
        3: 8,
        4: 12,
        5: 16,
        6: 20,
        7: 26,
        8: 32,
        9: 40,
        10: 46,
        11: 54,
        12: 64,
        13: 72,
        16: 104,
        18: 128,
        22: 180,
      },
      4: { 1: 4, 2: 10, 3: 26, 4: 44, 5: 70, 6: 108, 7: 162, 8: 228, 9: 310 },
    }
    for (const stamps of [2, 4] as const)
      for (const basis of extremalBases[stamps]) expect(reachOf(basis, stamps)).toBe(published[stamps]![basis.length])
  })
})

/** Least depths by trying all splits of all powers, again and again. */
function slowDepths(sources: readonly number[], largest: number): number[] {
  const depths = Array.from({ length: largest + 1 }, (_, p) => (sources.includes(p) ? 0 : Infinity))
  for (let round = 0; round < largest; round++)
    for (let p = 1; p <= largest; p++)
      for (let a = 1; a < p; a++) depths[p] = Math.min(depths[p]!, 1 + Math.max(depths[a]!, depths[p - a]!))
  return depths
}

describe('powersPlan', () => {
  it('makes every wanted power of powers that are there, at the least depth', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 2, max: 30 }), { maxLength: 5 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
        (others, wanted) => {
          const sources = [1, ...others]
          const depths = slowDepths(sources, 40)
          const known = new Map(sources.map((power) => [power, 0]))
          for (const { power, left, right, depth } of powersPlan(sources, wanted)) {
            expect(left + right).toBe(power)
            expect(left).toBeGreaterThanOrEqual(right)
            expect(known.has(power)).toBe(false)
            expect(Math.max(known.get(left)!, known.get(right)!) + 1).toBe(depth)
            expect(depth).toBe(depths[power])
            known.set(power, depth)
          }
          for (const power of wanted) expect(known.has(power)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('makes no more than the wanted powers where these make each other', () => {
    for (const basis of extremalBases[4]) {
      const degree = reachOf(basis, 4)
      const plan = powersPlan(basis, wantedPowers(degree, 0))
      expect(plan).toHaveLength(degree - basis.length)
      expect(Math.max(0, ...plan.map(({ depth }) => depth))).toBeLessThanOrEqual(2)
    }
  })

  it('takes a square where there is one at the same depth', () => {
    expect(powersPlan([1], [2, 4])).toEqual([
      { power: 2, left: 1, right: 1, depth: 1 },
      { power: 4, left: 2, right: 2, depth: 2 },
    ])
  })

  it('names a power that cannot be made', () => {
    expect(() => powersPlan([2, 4], [2, 5])).toThrow('"queryPowers" expected powers that make 5 by products, got [2,4]')
    expect(() => powersPlan([1], [0])).toThrow(RangeError)
    expect(() => powersPlan([1], [70_000])).toThrow(RangeError)
  })
})

describe('wantedPowers', () => {
  it('are all, or with Paterson–Stockmeyer low ones and multiples', () => {
    expect(wantedPowers(4, 0)).toEqual([1, 2, 3, 4])
    expect(wantedPowers(13, 3)).toEqual([1, 2, 3, 4, 8, 12])
    expect(wantedPowers(3, 3)).toEqual([1, 2, 3])
  })
})
