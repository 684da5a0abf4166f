import { GloveboxError } from '@glovebox/he'
import { describe, expect, it } from 'vitest'
import { friendlySet, matrixSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { candidates } from './candidates.ts'
import { costs, ringCosts } from './costs.ts'
import { formatPlan } from './format.ts'
import { bestOf, planSet } from './plan.ts'
import { bucketItems, loadOf, predict } from './predict.ts'
import { checkRequest, type PlanRequest } from './request.ts'
import { keyBytes, queryBytes, replyFrameBytes } from './sizes.ts'

const small: PlanRequest = { senderItems: 2000, receiverItems: 1 }

describe('planSet', () => {
  it('gives a seen prefix, and says so', () => {
    const plan = planSet({ ...small, prefixBits: 3 })
    expect(plan.params.prefixBits).toBe(3)
    expect(plan.candidates[0]).toMatchObject({ params: plan.params, predicted: plan.predicted })
    const text = formatPlan(plan)
    expect(text.split('\n')).toHaveLength(1 + plan.candidates.length + 4)
    const marked = text.split('\n').filter((line) => line.startsWith('→'))
    expect(marked).toHaveLength(1)
    const runs = [...plan.candidates].reverse()
    expect(formatPlan({ ...plan, candidates: runs })).toBe(text)
    expect(text).toContain('A query tells 3 bits of its OPRF output.')
  })

  it('says why where no candidate is taken in the end', () => {
    const request = checkRequest({ ...small, prefixBits: 3 }, costs)
    const [first] = candidates(request)
    const found = [{ ...first!, predicted: predict(first!.sized, request) }]
    const refuse = (): never => {
      throw new GloveboxError('unsupported', 'the noise is too much')
    }
    expect(() => bestOf(found, request, refuse)).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringMatching(/none of 1 sets of parameters for 2000 items .*the noise is too much/),
      }),
    )
  })

  it('counts slow hashing of what can be guessed, unless told otherwise', () => {
    const buildMs = (request: Partial<PlanRequest>): number =>
      predict(createSetParams(friendlySet()), checkRequest({ ...small, cores: 1, ...request }, costs)).buildMs
    expect(buildMs({ kind: 'passwords' }) - buildMs({ kind: 'domains' })).toBeCloseTo(2000 * 0.13)
    expect(buildMs({ kind: 'credentials', hardeningMs: 0 })).toBe(buildMs({}))
    expect(() => planSet({ ...small, kind: 'secrets' as never })).toThrow(/"kind" expected one of passwords/)
  })

  it('says how much memory the least takes', () => {
    expect(() => planSet({ ...small, maxMemoryMB: 0.001 })).toThrow(/fit into 0.001 MB, the least is 1 MB/)
  })

  it.each<[string, unknown, string]>([
    ['no object', null, '"request" expected an object, got null'],
    ['no items', { ...small, senderItems: 0 }, '"senderItems" expected an integer from 1 to 1073741824, got 0'],
    ['no receiver', { ...small, receiverItems: 0.5 }, '"receiverItems" expected an integer from 1 to 1048576, got 0.5'],
    ['labels', { ...small, labelBytes: -1 }, '"labelBytes" expected an integer from 0 to 1024, got -1'],
    ['a prefix', { ...small, prefixBits: 'some' }, '"prefixBits" expected an integer from 0 to 16, got string'],
    [
      'a link',
      { ...small, link: { megabitsPerSecond: 0, roundTripMs: 1 } },
      '"link.megabitsPerSecond" expected a number from 0.001',
    ],
    [
      'a round trip',
      { ...small, link: { megabitsPerSecond: 1 } },
      '"link.roundTripMs" expected a number from 0 to 100000, got undefined',
    ],
    ['cores', { ...small, cores: 0 }, '"cores" expected an integer from 1 to 256, got 0'],
    ['an objective', { ...small, objective: 'money' }, `"objective" expected 'time' or 'bytes', got money`],
    ['a receiver', { ...small, receiver: 'phone' }, `"receiver" expected 'browser' or 'node', got phone`],
    ['a speed', { ...small, speed: 0 }, '"speed" expected a number from 0.01 to 100, got 0'],
    ['memory', { ...small, maxMemoryMB: 0 }, '"maxMemoryMB" expected a number above 0, got 0'],
  ])('refuses %s', (_, request, message) => {
    expect(() => planSet(request as PlanRequest)).toThrow(message)
  })
})

