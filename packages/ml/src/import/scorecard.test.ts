import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runAfter } from '../model/after.ts'
import { runBefore } from '../model/before.ts'
import { inputStepsSchema, outputStepsSchema } from '../model/schema.ts'
import type { Cell } from '../model/steps.ts'
import { runClear } from '../run/clear.ts'
import { importScorecard } from './scorecard.ts'

const card = {
  format: 'glovebox-scorecard',
  version: 1,
  name: 'risk',
  intercept: -1,
  link: 'logistic',
  features: [
    { name: 'age', edges: [40, 60], weights: [-0.5, 0.25, 1], missing: 0.1 },
    { name: 'sex', categories: ['female', 'male'], weights: [-0.2, 0.2] },
    { name: 'smoker', categories: ['no', 'yes'], weights: [0, 0.75], missing: 0.3, other: 0.5 },
    { name: 'grade', categories: [1, 2], weights: [2, 3] },
  ],
}

function answerOf(json: unknown, cells: readonly Cell[], contributions: boolean) {
  const { before, graph, after } = importScorecard(json, { contributions })
  return runAfter(after, runClear(graph, runBefore(before, cells)))
}

/** What each feature of `card` adds, by hand. */
const people: [Cell[], number[]][] = [
  [
    [39.9, 'female', 'yes', 1],
    [-0.5, -0.2, 0.75, 2],
  ],
  [
    [40, 'male', 'no', 2],
    [0.25, 0.2, 0, 3],
  ],
  [
    [60, 'male', 'sometimes', 2],
    [1, 0.2, 0.5, 3],
  ],
  [
    [null, 'male', null, 2],
    [0.1, 0.2, 0.3, 3],
  ],
]

describe.each(people)('of %j', (cells, expected) => {
  const probability = 1 / (1 + Math.exp(-expected.reduce((sum, v) => sum + v, -1)))

  test('contributions add up on the client', () => {
    const answer = answerOf(card, cells, true)
    const names = card.features.map(({ name }) => name)
    expect(answer.contributions!.map(({ name }) => name)).toEqual(names)
    answer.contributions!.forEach(({ value }, i) => expect(value).toBeCloseTo(expected[i]!, 12))
    expect(answer.values[0]).toBeCloseTo(probability, 12)
    expect(answer.probabilities).toBe(true)
  })

  test('or encrypted, into one number', () => {
    const answer = answerOf(card, cells, false)
    expect(answer.values.length).toBe(1)
    expect(answer.values[0]).toBeCloseTo(probability, 12)
    expect(answer.contributions).toBeUndefined()
  })
})

test('a bin and nothing else is encrypted of a number, and steps fit the schemas', () => {
  const { before, after, graph } = importScorecard(JSON.stringify(card))
  expect([...runBefore(before, [50, 'male', 'no', 1])]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0])
  expect(graph.nodes[1]!.map!.matrix.value.length).toBe(11)
  expect(inputStepsSchema.parse(before)).toEqual(before)
  expect(outputStepsSchema.parse(after)).toEqual(after)
})

test('links and classes', () => {
  const named = { ...card, classes: ['well', 'ill'] }
  expect(answerOf(named, people[0]![0], true)).toMatchObject({ label: 'ill', names: ['well', 'ill'] })
  expect(answerOf({ ...card, link: 'log' }, people[0]![0], true).values[0]).toBeCloseTo(Math.exp(1.05), 12)
  expect(answerOf({ ...card, link: 'identity' }, people[0]![0], false).values[0]).toBeCloseTo(1.05, 12)
})

test('any number finds the bin that a search finds', () => {
  const edges = fc.uniqueArray(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 8 })
  const sorted = edges.map((values) => values.map((v) => v + 0).sort((a, b) => a - b))
  fc.assert(
    fc.property(sorted, fc.double({ noNaN: true, min: -2e6, max: 2e6 }), fc.nat(8), (edges, other, at) => {
      fc.pre(edges.every((edge, i) => i === 0 || edges[i - 1]! < edge))
      const x = edges[at] ?? other
      const weights = Array.from({ length: edges.length + 1 }, (_, i) => i)
      const one = { ...card, link: 'identity', intercept: 0, features: [{ name: 'x', edges, weights }] }
      expect(answerOf(one, [x], false).values[0]).toBe(edges.filter((edge) => edge <= x).length)
    }),
  )
})

const withFeature = (feature: object): object => ({ ...card, features: [card.features[0], feature] })

test.each<[string, unknown, RegExp]>([
  ['no JSON', 'x', /expected JSON/],
  ['another link', { ...card, link: 'probit' }, /not valid: link/],
  [
    'too few weights',
    withFeature({ name: 'b', edges: [1], weights: [1] }),
    /features\.1 \("b"\): "weights" expected one more/,
  ],
  ['edges that fall', withFeature({ name: 'b', edges: [2, 1], weights: [1, 2, 3] }), /"edges" expected ascending/],
  [
    'a category twice',
    withFeature({ name: 'b', categories: ['a', 'a'], weights: [1, 2] }),
    /"categories" expected distinct/,
  ],
  [
    'a weight that is none',
    withFeature({ name: 'b', categories: ['a'], weights: ['1'] }),
    /features\.1 \("b"\)\.weights\.0/,
  ],
  ['a field that is unknown', withFeature({ name: 'b', edges: [], weights: [1], misssing: 1 }), /features\.1 \("b"\)/],
])('%s is an error', (_, json, message) => {
  expect(() => importScorecard(json)).toThrow(message)
})

test('what a person says outside the card is an error that names the column', () => {
  expect(() => answerOf(card, [1, 'unknown', 'no', 1], true)).toThrow(/column "sex" expected one of "female", "male"/)
  expect(() => answerOf(card, [1, null, 'no', 1], true)).toThrow(
    /column "sex" expected one of "female", "male", got a missing/,
  )
  expect(() => answerOf(card, [1, 'male', 'no', 7], true)).toThrow(
    /column "grade" expected one of 1, 2, got another value/,
  )
})
