import { expect, test } from 'vitest'
import { type ClientPart, requireSample } from '../program/client.ts'
import { runBefore } from './before.ts'
import { sourceOf } from './source.ts'
import type { Cell, InputStep } from './steps.ts'

const steps: InputStep[] = [
  { op: 'columns', columns: [{ name: 'age' }, { name: 'sex', values: ['f', 'm'] }, { name: 'weight' }] },
  {
    op: 'branches',
    branches: [
      { from: [1], steps: [{ op: 'encode', columns: [{ kind: 'one-hot', from: 0, values: ['f', 'm'] }] }] },
      {
        from: [2, 0],
        steps: [
          {
            op: 'encode',
            columns: [
              { kind: 'bins', from: 1, edges: [30, 60], missing: false },
              { kind: 'number', from: 0 },
            ],
          },
        ],
      },
    ],
  },
  { op: 'scale', offset: [0, 0, 0, 0, 0, 0], factor: [1, 1, 1, 1, 1, 1] },
]

test('every number is traced back to the column that it changes with', () => {
  const row: Cell[] = [45, 'f', 80]
  const others: Cell[] = [70, 'm', 81]
  const before = runBefore(steps, row)
  const names = ['age', 'sex', 'weight']
  names.forEach((name, column) => {
    const after = runBefore(
      steps,
      row.map((cell, i) => (i === column ? others[i]! : cell)),
    )
    after.forEach((v, i) => {
      if (v !== before[i]) expect(sourceOf(steps, i)).toBe(`column "${name}"`)
    })
  })
  expect([0, 1, 2, 3, 4, 5, 6].map((i) => sourceOf(steps, i))).toEqual([
    ...['sex', 'sex', 'age', 'age', 'age', 'weight'].map((name) => `column "${name}"`),
    undefined,
  ])
})

test('products name all their columns, texts none, rows without names their cells', () => {
  const [columns] = steps
  const terms = [[], [0], [0, 2], [2, 2]]
  const products: InputStep[] = [columns!, { op: 'products', terms }]
  expect(terms.map((_, i) => sourceOf(products, i))).toEqual([
    undefined,
    'column "age"',
    'column "age" · column "weight"',
    'column "weight"',
  ])
  expect(sourceOf([{ op: 'hash-text', size: 8, ngrams: [1, 1], norm: 'l2' }], 3)).toBeUndefined()
  expect(sourceOf([{ op: 'scale', offset: [0, 0], factor: [1, 1] }], 1)).toBe('cell 1')
  expect(sourceOf([], 4)).toBe('cell 4')
})

test('a number that is out of range is named by its column, and not told', () => {
  const input = { before: steps, layout: { size: 6 }, shape: [6], name: 'x', largest: 2.5 }
  const part = { input } as unknown as ClientPart
  requireSample(part, [0, 1, 0, 1, 0, 2.5])
  expect(() => requireSample(part, [0, 1, 0, 1, 0, 77])).toThrow(
    new RangeError(
      'column "weight" expected, once prepared, a number from -2.5 to 2.5, the most that this program can hold; compile it with samples of the real range',
    ),
  )
})
