import { describe, expect, test } from 'vitest'
import { precision } from './precision.ts'

describe('a precision report', () => {
  test('counts bits after the point', () => {
    const report = precision([1, 2, 3, 4], [1 + 2 ** -10, 2 - 2 ** -20, 3 + 2 ** -12, 4])
    expect(report.slots).toBe(4)
    expect(report.real).toEqual({ min: 10, max: 53, mean: 95 / 4, median: 16, worst: 0 })
    expect(report.imaginary).toEqual({ min: 53, max: 53, mean: 53, median: 53, worst: 0 })
    expect(precision([0, 0, 0], [2 ** -4, 2 ** -8, 2 ** -6]).real).toMatchObject({ median: 6, worst: 0, mean: 6 })
  })
  test('takes complex slots apart, and compares what is missing with 0', () => {
    const report = precision({ re: [1], im: [0.5] }, { re: [1, 2 ** -5], im: [0.25, 0] })
    expect(report.real).toMatchObject({ min: 5, worst: 1, max: 53 })
    expect(report.imaginary).toMatchObject({ min: 2, worst: 0, max: 53 })
  })
  test('an error above 1 is negative bits, and what is no number none at all', () => {
    expect(precision([0], [8]).real.min).toBe(-3)
    expect(precision([0, 0], [Number.NaN, 0]).real).toMatchObject({ min: -Infinity, worst: 0 })
  })
  test('prints a table', () => {
    expect(`${precision([0, 0], { re: [2 ** -20, 2 ** -30], im: [0, 2 ** -40] })}`).toBe(
      [
        'bits           min    mean  median     max  worst',
        'real         20.00   25.00   25.00   30.00  slot 0',
        'imaginary    40.00   46.50   46.50   53.00  slot 1',
      ].join('\n'),
    )
  })
  test('mistakes', () => {
    expect(() => precision([1, 2], [1])).toThrow('"got" expected at least the 2 slots of "expected", got 1')
    expect(() => precision([], [])).toThrow(RangeError)
    expect(() => precision(null as never, [1])).toThrow('"expected" expected an array of numbers or {re, im}, got null')
  })
})
