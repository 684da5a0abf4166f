import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { switchingKeyBytes } from '../rlwe/sizes.ts'
import { type KeySwitchingOptions, planKeySwitching } from './key-switching.ts'
import { countKeySwitch, weighKeySwitch } from './key-switching-cost.ts'
import { createParams, type Params, type ParamsLiteral } from './params.ts'
import { checkSecurity, type SecurityTarget } from './security.ts'

const setB = { ringDegree: 16384, modulusBits: [50, 40, 40, 40, 40, 40, 40] }
const setC = { ringDegree: 32768, modulusBits: [50, ...new Array<number>(14).fill(40)] }

function literalOf(
  { ringDegree, modulusBits, security }: KeySwitchingOptions,
  choice: { specialBits: readonly number[]; digitSize: number },
): ParamsLiteral {
  const { specialBits, digitSize } = choice
  return { scheme: 'ckks', ringDegree, modulusBits, specialBits, digitSize, ...(security && { security }) }
}

function accepted(literal: ParamsLiteral): Params | undefined {
  try {
    return createParams(literal)
  } catch {
    return undefined
  }
}

describe('the cost of key switching', () => {
  test('counts the operations of a key switch one by one', () => {
    for (const [level, specials, digitSize] of [
      [0, 1, 1],
      [2, 1, 1],
      [6, 3, 3],
      [7, 2, 3],
      [14, 5, 5],
    ] as const) {
      const primes = level + 1
      let [transforms, products, conversions] = [0, 0, 0]
      for (let i = 0; i < primes; i++) transforms++ // to coefficients
      for (let first = 0; first < primes; first += digitSize) {
        const inside = Math.min(digitSize, primes - first)
        for (let target = 0; target < primes + specials; target++) {
          products += 2
          if (target >= first && target < first + inside) continue
          transforms++
          if (inside > 1) conversions += inside + 1
        }
      }
      const decomposition = { transforms, conversions }
      for (const _half of [0, 1]) {
        transforms += specials
        for (let target = 0; target < primes; target++) {
          transforms++
          if (specials > 1) conversions += specials + 1
        }
      }
      expect(countKeySwitch(level, specials, digitSize)).toMatchObject({ transforms, products, conversions })
      expect(countKeySwitch(level, specials, digitSize, true)).toMatchObject({
        transforms: transforms - decomposition.transforms,
        products,
        conversions: conversions - decomposition.conversions,
      })
    }
    // SEAL's one digit a prime at set A: 3 + 3·3 transforms, then 2·(1 + 3).
    expect(countKeySwitch(2, 1, 1).transforms).toBe(20)
  })

  test('weighs them in units of a transform, which grows with log N', () => {
    const counts = { transforms: 3, products: 10, conversions: 5 }
    const weights = { product: 0.1, conversion: 0.2 }
    expect(weighKeySwitch(counts, 2 ** 14, weights)).toBeCloseTo(3 + 1 + 1, 12)
    expect(weighKeySwitch(counts, 2 ** 15, weights)).toBeCloseTo(3 + (2 * 14) / 15, 12)
  })
})

