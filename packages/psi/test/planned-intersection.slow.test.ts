import { expect, test } from 'vitest'
import { batchSet, matrixSet } from '../src/params/presets.ts'
import { planSet } from '../src/plan/plan.ts'
import { intersect } from './intersection.ts'

// What the planner chooses for large sets, on few items: rows are short, but powers, levels, primes and replies are those of the plan.

const literals = [
  ['a million', planSet({ senderItems: 999_999, receiverItems: 1 }).params.literal],
  ['a million, prefix', planSet({ senderItems: 999_999, receiverItems: 1, prefixBits: 4 }).params.literal],
  ['labels', planSet({ senderItems: 3_000_000, receiverItems: 1, labelBytes: 5 }).params.literal],
  ['bytes', planSet({ senderItems: 1_000_000, receiverItems: 10, labelBytes: 5, objective: 'bytes' }).params.literal],
  ['the batch set', batchSet({ labelBytes: 5 })],
  ['the matrix set for more', matrixSet(16e6, { labelBytes: 5 })],
] as const

test.each(literals)('intersections are the plain ones: %s', async (_, literal) => {
  const outputs = Array.from({ length: 602 }, () => crypto.getRandomValues(new Uint8Array(64)))
  const labelOf = (i: number): Uint8Array => new Uint8Array(literal.labelBytes).fill(i)
  const entries = outputs.slice(2).map((item, i) => ({ item, ...(literal.labelBytes > 0 && { label: labelOf(i) }) }))
  const answers = await intersect(literal, entries, [outputs[5]!, outputs[0]!, outputs[600]!, outputs[1]!])
  expect(answers.map(({ found }) => found)).toEqual([true, false, true, false])
  if (literal.labelBytes > 0) expect([answers[0]!.label, answers[2]!.label]).toEqual([labelOf(3), labelOf(598)])
})
