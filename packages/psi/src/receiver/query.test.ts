import { expect, test } from 'vitest'
import { openEvaluator } from '../evaluate/evaluator.ts'
import { friendlySet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { outputOf, plainRows } from '../test-support/plain-set.ts'
import { createQueryKeys } from './keyring.ts'
import { answersOf, prepareQueries, readAnswers } from './query.ts'

test.each([
  [1, 2, 2, 2],
  [3, 2, 3, 3],
  [3, 409, 282, 1],
  [3, 409, 283, 2],
])(
  'with %i functions and %i bins %i items are so many queries, whatever they are',
  (hashFunctions, tableSize, items, queries) => {
    const friendly = friendlySet()
    const params = createSetParams({ ...friendly, powers: { ...friendly.powers!, hashFunctions, tableSize } })
    using keys = createQueryKeys(params)
    for (let run = 0; run < (items < 10 ? 8 : 1); run++) {
      const outputs = Array.from({ length: items }, (_, i) => outputOf(1000 * run + i))
      const made = [...prepareQueries(keys, outputs, 1)]
      expect(made).toHaveLength(queries)
      expect(made.flatMap((query) => query.items).sort((a, b) => a - b)).toEqual(outputs.map((_, i) => i))
    }
  },
)

test('a label that no sender writes is refused as malformed, and not shown', () => {
  const params = createSetParams(friendlySet({ labelBytes: 3 }))
  // t - 1 has a bit more than what a label is made of.
  const rows = plainRows(params, [{ output: outputOf(0), label: Uint8Array.of(1, 2, 3) }]).map((row) => {
    const label = params.feltsPerItem * params.coefficients
    return { ...row, coefficients: row.coefficients.fill(0, label).fill(params.t - 1, label, label + 1) }
  })
  using evaluator = openEvaluator(params, rows)
  using keys = createQueryKeys(params)
  const limits = { epoch: 1, maxBytes: 1e7 }
  const [query] = [...prepareQueries(keys, [outputOf(0)], 1)]
  const reply = evaluator.answer(query!.bytes, undefined, limits)
  expect(() => readAnswers(keys, query!, [outputOf(0)], reply, limits)).toThrow(
    expect.objectContaining({
      code: 'malformed',
      message: expect.stringMatching(/^the label of an item is none: [^\d]*$/),
    }),
  )
})

test('a reply is read a bundle at a time, and what was read of it is given back where it is left', () => {
  const friendly = friendlySet()
  const params = createSetParams({ ...friendly, powers: { ...friendly.powers!, tableSize: 2 } })
  const entries = Array.from({ length: 4 * params.itemsPerBin }, (_, i) => ({ output: outputOf(i) }))
  using evaluator = openEvaluator(params, plainRows(params, entries))
  using keys = createQueryKeys(params)
  const limits = { epoch: 1, maxBytes: 1e7 }
  const [query] = [...prepareQueries(keys, [outputOf(0)], 1)]
  const reply = evaluator.answer(query!.bytes, undefined, limits)
  const steps = [...answersOf(keys, query!, [outputOf(0)], reply, limits)]
  const { used } = keys.scheme.memory
  expect(steps).toHaveLength(2)
  const reading = answersOf(keys, query!, [outputOf(0)], reply, limits)
  reading.next()
  expect(keys.scheme.memory.used).toBeGreaterThan(used)
  reading.return([])
  expect(keys.scheme.memory.used).toBe(used)
})

test('where encryption fails half-way, ciphertexts are given back', () => {
  const params = createSetParams(friendlySet())
  using keys = createQueryKeys(params)
  const { used } = keys.scheme.memory
  let encoded = 0
  const failing = {
    ...keys,
    scheme: new Proxy(keys.scheme, {
      get(target, name) {
        if (name === 'encode' && ++encoded > 3) throw new Error('no more memory')
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    }),
  }
  expect(() => [...prepareQueries(failing, [outputOf(0)], 1)]).toThrow('no more memory')
  expect(encoded).toBe(4)
  expect(keys.scheme.memory.used).toBe(used)
})
