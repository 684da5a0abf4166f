import { expect, test } from 'vitest'
import { runAfter } from './after.ts'
import { inputStepsSchema, outputStepsSchema } from './schema.ts'
import type { OutputStep } from './steps.ts'

const labels = (names: string[], threshold?: number): OutputStep => ({
  op: 'labels',
  names,
  ...(threshold !== undefined && { threshold }),
})

test('no steps: the output', () => {
  expect(runAfter([], [1, 2])).toEqual({ values: [1, 2], probabilities: false })
})

test('softmax of large numbers, with the name of the largest', () => {
  const answer = runAfter([{ op: 'softmax' }, labels(['a', 'b', 'c'])], [1000, 1000 + Math.log(3), -1e4])
  expect(answer.values[0]).toBeCloseTo(0.25, 12)
  expect(answer.values[1]).toBeCloseTo(0.75, 12)
  expect(answer).toMatchObject({ label: 'b', names: ['a', 'b', 'c'], probabilities: true })
})

test('two classes with one output have two probabilities; at the threshold it is the first', () => {
  expect(runAfter([{ op: 'sigmoid' }, labels(['no', 'yes'], 0.5)], [Math.log(3)])).toMatchObject({
    label: 'yes',
    names: ['no', 'yes'],
    probabilities: true,
  })
  expect(runAfter([{ op: 'sigmoid' }, labels(['no', 'yes'], 0.5)], [Math.log(3)]).values[1]).toBeCloseTo(0.75, 12)
  expect(runAfter([{ op: 'sigmoid' }, labels(['no', 'yes'], 0.5)], [0]).label).toBe('no')
  expect(runAfter([labels(['no', 'yes'])], [0.1])).toEqual({ values: [0.1], probabilities: false, label: 'yes' })
})

test('contributions are added up before the link', () => {
  const answer = runAfter([{ op: 'total', names: ['age', 'sex'], bias: 1 }, { op: 'exp' }], [2, -3])
  expect(answer).toEqual({
    values: [1],
    probabilities: false,
    contributions: [
      { name: 'age', value: 2 },
      { name: 'sex', value: -3 },
    ],
  })
})

test('scaling, clipping, shares and names', () => {
  const steps: OutputStep[] = [
    { op: 'scale', factor: 2, offset: 1 },
    { op: 'clip', low: 0, high: 3 },
    { op: 'share' },
    { op: 'names', names: ['a', 'b'] },
  ]
  expect(runAfter(steps, [0, 5])).toEqual({ values: [0.25, 0.75], probabilities: true, names: ['a', 'b'] })
  expect(runAfter(steps, [-9, -9]).values).toEqual([0.5, 0.5])
})

test('the logarithm of a softmax, and indices of the largest', () => {
  const [a, b] = runAfter([{ op: 'softmax', log: true }], [1000, 1000 + Math.log(3)]).values
  expect(a).toBeCloseTo(Math.log(0.25), 12)
  expect(b).toBeCloseTo(Math.log(0.75), 12)
  expect(runAfter([{ op: 'argmax' }], [1, 5, 5, 2]).values).toEqual([1])
  expect(runAfter([{ op: 'argmax', last: true }], [1, 5, 5, 2]).values).toEqual([2])
})

test('along an axis of several', () => {
  // 2 x 3 x 2: the middle axis.
  const values = [1, 0, 3, 9, 2, 8, 0, 1, -1, 3, 5, 2]
  expect(runAfter([{ op: 'argmax', along: { length: 3, stride: 2 } }], values).values).toEqual([1, 1, 2, 1])
  expect(runAfter([{ op: 'argmax', along: { length: 2, stride: 1 } }], values).values).toEqual([0, 1, 1, 1, 1, 0])
  const rows = runAfter([{ op: 'softmax', along: { length: 2, stride: 1 } }], [0, Math.log(3), 7, 7])
  rows.values.forEach((v, i) => expect(v).toBeCloseTo([0.25, 0.75, 0.5, 0.5][i]!, 12))
  expect(rows.probabilities).toBe(false)
  expect(() => runAfter([{ op: 'argmax', along: { length: 5, stride: 1 } }], values)).toThrow(
    /multiple of 5 x 1 values, got 12/,
  )
})

test('steps that do not fit say so without the values', () => {
  expect(() => runAfter([labels(['a', 'b', 'c'])], [987, 654])).toThrow(
    /"output" expected 3 values \(a, b, c\), got 2$/,
  )
})

test('schemas refuse what is no step, bins out of order, and branches without end', () => {
  const fails = (steps: unknown): boolean => !inputStepsSchema.safeParse(steps).success
  const bins = (edges: number[]): object => ({
    op: 'encode',
    columns: [{ kind: 'bins', from: 0, edges, missing: false }],
  })
  const nest = (depth: number): object =>
    depth === 0
      ? { op: 'normalise', norm: 'l2' }
      : { op: 'branches', branches: [{ from: [0], steps: [nest(depth - 1)] }] }
  expect(fails([bins([1, 2])])).toBe(false)
  expect(fails([bins([2, 1])])).toBe(true)
  expect(fails([nest(4)])).toBe(false)
  expect(fails([nest(5)])).toBe(true)
  expect(fails([{ op: 'scale', offset: [0], factor: [1, 2] }])).toBe(true)
  expect(fails([{ op: 'scale', offset: [0], factor: [1], more: 1 }])).toBe(true)
  expect(fails([{ op: 'hash-text', size: 2 ** 21, ngrams: [1, 2], norm: 'l2' }])).toBe(true)
  expect(fails([{ op: 'evaluate', code: 'x' }])).toBe(true)
  expect(outputStepsSchema.safeParse([{ op: 'scale', factor: Infinity, offset: 0 }]).success).toBe(false)
  expect(outputStepsSchema.safeParse([{ op: 'labels', names: ['a'], threshold: 0.5 }]).success).toBe(true)
})
