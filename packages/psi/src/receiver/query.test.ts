import { expect, test } from 'vitest'
import { openEvaluator } from '../evaluate/evaluator.ts'
import { friendlySet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { outputOf, plainRows } from '../test-support/plain-set.ts'
import { createQueryKeys } from './keyring.ts'
import { prepareQueries, readAnswers } from './query.ts'

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
