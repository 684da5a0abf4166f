import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchSet, friendlySet, matrixSet } from '../src/params/presets.ts'
import { createSetParams, falsePositiveLog2 } from '../src/params/set-params.ts'
import { planSet } from '../src/plan/plan.ts'
import { expectIntersections } from './intersection.ts'

describe('intersections are the plain ones', () => {
  test.each([
    ['friendly', friendlySet(), 300],
    ['friendly, labels', friendlySet({ labelBytes: 40 }), 30],
    ['friendly, prefix, labels', friendlySet({ prefixBits: 3, labelBytes: 1 }), 30],
    ['friendly, two bundles', friendlySet(), 9000],
  ])('%s', async (_, literal, crowd) => {
    await expectIntersections(literal, { items: 40, asked: 12, crowd, numRuns: crowd < 1000 ? 8 : 1 })
  })

  // Blocks of D = 512, or small ones of which there are several.
  test.each([
    ['matrix', matrixSet(1000), 0],
    ['matrix, elements of 23 bits, prefix', matrixSet(2e6, { prefixBits: 1 }), 0],
    ['matrix, labels', { ...matrixSet(1000, { labelBytes: 24 }), matrix: { degree: 16, babySteps: 4 } }, 300],
    [
      'matrix, prefix, labels',
      { ...matrixSet(1000, { prefixBits: 2, labelBytes: 3 }), matrix: { degree: 8, babySteps: 8 } },
      0,
    ],
    ['matrix, several blocks', { ...matrixSet(1000), matrix: { degree: 2, babySteps: 1 } }, 5000],
  ])('%s', async (_, literal, crowd) => {
    await expectIntersections(literal, { items: 40, asked: 8, crowd, numRuns: literal.matrix!.degree > 100 ? 1 : 2 })
  })

  test.each([
    ['batch', batchSet(), 224],
    ['batch, labels', batchSet({ labelBytes: 9 }), 20],
  ])('%s', async (_, literal, crowd) => {
    await expectIntersections(literal, { items: 60, asked: 30, crowd, numRuns: 1 })
  })

  test('with parameters that were planned', async () => {
    const requests = fc.record({
      senderItems: fc.integer({ min: 2000, max: 20_000 }),
      receiverItems: fc.constantFrom(1, 40, 300),
      labelBytes: fc.constantFrom(0, 0, 1, 20),
      prefixBits: fc.constantFrom('none' as const, 'any' as const),
      objective: fc.constantFrom('time' as const, 'bytes' as const),
    })
    const seen = new Set<string>()
    for (const request of fc.sample(requests, 6)) {
      const { params } = planSet(request)
      seen.add(params.digest)
      // Plans leave little room for bins that are fuller than they are expected to be: such sets are refused.
      const hashed = (params.powers?.hashFunctions ?? 0) > 0
      const spread = hashed && falsePositiveLog2(params, { bundles: 60, receiverItems: params.bins }) > -40
      const crowd = hashed && !spread && request.labelBytes === 0 ? params.itemsPerBin + 1 : 0
      await expectIntersections(params.literal, { items: 50, asked: 12, crowd, spread, numRuns: 1 })
      expect(createSetParams(params.literal).digest).toBe(params.digest)
    }
    expect(seen.size).toBeGreaterThan(1)
  })
})
