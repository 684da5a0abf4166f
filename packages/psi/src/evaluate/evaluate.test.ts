import { describe, expect, test } from 'vitest'
import type { SetParamsLiteral } from '../params/params.ts'
import { friendlySet, matrixSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { createQueryKeys } from '../receiver/keyring.ts'
import { prepareQueries, readAnswers } from '../receiver/query.ts'
import { type Entry, outputOf, plainRows } from '../test-support/plain-set.ts'
import { openEvaluator } from './evaluator.ts'

const limits = { epoch: 7, maxBytes: 1e8 }

/** Asks for outputs in as many queries as it takes; the answers in their order. */
function ask(literal: SetParamsLiteral, entries: readonly Entry[], outputs: readonly Uint8Array[], threads = 1) {
  const params = createSetParams(literal)
  using evaluator = openEvaluator(params, plainRows(params, entries), { threads })
  using keys = createQueryKeys(params)
  using decoded = keys.upload && evaluator.decodeKeys(keys.upload, limits.maxBytes)
  const answers = new Array(outputs.length)
  const queries = [...prepareQueries(keys, outputs, 7)]
  for (const query of queries) {
    const reply = evaluator.answer(query.bytes, decoded, limits)
    readAnswers(keys, query, outputs, reply, limits).forEach((answer, i) => {
      answers[query.items[i]!] = answer
    })
  }
  return { answers, queries }
}

const label = (i: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, b) => (i * 31 + b * 7 + 5) & 255)

const cuckoo: SetParamsLiteral = {
  method: 'powers',
  he: { scheme: 'bfv', ringDegree: 8192, modulusBits: [47, 47, 46], specialBits: [49], plaintextModulus: 65537 },
  feltsPerItem: 5,
  labelBytes: 0,
  prefixBits: 0,
  powers: { hashFunctions: 3, tableSize: 1638, maxItemsPerBin: 8, queryPowers: [1, 3], psLowDegree: 0 },
}

const sets: readonly (readonly [string, SetParamsLiteral, number, number])[] = [
  ['friendly', friendlySet(), 9000, 3],
  ['friendly, labels', friendlySet({ labelBytes: 21 }), 300, 3],
  ['friendly, prefix', friendlySet({ prefixBits: 3 }), 400, 6],
  ['matrix, D = 64', { ...matrixSet(1000), matrix: { degree: 64, babySteps: 8 } }, 3000, 3],
  [
    'matrix, labels, two blocks',
    { ...matrixSet(1000, { labelBytes: 16 }), matrix: { degree: 4, babySteps: 2 } },
    7000,
    2,
  ],
  ['cuckoo', cuckoo, 2000, 300],
  ['cuckoo, labels', { ...cuckoo, labelBytes: 9 }, 500, 40],
  ['cuckoo, Paterson–Stockmeyer', { ...cuckoo, powers: { ...cuckoo.powers!, psLowDegree: 2 } }, 2000, 300],
]

describe.each(sets)('%s', (_, literal, size, asked) => {
  test('an item is found where it is in the set, with its label, and no other', () => {
    const entries = Array.from({ length: size }, (_, i) => ({
      output: outputOf(i),
      ...(literal.labelBytes > 0 && { label: label(i, literal.labelBytes) }),
    }))
    // Every second one is a member.
    const wanted = Array.from({ length: asked }, (_, i) => (i % 2 === 0 ? (i * 37) % size : size + i))
    const { answers } = ask(literal, entries, wanted.map(outputOf))
    expect(answers).toEqual(
      wanted.map((i) =>
        i >= size
          ? { found: false }
          : { found: true, ...(literal.labelBytes > 0 && { label: label(i, literal.labelBytes) }) },
      ),
    )
  })
})

test('a query that is sent again is answered alike', () => {
  const params = createSetParams(friendlySet())
  using evaluator = openEvaluator(params, plainRows(params, [{ output: outputOf(1) }]))
  using keys = createQueryKeys(params)
  const [query] = [...prepareQueries(keys, [outputOf(1)], 7)]
  const first = evaluator.answer(query!.bytes, undefined, limits)
  expect(evaluator.answer(query!.bytes, undefined, limits)).toEqual(first)
  // Another query for the same item has nothing in common with it but its length.
  const [other] = [...prepareQueries(keys, [outputOf(1)], 7)]
  expect(other!.bytes.length).toBe(query!.bytes.length)
  const body = (bytes: Uint8Array): Uint8Array => bytes.subarray(200, -16)
  const same = body(query!.bytes).filter((byte, i) => byte === body(other!.bytes)[i]).length
  expect(same / body(query!.bytes).length).toBeLessThan(0.02)
})

test('a bundle that lacks a bin, or has them in another order, is refused: zeros would find whatever is asked for', () => {
  const params = createSetParams(friendlySet())
  const rows = plainRows(params, [{ output: outputOf(1) }])
  for (const damaged of [rows.slice(1), rows.slice(0, -1), rows.toSpliced(5, 1), [...rows].reverse()])
    expect(() => openEvaluator(params, damaged)).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringMatching(/bundle 0 of group 0 in bucket 0/) }),
    )
})
