import type { InputStep, OutputStep } from '@glovebox/ml'
import { expect, test } from 'vitest'
import { outputsJson, outputsText } from './outputs.ts'
import { describeAfter, describeBefore } from './steps.ts'

const columns: InputStep = {
  op: 'columns',
  columns: [{ name: 'age' }, { name: 'sex', values: ['f', 'm'] }, { name: 'note', text: true }],
}

test.each<[InputStep, string[]]>([
  [columns, ['takes a row of 3 columns: age, sex (2 categories), note (a text)']],
  [{ op: 'impute', values: [49.647596712, 'f', null] }, ['fills in missing values (49.65, f, null)']],
  [{ op: 'scale', offset: [1], factor: [2] }, ['scales 1 number: (x − offset) · factor']],
  [{ op: 'normalise', norm: 'l2' }, ['divides each sample by its length']],
  [{ op: 'products', terms: [[0], [0, 0]] }, ['multiplies columns to 2 products (polynomial features)']],
  [
    { op: 'hash-text', size: 4096, ngrams: [1, 2], norm: 'l2' },
    ['hashes the text, 1 to 2 words at a time, to 4,096 numbers'],
  ],
  [
    {
      op: 'branches',
      branches: [
        { from: [0], steps: [{ op: 'scale', offset: [1], factor: [2] }] },
        { from: [1, 2], steps: [] },
      ],
    },
    ['of 1 column of them: scales 1 number: (x − offset) · factor', 'passes on 2 columns of them'],
  ],
])('%j in words', (step, lines) => {
  expect(describeBefore([step])).toEqual(lines)
})

test('long lists are cut', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ name: `c${i} ${'x'.repeat(40)}` }))
  const [line] = describeBefore([{ op: 'columns', columns: many }])
  expect(line).toMatch(/c7 x+… and 4 more$/)
  expect(line!.length).toBeLessThan(260)
})

test('what follows the answer, in words', () => {
  const steps: OutputStep[] = [
    { op: 'softmax' },
    { op: 'softmax', log: true },
    { op: 'argmax' },
    { op: 'sigmoid' },
    { op: 'exp' },
    { op: 'apply', activation: { kind: 'Tanh' } },
    { op: 'scale', factor: 2, offset: 0.5 },
    { op: 'clip', low: 0, high: 1 },
    { op: 'share' },
    { op: 'total', names: ['a', 'b'], bias: -1 },
    { op: 'names', names: ['rain', 'maximum'] },
    { op: 'labels', names: ['no', 'yes'] },
  ]
  const lines = describeAfter(steps)
  expect(lines).toHaveLength(steps.length)
  expect(new Set(lines).size).toBe(steps.length)
  expect(lines.slice(-3)).toEqual([
    'adds up the contributions of a, b and -1',
    'names the values rain, maximum',
    'names the most likely class: no, yes',
  ])
})

test('answers: labels, probabilities, and the contributions that say most', () => {
  const row = Float64Array.of(0.5)
  const plain = { values: [0.5], probabilities: false }
  const answer = {
    values: [0.25, 0.75],
    probabilities: true,
    names: ['no', 'yes'],
    label: 'yes',
    contributions: [0.1, -3, 0.2, 0.3, 0.4, 0.5].map((value, i) => ({ name: `f${i}`, value })),
  }
  expect(outputsText([row], [answer])).toBe(
    'sample 0: yes; no 25.00 %, yes 75.00 %; mostly f1 -3.00, f5 +0.50, f4 +0.40, f3 +0.30, f2 +0.20',
  )
  expect(JSON.parse(outputsJson([row], [answer]))).toEqual({ outputs: [[0.5]], answers: [answer] })
  expect(JSON.parse(outputsJson([row], [plain]))).toEqual({ outputs: [[0.5]] })
})
