import { describe, expect, test } from 'vitest'
import { runBefore } from './before.ts'
import type { Cell, InputStep } from './steps.ts'

const columns: InputStep = {
  op: 'columns',
  columns: [
    { name: 'age' },
    { name: 'sex', values: ['female', 'male'] },
    { name: 'note', text: true },
    { name: 'id', unused: true },
  ],
}
const encode: InputStep = {
  op: 'encode',
  columns: [
    { kind: 'number', from: 0 },
    { kind: 'one-hot', from: 1, values: ['female', 'male'] },
    { kind: 'bins', from: 0, edges: [20, 40], missing: true },
    { kind: 'ordinal', from: 1, values: ['male', 'female'], codes: [5, 7] },
  ],
}

test('no steps: the sample itself', () => {
  expect(runBefore([], [1, 2])).toEqual(Float64Array.of(1, 2))
})

test('columns, categories, bins and codes', () => {
  expect([...runBefore([columns, encode], [20, 'male', 'x', {} as Cell])]).toEqual([20, 0, 1, 0, 1, 0, 0, 5])
  expect([...runBefore([columns, encode], [19.5, 'female', null, null])]).toEqual([19.5, 1, 0, 1, 0, 0, 0, 7])
  expect([...runBefore([columns, encode], [400, 'female', null, null])]).toEqual([400, 1, 0, 0, 0, 1, 0, 7])
})

test('a missing cell has its bin, NaN is missing, and an imputer fills', () => {
  const only: InputStep = { op: 'encode', columns: [{ kind: 'bins', from: 0, edges: [0], missing: true }] }
  expect([...runBefore([only], [null])]).toEqual([0, 0, 1])
  expect([...runBefore([only], [Number.NaN])]).toEqual([0, 0, 1])
  expect([...runBefore([{ op: 'impute', values: [3, 4] }], [null, 1])]).toEqual([3, 1])
  expect([...runBefore([{ op: 'impute', values: [3, 4], missing: -1 }], [2, -1])]).toEqual([2, 4])
})

test('a missing number passes scaling, for an imputer behind', () => {
  const scale: InputStep = { op: 'scale', offset: [1, 0], factor: [2, 3] }
  expect([...runBefore([scale, { op: 'impute', values: [9, 9] }], [2, null])]).toEqual([2, 9])
})

test('a missing category stays missing behind its codes, unless it is one', () => {
  const codes = (values: Cell[], more = {}): InputStep => ({
    op: 'encode',
    columns: [{ kind: 'ordinal', from: 0, values, codes: values.map((_, i) => 10 * i), ...more }],
  })
  const impute: InputStep = { op: 'impute', values: [99] }
  expect([...runBefore([codes(['a', 'b']), impute], [null])]).toEqual([99])
  expect([...runBefore([codes(['a', null]), impute], [null])]).toEqual([10])
  expect([...runBefore([codes(['a', 'b'], { otherwise: -1 })], ['c'])]).toEqual([-1])
})

test('branches together make 2^24 numbers at most', () => {
  const branch = {
    from: [0],
    steps: [{ op: 'hash-text' as const, size: 2 ** 20, ngrams: [1, 1] as const, norm: 'none' as const }],
  }
  const branches = new Array(17).fill(branch)
  expect(() => runBefore([{ op: 'branches', branches }], ['x'])).toThrow(/at most 16777216 cells/)
})

test('branches and bins of many numbers take no more than those', () => {
  const leaf: InputStep = { op: 'hash-text', size: 2 ** 20, ngrams: [1, 1], norm: 'none' }
  const wide: InputStep = { op: 'branches', branches: [1, 2, 3, 4].map(() => ({ from: [0], steps: [leaf] })) }
  const { heapUsed } = process.memoryUsage()
  const row = runBefore([wide], ['word'])
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(40 * row.length)
  expect(row.reduce((sum, v) => sum + Math.abs(v), 0)).toBe(4)
  const edges = Array.from({ length: 300_000 }, (_, i) => i)
  expect(runBefore([{ op: 'encode', columns: [{ kind: 'bins', from: 0, edges, missing: false }] }], [7])[8]).toBe(1)
})

