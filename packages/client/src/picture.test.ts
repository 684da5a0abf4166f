import { describe, expect, test } from 'vitest'
import { isPicture, pixelsOf } from './picture.ts'
import { flattenSample } from './samples.ts'

const rgba = { width: 2, height: 1, data: Uint8ClampedArray.of(100, 150, 200, 255, 10, 20, 30, 255) }
const rgb = { width: 2, height: 1, data: [100, 150, 200, 10, 20, 30] }
const grey = { width: 2, height: 1, data: Uint8Array.of(7, 9) }

describe('a picture', () => {
  test.each([
    ['planes', [3, 1, 2], rgba, [100, 10, 150, 20, 200, 30]],
    ['pixels', [1, 2, 3], rgba, [100, 150, 200, 10, 20, 30]],
    ['planes of one without opacity', [3, 1, 2], rgb, [100, 10, 150, 20, 200, 30]],
    ['grey', [1, 1, 2], grey, [7, 9]],
    ['grey without channels', [1, 2], grey, [7, 9]],
    ['grey in one row', [2], grey, [7, 9]],
    ['three equal planes of a grey one', [3, 1, 2], grey, [7, 9, 7, 9, 7, 9]],
  ])('is given in the order of the model: %s', (_, shape, picture, expected) => {
    expect([...pixelsOf(picture, shape)]).toEqual(expected)
  })

  test('in colour is grey by ITU-R BT.601', () => {
    const [first, second] = pixelsOf(rgba, [1, 1, 2])
    expect(first).toBeCloseTo(0.299 * 100 + 0.587 * 150 + 0.114 * 200, 10)
    expect(second).toBeCloseTo(0.299 * 10 + 0.587 * 20 + 0.114 * 30, 10)
  })

  test('that is transparent is black there', () => {
    const data = Uint8ClampedArray.of(200, 200, 200, 0, 100, 100, 100, 51)
    const [clear, faint] = pixelsOf({ width: 2, height: 1, data }, [1, 1, 2])
    expect(clear).toBe(0)
    expect(faint).toBeCloseTo(20, 10)
  })

  test('is scaled as the model says', () => {
    const input = { shape: [1, 1, 2], pixels: { scale: 1 / 10, offset: -1 } }
    expect([...flattenSample(grey, input)].map((v) => Math.round(100 * v) / 100)).toEqual([-0.3, -0.1])
  })

  test('of another size is refused, with both sizes', () => {
    expect(() => pixelsOf(grey, [1, 28, 28])).toThrow('expected a picture for a model that takes 1x28x28, got 2 x 1')
    expect(() => pixelsOf({ ...grey, height: 2 }, [1, 2, 2])).toThrow('got 2 x 2 with 2 values')
    expect(() => pixelsOf({ width: 0, height: 0, data: [] }, [1])).toThrow(RangeError)
    expect(() => pixelsOf({ width: 2, height: 1, data: [0, 300] }, [2])).not.toThrow()
    expect(() =>
      flattenSample({ width: 2, height: 1, data: [0, 300] }, { shape: [2], pixels: { scale: 1, offset: 0 } }),
    ).toThrow('expected pixels from 0 to 255')
  })
})

test('rows with such columns are no pictures', () => {
  expect(isPicture(grey)).toBe(true)
  for (const other of [{ width: 2, height: 1, data: 3 }, { width: 2, height: 1 }, [1, 2], null, 'text'])
    expect(isPicture(other)).toBe(false)
})