describe('the plan of key switching', () => {
  test('known sets: few digits at depth, one prime each where nothing else fits', () => {
    expect(planKeySwitching(setB).digits).toBeLessThanOrEqual(4)
    expect(planKeySwitching(setC).digits).toBeLessThanOrEqual(4)
    const tight = { ringDegree: 8192, modulusBits: [50, 40, 40] }
    expect(planKeySwitching(tight)).toMatchObject({ specialBits: [50], digitSize: 1, digits: 3 })
    const { alternatives, why } = planKeySwitching(setC)
    expect(alternatives.length).toBeGreaterThan(3)
    expect(why.split('\n')).toHaveLength(2 + alternatives.length)
    expect(why).toContain('→')
  })

  test('every alternative is accepted and secure, its key has the bytes stated, and the first is the best', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4096, 8192, 16384, 32768, 65536),
        fc.array(fc.integer({ min: 30, max: 50 }), { minLength: 1, maxLength: 16 }),
        fc.constantFrom<SecurityTarget>('128-classical', '128-quantum', '192-classical'),
        fc.constantFrom('speed' as const, 'size' as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (ringDegree, modulusBits, security, prefer, hoisted) => {
          if (ringDegree === 65536 && security === '128-quantum') return
          const options = { ringDegree, modulusBits, security, prefer, hoisted }
          const { limit } = checkSecurity('', ringDegree, [2], security)
          const total = modulusBits.reduce((sum, bits) => sum + bits, 0)
          if (total + Math.max(...modulusBits) > limit) {
            expect(() => planKeySwitching(options)).toThrow(/key switching needs|primes/)
            return
          }
          const { alternatives } = planKeySwitching(options)
          for (const choice of alternatives) {
            const params = createParams(literalOf(options, choice))
            expect(params.security[1]!.margin).toBeGreaterThanOrEqual(0)
            expect(choice.estimate.keyBytes).toBe(switchingKeyBytes(params, params.maxLevel))
            expect(choice.digits).toBe(Math.ceil(modulusBits.length / choice.digitSize))
          }
          const price = (choice: (typeof alternatives)[number]): number =>
            prefer === 'speed' ? choice.estimate.relativeTime : choice.estimate.keyBytes
          expect(price(alternatives[0]!)).toBeLessThanOrEqual(1.03 * Math.min(...alternatives.map(price)))
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each([setB, setC])('no secure choice at all is estimated to be faster: %j', (set) => {
    const best = planKeySwitching(set).estimate.relativeTime
    const level = set.modulusBits.length - 1
    let seen = 0
    for (let digitSize = 1; digitSize <= level + 1; digitSize++) {
      for (let k = 1; k <= 10; k++) {
        const secure = [50, 45, 43, 40].some((bits) =>
          accepted(literalOf(set, { specialBits: new Array<number>(k).fill(bits), digitSize })),
        )
        if (!secure) continue
        seen++
        const time = weighKeySwitch(countKeySwitch(level, k, digitSize), set.ringDegree)
        expect(best, `${k} special, digits of ${digitSize}`).toBeLessThanOrEqual(1.031 * time)
      }
    }
    expect(seen).toBeGreaterThan(5)
  })

  test('fills the room that is left and no more', () => {
    // 106 - 70 bits; two more would be quieter, one more would be insecure.
    const tight = { ringDegree: 4096, modulusBits: [35, 35] }
    expect(planKeySwitching(tight)).toMatchObject({ specialBits: [36], digitSize: 1 })
    expect(accepted(literalOf(tight, planKeySwitching(tight)))).toBeDefined()
    expect(accepted(literalOf(tight, { specialBits: [37], digitSize: 1 }))).toBeUndefined()
  })

  test('prefers what it is told to', () => {
    const [fast, small] = [planKeySwitching(setC), planKeySwitching({ ...setC, prefer: 'size' })]
    expect(small.estimate.keyBytes).toBeLessThanOrEqual(fast.estimate.keyBytes)
    expect(fast.estimate.relativeTime).toBeLessThanOrEqual(1.03 * small.estimate.relativeTime)
    // Decomposition is what wide digits save most of.
    const hoisted = planKeySwitching({ ...setC, hoisted: 1 })
    expect(hoisted.estimate.transforms).toBeLessThan(fast.estimate.transforms)
    expect(hoisted.estimate.relativeTime).toBeLessThan(0.7 * fast.estimate.relativeTime)
  })

  test('means over the levels that keys are used at', () => {
    const at = (levels: number[]): number =>
      planKeySwitching({ ringDegree: 8192, modulusBits: [50, 40, 40], levels }).estimate.relativeTime
    expect(at([0, 2])).toBeCloseTo((at([0]) + at([2])) / 2, 9)
    expect(at([0])).toBeLessThan(at([2]))
    expect(at([2])).toBe(planKeySwitching({ ringDegree: 8192, modulusBits: [50, 40, 40] }).estimate.relativeTime)
  })

  test('special primes leave less noise than the rounding where there is room for that', () => {
    const { alternatives } = planKeySwitching({ ringDegree: 16384, modulusBits: [36, 30, 30] })
    const rounding = Math.log2((1 + (2 * 16384) / 3) / 12) / 2
    expect(alternatives).toHaveLength(3)
    for (const { estimate } of alternatives) {
      expect(estimate.noiseBits - rounding).toBeGreaterThan(0)
      expect(estimate.noiseBits - rounding).toBeLessThan(0.51)
    }
    // 100 bits fill two primes of 50 with nothing left.
    const full = planKeySwitching({ ringDegree: 16384, modulusBits: [40, 30, 30] })
    expect(full).toMatchObject({ specialBits: [50, 50], digitSize: 3 })
    expect(full.estimate.noiseBits - rounding).toBeCloseTo(Math.log2(1 + 15.75) / 2, 1)
  })

  test('refuses what nothing is secure for, and mistakes', () => {
    expect(() => planKeySwitching({ ringDegree: 8192, modulusBits: [50, 50, 50, 50] })).toThrow(
      'key switching needs special primes of 50 bits behind a chain of 200, and 128-classical allows 214 at ring degree 8192: use fewer or smaller primes, or a larger ring degree',
    )
    const wrong: readonly (readonly [Partial<KeySwitchingOptions>, string])[] = [
      [{ ringDegree: 1000 }, '"ringDegree" expected a power of two from 16 to 131072, got 1000'],
      [{ ringDegree: 512 }, 'no security table has a row for ring degree 512'],
      [{ modulusBits: [] }, '"modulusBits" expected 1 to 64 sizes'],
      [{ modulusBits: [51] }, '"modulusBits" expected 1 to 64 sizes of at most 50 bits, got [51]'],
      [{ hoisted: 1.5 }, '"hoisted" expected a share from 0 to 1, got 1.5'],
      [{ levels: [7] }, '"levels" expected levels from 0 to 6, got 7'],
      [{ levels: [] }, '"levels" expected at least one level, got none'],
    ]
    for (const [change, message] of wrong) expect(() => planKeySwitching({ ...setB, ...change })).toThrow(message)
  })
})