describe('predict', () => {
  const request = checkRequest({ senderItems: 999_999, receiverItems: 1 }, costs)
  const params = createSetParams(matrixSet(999_999))

  it('puts a million items into one block of the matrix set, 0.7 MB up and down', () => {
    const predicted = predict(params, request)
    expect(predicted).toMatchObject({
      queries: 1,
      bundles: 1,
      uploadBytes: queryBytes(params) + 32,
      keyBytes: keyBytes(params),
      replyBytes: replyFrameBytes(params, 1) + 32,
    })
    expect(predicted.falsePositiveLog2).toBeCloseTo(Math.log2(2048 * (489 / 2 ** 22) ** 4), 9)
    // 2 pairs, 512 coefficients, 2 primes, 4096 residues of 8 bytes.
    expect(predicted.memoryMB).toBeCloseTo((2 * 512 * 2 * (8 * 4096 + 192)) / 1e6, 6)
  })

  it('scales with cores, speed and queries', () => {
    const one = predict(params, { ...request, cores: 1 })
    expect(predict(params, { ...request, cores: 1, speed: 3 }).serverMs).toBeCloseTo(3 * one.serverMs, 6)
    expect(predict(params, { ...request, cores: 1, hardeningMs: 2 }).clientMs).toBeCloseTo(one.clientMs + 2, 6)
    expect(predict(params, { ...request, cores: 1, receiver: 'node' }).clientMs).toBeLessThan(one.clientMs)
    expect(predict(params, { ...request, cores: 2 }).serverMs).toBeLessThan(one.serverMs)
    const three = predict(params, { ...request, cores: 1, receiverItems: 3 })
    expect(three.queries).toBe(3)
    expect(three.serverMs).toBeCloseTo(3 * one.serverMs, 6)
    expect(three.keyBytes).toBe(one.keyBytes)
    expect(predict(params, { ...request, reuseKeys: true }).totalMs).toBeLessThan(predict(params, request).totalMs)
  })

  it('never needs less memory or bundles for more items', () => {
    for (const literal of [friendlySet(), friendlySet({ labelBytes: 9, prefixBits: 4 }), matrixSet(1_000_000)]) {
      const set = createSetParams(literal)
      let last = { memoryMB: 0, bundles: 0, buildMs: 0 }
      for (let items = 1; items < 2 ** 28; items = Math.ceil(items * 1.7)) {
        const next = predict(set, { ...request, senderItems: items })
        for (const field of ['memoryMB', 'bundles', 'buildMs'] as const)
          expect(next[field]).toBeGreaterThanOrEqual(last[field])
        last = next
      }
    }
  })

  it('fills rows evenly, and leaves room where elements must differ', () => {
    expect(loadOf(params, 2048 * 511)).toEqual({ bundles: 1, itemsPerRow: 511 })
    expect(loadOf(params, 2048 * 511 + 1)).toEqual({ bundles: 2, itemsPerRow: 256 })
    expect(loadOf(createSetParams(matrixSet(1000, { labelBytes: 1 })), 2048 * 511).bundles).toBe(2)
    expect(loadOf(createSetParams(matrixSet(1000, { labelBytes: 1 })), 999_999).bundles).toBe(1)
    expect(bucketItems(1_000_000, 0)).toBe(1_000_000)
    expect(bucketItems(1_000_000, 4)).toBeGreaterThan(62_500)
    expect(bucketItems(1_000_000, 4)).toBeLessThan(63_500)
  })
})

describe('ringCosts', () => {
  it('takes a measured row, or scales the nearest', () => {
    expect(ringCosts(costs, 4096, 2)).toEqual(costs.rings.find((row) => row.ringDegree === 4096 && row.primes === 2))
    expect(ringCosts(costs, 16384, 6).multiplyMs).toBeCloseTo(2 * ringCosts(costs, 8192, 6).multiplyMs, 9)
  })
})
