import { expect, test } from 'vitest'
import type { InputStep } from '../model/steps.ts'
import { typicalRows } from './typical-rows.ts'

const rowsOf = (size: number, ...before: InputStep[]): { rows: number[][]; unknown: readonly string[] } => {
  const nodes = [{ op: 'input' as const, inputs: [], size, name: 'x' }]
  const graph = { nodes, output: 0, inputShape: [size], outputShape: [size], inputName: 'x', outputName: 'x' }
  const { samples, unknown } = typicalRows({ before, graph })
  return {
    rows: Array.from({ length: samples.length / size }, (_, i) => [...samples.subarray(i * size, (i + 1) * size)]),
    unknown,
  }
}
const columns = (...names: string[]): InputStep => ({ op: 'columns', columns: names.map((name) => ({ name })) })
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

test('what is scaled is normal', () => {
  const { rows, unknown } = rowsOf(2, columns('a', 'b'), { op: 'scale', offset: [100, -3], factor: [0.1, 5] })
  expect(unknown).toEqual([])
  const values = rows.flat()
  expect(Math.abs(mean(values))).toBeLessThan(0.3)
  expect(mean(values.map((v) => v * v))).toBeGreaterThan(0.6)
  expect(mean(values.map((v) => v * v))).toBeLessThan(1.5)
})

test('columns that nothing is known of are named, and are of the size of what stands for missing ones', () => {
  const { rows, unknown } = rowsOf(2, columns('age', 'share'), { op: 'impute', values: [50, 0] })
  expect(unknown).toEqual(['age', 'share'])
  expect(Math.max(...rows.map(([age]) => age!))).toBeGreaterThan(50)
  expect(Math.max(...rows.map(([age]) => age!))).toBeLessThanOrEqual(100)
  expect(Math.max(...rows.map(([, share]) => share!))).toBeLessThanOrEqual(1)
})

test('categories, codes and bins are all seen, one of each at a time', () => {
  const { rows, unknown } = rowsOf(
    6,
    { op: 'columns', columns: [{ name: 'sex', values: ['f', 'm'] }, { name: 'age' }, { name: 'grade' }] },
    {
      op: 'encode',
      columns: [
        { kind: 'one-hot', from: 0, values: ['f', 'm'] },
        { kind: 'bins', from: 1, edges: [40, 60], missing: false },
        { kind: 'ordinal', from: 2, values: [1, 2], codes: [7, 9] },
      ],
    },
  )
  expect(unknown).toEqual([])
  for (const [f, m, young, middle, old, grade] of rows) {
    expect(f! + m!).toBe(1)
    expect(young! + middle! + old!).toBe(1)
    expect([7, 9]).toContain(grade)
  }
  for (let i = 0; i < 5; i++) expect(rows.some((row) => row[i] === 1)).toBe(true)
})

test('branches, products and norms are followed; nothing is known of a product of unknown numbers', () => {
  const { rows, unknown } = rowsOf(3, columns('a', 'b'), {
    op: 'branches',
    branches: [
      { from: [0], steps: [{ op: 'scale', offset: [0], factor: [2] }] },
      { from: [1], steps: [{ op: 'products', terms: [[0], [0, 0]] }] },
    ],
  })
  expect(unknown).toEqual(['b', 'b · b'])
  for (const [, b, squared] of rows) expect(squared).toBe(b! * b!)
  for (const row of rowsOf(2, columns('a', 'b'), { op: 'normalise', norm: 'l2' }).rows)
    expect(Math.hypot(...row)).toBeCloseTo(1, 12)
})

test('texts are hashed', () => {
  const { rows, unknown } = rowsOf(
    64,
    { op: 'columns', columns: [{ name: 'text', text: true }] },
    { op: 'hash-text', size: 64, ngrams: [1, 2], norm: 'l2' },
  )
  expect(unknown).toEqual([])
  for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 12)
  expect(rows[0]).not.toEqual(rows[1])
})

test('is repeatable, and has fewer rows of wide models', () => {
  const scale: InputStep = { op: 'scale', offset: new Array(2 ** 14).fill(0), factor: new Array(2 ** 14).fill(1) }
  const narrow = columns('a')
  expect(rowsOf(1, narrow)).toEqual(rowsOf(1, narrow))
  expect(rowsOf(1, narrow).rows).toHaveLength(64)
  expect(rowsOf(2 ** 14, scale).rows).toHaveLength(16)
})