test('norms', () => {
  const norm = (norm: 'l1' | 'l2' | 'max', cells: number[]): number[] => [
    ...runBefore([{ op: 'normalise', norm }], cells),
  ]
  expect(norm('l1', [1, -3])).toEqual([0.25, -0.75])
  expect(norm('l2', [3, -4])).toEqual([0.6, -0.8])
  expect(norm('max', [2, -4])).toEqual([0.5, -1])
  expect(norm('l2', [0, 0])).toEqual([0, 0])
})

test('products and branches', () => {
  expect([...runBefore([{ op: 'products', terms: [[], [1], [0, 1, 1]] }], [2, 3])]).toEqual([1, 3, 18])
  const branches: InputStep = {
    op: 'branches',
    branches: [
      { from: [2, 0], steps: [{ op: 'scale', offset: [0, 0], factor: [10, 100] }] },
      { from: [1], steps: [{ op: 'encode', columns: [{ kind: 'one-hot', from: 0, values: ['a', 'b'] }] }] },
      { from: [0], steps: [] },
    ],
  }
  expect([...runBefore([branches], [1, 'b', 3])]).toEqual([30, 100, 0, 1, 1])
  const named: InputStep = { op: 'columns', columns: [{ name: 'a' }, { name: 'b', values: ['b'] }, { name: 'c' }] }
  expect(() => runBefore([named, branches], [null, 'b', 3])).toThrow(/^column "a" expected a finite/)
})

describe('errors name the column and what it expects, never what it holds', () => {
  const strict: InputStep = {
    op: 'encode',
    columns: [{ kind: 'one-hot', from: 1, values: ['female'], silent: ['male'], strict: true }],
  }
  const codes: InputStep = { op: 'encode', columns: [{ kind: 'ordinal', from: 0, values: [1, 2], codes: [0, 1] }] }
  const secret = 987654321
  test.each<[string, InputStep[], Cell[], RegExp]>([
    ['too few cells', [columns], [1], /"cells" expected 4 values \(age, sex, note, id\), got 1/],
    [
      'a text for a number',
      [columns],
      ['s3cret', 'male', 'x', null],
      /column "age" expected a finite number, got a text/,
    ],
    [
      'an infinite number',
      [columns],
      [Infinity, 'male', 'x', null],
      /column "age" expected a finite number, got an infinite/,
    ],
    ['a number for a text', [columns], [1, 'male', secret, null], /column "note" expected a text, got a number/],
    [
      'another category',
      [columns],
      [1, 's3cret', 'x', null],
      /column "sex" expected one of "female", "male", got another text/,
    ],
    [
      'a missing category',
      [columns, strict],
      [1, null, 'x', null],
      /column "sex" expected one of "female", "male", got a missing/,
    ],
    ['an unknown number', [codes], [secret], /cell 0 expected one of 1, 2, got another value/],
    [
      'a gap at the end',
      [columns, encode, { op: 'products', terms: [[0]] }],
      [null, 'male', 'x', null],
      /column "age" expected a finite number, got a missing value/,
    ],
    [
      'a row that is too long',
      [{ op: 'scale', offset: [1], factor: [1] }],
      [secret, secret],
      /"cells" expected 1 values, from cell 0, got 2/,
    ],
    [
      'a branch beyond the end',
      [{ op: 'branches', branches: [{ from: [1], steps: [] }] }],
      [secret],
      /at least 2 values, got 1/,
    ],
    [
      'a number where a text is hashed',
      [{ op: 'hash-text', size: 2, ngrams: [1, 1], norm: 'none' }],
      [secret],
      /cell 0 expected a text/,
    ],
  ])('%s', (_, steps, cells, message) => {
    const failure = ((): unknown => {
      try {
        return runBefore(steps, cells)
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(Error)
    expect(String(failure)).toMatch(message)
    expect(String(failure)).not.toMatch(/s3cret|987654321/)
  })

  test('a list of many values is cut', () => {
    const values = Array.from({ length: 100 }, (_, i) => `v${i}`)
    expect(() => runBefore([{ op: 'columns', columns: [{ name: 'c', values }] }], ['x'])).toThrow(
      /"v7" or 92 others, got/,
    )
  })
})
