import { expect, test } from 'vitest'
import { createRandomness } from './random.ts'
import { drawSeries, type SeriesSpec } from './synthetic-series.ts'
import { drawVectors } from './synthetic-vectors.ts'

// Against what the formulas of models/SYNTHETIC.md say of mean, spread and correlation.

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length
const within = (value: number, expected: number, tolerance: number): void =>
  expect(Math.abs(value - expected), String(value)).toBeLessThan(tolerance)

test('a series has the course and the autocorrelation that its class says', () => {
  const spec: SeriesSpec = {
    kind: 'series',
    length: 400,
    variables: ['a', 'b'],
    decimals: [3, 3],
    ranges: [
      [-100, 100],
      [-100, 1],
    ],
    classes: [],
  }
  const group = {
    label: 'one',
    share: 1,
    columns: [{ level: 5, slope: 0.1, cos: 2 }, { level: 0 }],
    step: [
      [0.8, 0],
      [0, 0],
    ],
    noise: [
      [0.6, 0],
      [0, 1],
    ],
  }
  const series = Array.from({ length: 30 }, (_, i) => drawSeries(spec, group, 400, createRandomness(i), 30))
  const rest = series.map((rows) =>
    rows.map(([a = 0], t) => a - 5 - 0.1 * t - 2 * Math.cos((2 * Math.PI * ((30 + t) % 365.25)) / 365.25)),
  )
  within(mean(rest.flat()), 0, 0.1)
  // A process y ← 0.8 y + 0.6 e has variance 1 and correlation 0.8.
  within(mean(rest.flat().map((v) => v * v)), 1, 0.1)
  within(mean(rest.flatMap((row) => row.slice(1).map((v, t) => v * row[t]!))), 0.8, 0.1)
  const clipped = series.flat().map(([, b = 0]) => b)
  expect(Math.max(...clipped)).toBe(1)
  // A standard normal number is beyond 1 with probability 0.159.
  within(mean(clipped.map((b) => Number(b === 1))), 0.159, 0.01)
})

test('what differs from one series to another is the same within it', () => {
  const spec: SeriesSpec = {
    kind: 'series',
    length: 5,
    variables: ['a'],
    decimals: [6],
    ranges: [[-100, 100]],
    classes: [],
  }
  const group = { label: 'one', share: 1, columns: [{ rise: 8 }], time: 2, step: [[0]], noise: [[0]], between: [[3]] }
  const all = Array.from({ length: 300 }, (_, i) => drawSeries(spec, group, 5, createRandomness(i)).map(([a = 0]) => a))
  for (const values of all) {
    expect(values[0]! - values[2]!).toBeCloseTo(8 * (1 - Math.exp(-1)), 5)
    expect(values[0]! - values[4]!).toBeCloseTo(8 * (1 - Math.exp(-2)), 5)
  }
  const levels = all.map((values) => values[0]! - 8)
  within(Math.sqrt(mean(levels.map((v) => v * v))), 3, 0.3)
})

test('vectors have the shares, means and components of their classes', () => {
  const drawn = drawVectors(
    {
      kind: 'vectors',
      shape: [2],
      range: [0, 10],
      decimals: 2,
      classes: [
        { label: 'a', share: 0.25, mean: [5, 5], factors: [[1, -1]] },
        { label: 'b', share: 0.75, mean: [9.9, 0], factors: [[0, 0]], own: [2, 0] },
      ],
    },
    4000,
    3,
  )
  const [a, b] = ['a', 'b'].map((label) => drawn.filter((one) => one.label === label).map(({ values }) => values)) as [
    (readonly number[])[],
    (readonly number[])[],
  ]
  within(a.length / 4000, 0.25, 0.02)
  for (const [x = 0, y = 0] of a) expect(x + y).toBeCloseTo(10, 1)
  within(mean(a.map(([x = 0]) => (x - 5) ** 2)), 1, 0.1)
  expect(Math.max(...b.map(([x = 0]) => x))).toBe(10)
  expect(Math.min(...b.map(([x = 0]) => x))).toBeLessThan(6)
  expect(b.every(([, y]) => y === 0)).toBe(true)
})
