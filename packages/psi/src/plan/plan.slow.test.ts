import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSetParams, falsePositiveLog2 } from '../params/set-params.ts'
import { formatPlan } from './format.ts'
import { planSet } from './plan.ts'
import { loadOf } from './predict.ts'
import { keyBytes, queryBytes, replyFrameBytes } from './sizes.ts'

describe('planSet', () => {
  it('plans what is sound, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.record({
          senderItems: fc.integer({ min: 0, max: 24 }).map((bits) => Math.ceil(1.9 ** bits)),
          receiverItems: fc.constantFrom(1, 2, 30, 65, 700, 5000),
          labelBytes: fc.constantFrom(0, 0, 1, 32),
          prefixBits: fc.constantFrom('none' as const, 'any' as const, 2),
          cores: fc.constantFrom(1, 2, 32),
          objective: fc.constantFrom('time' as const, 'bytes' as const),
          link: fc.constantFrom(
            { megabitsPerSecond: 10, roundTripMs: 50 },
            { megabitsPerSecond: 10_000, roundTripMs: 0 },
          ),
        }),
        (request) => {
          const { params, predicted, candidates } = planSet(request)
          for (const candidate of candidates) {
            expect(candidate.predicted.falsePositiveLog2).toBeLessThanOrEqual(-40)
            expect(candidate.predicted.noiseMarginBits).toBeGreaterThanOrEqual(0.5)
            expect(createSetParams(candidate.params.literal).digest).toBe(candidate.params.digest)
            expect(candidate.params.he.security.every(({ margin }) => margin >= 0)).toBe(true)
            expect(candidate.params.labelBytes).toBe(request.labelBytes)
          }
          expect(predicted.queries).toBe(params.powers?.hashFunctions ? 1 : request.receiverItems)
          expect(predicted.uploadBytes).toBe(predicted.queries * queryBytes(params) + 32 * request.receiverItems)
          expect(predicted.replyBytes).toBe(
            predicted.queries * replyFrameBytes(params, predicted.bundles) + 32 * request.receiverItems,
          )
          expect(predicted.keyBytes).toBe(keyBytes(params))
          const perBucket = request.senderItems / params.buckets
          const { bundles } = loadOf(params, Math.ceil(perBucket))
          expect(
            falsePositiveLog2(params, { bundles: 1, receiverItems: request.receiverItems, itemsPerRow: 1 }),
          ).toBeLessThan(-40)
          expect(predicted.bundles).toBeGreaterThanOrEqual(params.groups * bundles)
          expect(params.capacityPerBundle * bundles).toBeGreaterThanOrEqual(perBucket)
        },
      ),
      { numRuns: 15 },
    )
  }, 120_000)

  it('takes the least of its objective, and tells of every kind', () => {
    const time = planSet({ senderItems: 2000, receiverItems: 1 })
    const bytes = planSet({ senderItems: 2000, receiverItems: 1, objective: 'bytes' })
    const total = ({ predicted: p }: typeof time): number => p.uploadBytes + p.replyBytes + p.keyBytes
    expect(total(bytes)).toBeLessThanOrEqual(total(time))
    expect(time.predicted.totalMs).toBeLessThanOrEqual(bytes.predicted.totalMs)
    expect(new Set(time.candidates.map(({ params }) => params.digest)).size).toBe(time.candidates.length)
    expect(time.why).toContain(`${time.predicted.totalMs.toFixed(0)} ms a run`)
    expect(formatPlan(time)).toContain('A query tells nothing.')
  })

  it('meets the numbers that are asked for', () => {
    const one = planSet({ senderItems: 999_999, receiverItems: 1 }).predicted
    expect(one.uploadBytes + one.keyBytes).toBeLessThan(350_000)
    expect(one.replyBytes).toBeLessThan(200_000)
    const large = planSet({ senderItems: 16_000_000, receiverItems: 1 }).predicted
    expect(large.memoryMB).toBeLessThan(4000)
    const batch = planSet({ senderItems: 1_000_000, receiverItems: 1024 })
    expect(batch.predicted.queries).toBe(1)
    expect(batch.params.powers!.hashFunctions).toBe(3)
  })
})
