import { describe, expect, test } from 'vitest'
import { cellsOf, flattenSample, type Sample } from './samples.ts'

const input = { shape: [1, 2, 2], pixels: { scale: 1 / 255, offset: 0 } }

describe('a sample', () => {
  test.each<[string, Sample]>([
    ['flat', [0.1, 0.2, 0.3, 0.4]],
    [
      'nested',
      [
        [
          [0.1, 0.2],
          [0.3, 0.4],
        ],
      ],
    ],
    ['typed', Float64Array.of(0.1, 0.2, 0.3, 0.4)],
    ['typed rows', [Float64Array.of(0.1, 0.2), Float64Array.of(0.3, 0.4)]],
  ])('%s', (_, sample) => {
    expect([...flattenSample(sample, input)]).toEqual([0.1, 0.2, 0.3, 0.4])
  })

  test('of pixels is scaled as the model says', () => {
    expect([...flattenSample(Uint8Array.of(0, 51, 102, 255), input, { pixels: true })]).toEqual([0, 0.2, 0.4, 1])
    expect(() => flattenSample([0, 1, 2, 256], input, { pixels: true })).toThrow(
      '"sample" expected pixels from 0 to 255, got a value outside at 3',
    )
  })

  test.each<[string, unknown, string]>([
    ['short', [1, 2, 3], '"sample" expected 4 numbers (1x2x2), got 3'],
    ['long', [[1, 2], [3, 4], [5]], '"sample" expected 4 numbers (1x2x2), got 5'],
    ['with NaN', [1, 2, Number.NaN, 4], '"sample" expected finite numbers, got NaN at 2'],
    ['with an infinity', [1, 2, 3, Infinity], 'got Infinity at 3'],
    ['with null', [1, 2, null, 4], '"sample" expected numbers, got null at 2'],
    ['with text', [1, 2, '3', 4], 'got string at 2'],
    ['no array', 7, '"sample" expected an array of numbers, got number'],
    ['null', null, 'got null'],
  ])('that is wrong (%s) is refused with what was expected', (_, sample, message) => {
    expect(() => flattenSample(sample as Sample, input)).toThrow(message)
  })
})

test('a row by names has only cells of its own, whatever columns are called', () => {
  const columns = ['age', 'constructor', '__proto__'].map((name) => ({ name }))
  expect(cellsOf({ age: 3 }, [{ op: 'columns', columns }])).toEqual([3, null, null])
  expect(cellsOf(JSON.parse('{"__proto__": 2, "constructor": 1}'), [{ op: 'columns', columns }])).toEqual([null, 1, 2])
})
