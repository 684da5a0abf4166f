import { expect, test } from 'vitest'
import { bar, binsOf, diverging, histogram, scatter } from './charts.ts'

test('bars are as long as their share, to an eighth of a character', () => {
  expect([0, 0.5, 1, 7].map((share) => bar(share, 4))).toEqual(['', '██', '████', '████'])
  expect([1 / 32, 0.25 + 7 / 32, -1].map((share) => bar(share, 4))).toEqual(['▏', '█▉', ''])
})

test('diverging bars leave 0 to the side of their sign, and are of one width', () => {
  expect(diverging(-0.5, 4)).toBe('  ██│    ')
  expect(diverging(1, 4)).toBe('    │████')
  expect(diverging(0, 4)).toBe('    │    ')
  expect(diverging(-3, 4)).toBe('████│    ')
})

test('bins have the places of the values, the outermost also of those beyond', () => {
  expect(binsOf([0.1, 0.95, 0, 1, -4, 0.5], 0, 1, 2)).toEqual([
    [0, 2, 4],
    [1, 3, 5],
  ])
})

test('histograms fill the columns with their longest bar', () => {
  const lines = histogram(
    [
      { label: 'a', count: 1500 },
      { label: 'bc', count: 750 },
      { label: 'd', count: 0 },
    ],
    20,
  ).split('\n')
  expect(lines).toEqual([' a  ██████████ 1,500', 'bc  █████ 750', ' d   0'])
})

test('points are where they belong: corners in corners, nothing beyond the columns', () => {
  const axis = { name: 'x', low: 0, high: 100 }
  const drawn = scatter(
    [
      [0, 100],
      [100, 0],
      [250, 50],
    ],
    axis,
    { ...axis, name: 'y' },
    { columns: 30, lines: 4 },
  ).split('\n')
  expect(drawn[0]).toBe('    y')
  expect(drawn[1]!.startsWith('100 │⠛')).toBe(true)
  expect(drawn[4]!.endsWith('⣤')).toBe(true)
  expect(drawn.at(-1)!.trim()).toMatch(/^0 +x +100$/)
  for (const line of drawn) expect([...line].length).toBeLessThanOrEqual(30)
})
