import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createParams } from '../params/params.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { smallLiteral } from '../test-support/small.ts'
import { type KeyNeeds, type KeyPlan, mergeKeyPlans, planKeys } from './key-plan.ts'
import { createGaloisKeys, createRelinearisationKey } from './keygen.ts'
import type { EvaluationKeys } from './keys.ts'
import { createSecretKey, type SecretKey } from './secret-key.ts'
import { encodeEvaluationKeys } from './wire.ts'

const ckks = openCkks(smallLiteral)
const { params } = ckks
let secret: SecretKey

beforeAll(() => {
  secret = createSecretKey(ckks)
})
afterAll(() => secret[Symbol.dispose]())

/** Makes what a plan plans, measures it, and gives it back. */
function make(plan: KeyPlan): { bytes: number; memory: number; elements: number[]; levels: number[] } {
  const relinearisation = plan.relinearisation && createRelinearisationKey(ckks, secret, plan.relinearisation)
  const keys: EvaluationKeys = { relinearisation, galois: createGaloisKeys(ckks, secret, plan.requests) }
  const all = [...(relinearisation ? [relinearisation] : []), ...keys.galois.values()]
  const made = {
    bytes: encodeEvaluationKeys(ckks, keys).length,
    memory: all.reduce((sum, key) => sum + key.slab.bytes, 0),
    elements: [...keys.galois.keys()],
    levels: all.map(({ level }) => level),
  }
  for (const key of all) key[Symbol.dispose]()
  return made
}

const need = fc.record(
  {
    relinearisation: fc.oneof(fc.boolean(), fc.record({ level: fc.nat(1) })),
    rotations: fc.array(
      fc.record({ steps: fc.integer({ min: -3000, max: 3000 }), level: fc.nat(1) }, { requiredKeys: ['steps'] }),
      { maxLength: 4 },
    ),
    conjugate: fc.oneof(fc.boolean(), fc.record({ level: fc.nat(1) })),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<KeyNeeds>

describe('a plan of keys', () => {
  test('states the exact bytes on the wire and in memory of what it asks for', () => {
    fc.assert(
      fc.property(need, (needs) => {
        const plan = planKeys(params, needs)
        const made = make(plan)
        expect(plan.bytes()).toBe(made.bytes)
        expect(plan.memory()).toBe(made.memory)
        expect(made.elements, 'one request a key').toHaveLength(plan.requests.length)
      }),
      { numRuns: 25 },
    )
  })

  test('is exact for digits of several primes, too', () => {
    const wide = openCkks({
      scheme: 'ckks',
      ringDegree: 8192,
      modulusBits: [41, 33, 32],
      specialBits: [39, 40],
      digitSize: 2,
    })
    using key = createSecretKey(wide)
    const plan = planKeys(wide.params, {
      relinearisation: { level: 1 },
      rotations: [{ steps: 5 }, { steps: -1, level: 0 }],
    })
    const keys = {
      relinearisation: createRelinearisationKey(wide, key, plan.relinearisation),
      galois: createGaloisKeys(wide, key, plan.requests),
    }
    expect(plan.bytes()).toBe(encodeEvaluationKeys(wide, keys).length)
    const all = [keys.relinearisation, ...keys.galois.values()]
    expect(plan.memory()).toBe(all.reduce((sum, { slab }) => sum + slab.bytes, 0))
    for (const made of all) made[Symbol.dispose]()
  })

  test('asks for each key once, at the highest level that it is used at, and for none that does nothing', () => {
    const slots = params.slots
    const plan = planKeys(params, {
      rotations: [
        { steps: 3, level: 0 },
        { steps: 3 + slots, level: 1 },
        { steps: 3 - 2 * slots, level: 0 },
        { steps: 0 },
        { steps: slots },
      ],
      conjugate: { level: 0 },
    })
    expect(plan.requests).toEqual([
      { steps: 3, level: 1 },
      { steps: 'conjugate', level: 0 },
    ])
    expect(plan.relinearisation).toBeUndefined()
    expect(planKeys(params, { relinearisation: true }).relinearisation).toEqual({ level: params.maxLevel })
    expect(planKeys(params, { relinearisation: false, conjugate: false }).requests).toEqual([])
    expect(planKeys(smallLiteral, {}).bytes()).toBe(make(planKeys(params, {})).bytes)
    expect(planKeys(params, { rotations: [{ steps: 1, level: 0 }] }).bytes()).toBeLessThan(
      planKeys(params, { rotations: [{ steps: 1 }] }).bytes(),
    )
  })

  test('plans of several circuits make one', () => {
    const a = planKeys(params, { relinearisation: { level: 0 }, rotations: [{ steps: 1, level: 0 }, { steps: 2 }] })
    const b = planKeys(params, { rotations: [{ steps: 1, level: 1 }], conjugate: true })
    const both = mergeKeyPlans(a, b)
    expect(both.relinearisation).toEqual({ level: 0 })
    expect(both.requests).toEqual([
      { steps: 1, level: 1 },
      { steps: 2, level: 1 },
      { steps: 'conjugate', level: 1 },
    ])
    expect(both.bytes()).toBe(make(both).bytes)
    expect(mergeKeyPlans(b, a).requests).toEqual(both.requests)
    expect(mergeKeyPlans(b).relinearisation).toBeUndefined()
    expect(() => mergeKeyPlans()).toThrow('"plans" expected at least one key plan, got none')
    const other = planKeys({ ...smallLiteral, modulusBits: [18], specialBits: [18] }, {})
    expect(() => mergeKeyPlans(a, other)).toThrow(/"plans" expected one set of parameters: "primes" is/)
  })

  test('describes itself', () => {
    const plan = planKeys(params, { relinearisation: true, rotations: [{ steps: -4, level: 0 }], conjugate: true })
    const text = plan.describe()
    for (const part of ['relinearisation', 'rotate by -4', 'conjugate', plan.bytes().toLocaleString('en')])
      expect(text).toContain(part)
  })

  test('refuses levels that there are not, and parameters without special primes', () => {
    for (const level of [-1, 2, 0.5]) {
      expect(() => planKeys(params, { rotations: [{ steps: 1 }, { steps: 1, level }] })).toThrow(
        `"rotations[1].level" expected an integer from 0 to 1, got ${level}`,
      )
      expect(() => planKeys(params, { relinearisation: { level } })).toThrow('"relinearisation.level"')
      expect(() => planKeys(params, { conjugate: { level } })).toThrow('"conjugate.level"')
    }
    expect(() => planKeys(params, { rotations: [{ steps: 0.5 }] })).toThrow('"steps" expected an integer, got 0.5')
    const keyless = createParams({ ...smallLiteral, specialBits: [] })
    expect(() => planKeys(keyless, { relinearisation: true })).toThrow('no special prime')
    expect(() => planKeys(keyless, { rotations: [{ steps: 1 }] })).toThrow('no special prime')
    expect(planKeys(keyless, {}).memory()).toBe(0)
  })

  test('refuses bare numbers, which say nothing about the level', () => {
    expect(() => createGaloisKeys(ckks, secret, [{ steps: 1 }, 2] as never)).toThrow(
      '"requests[1]" expected { steps, level? }, got number',
    )
    expect(() => createGaloisKeys(ckks, secret, 2 as never)).toThrow('"requests" expected an array')
    expect(() => planKeys(ckks.params, { rotations: [2] } as never)).toThrow(
      '"rotations[0]" expected { steps, level? }, got number',
    )
  })
})
