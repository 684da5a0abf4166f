import { expect, test } from 'vitest'
import { runBefore } from '../model/before.ts'
import { runClear } from '../run/clear.ts'
import { importPerSample } from './per-sample.ts'

const json = {
  format: 'glovebox-per-sample',
  version: 1,
  samples: 5,
  features: ['km', 'min'],
  outputs: [
    { name: 'distance', weights: [1, 0] },
    { name: 'load', weights: [0.5, -3] },
  ],
}
const series = Float64Array.from({ length: 10 }, (_, i) => Math.sin(i))
const [km, min] = [0, 1].map((f) => series.reduce((sum, v, i) => sum + (i % 2 === f ? v : 0), 0)) as [number, number]

test.each([undefined, [8, 0.25]])('adds up the weighted features of all moments, with client scale %j', (scale) => {
  const model = importPerSample({ ...json, ...(scale && { scale }) })
  const inputs = runBefore(model.before, series)
  if (scale) expect(inputs[3]).toBeCloseTo(series[3]! * 0.25, 12)
  const [distance, load] = runClear(model.graph, inputs)
  expect(distance).toBeCloseTo(km, 12)
  expect(load).toBeCloseTo(0.5 * km - 3 * min, 12)
  expect(model.after).toEqual([{ op: 'names', names: ['distance', 'load'] }])
  expect(model.graph.inputShape).toEqual([5, 2])
})

test('reads text', () => expect(importPerSample(JSON.stringify(json)).graph).toEqual(importPerSample(json).graph))

test.each([
  [{ ...json, version: 2 }, /version/],
  [{ ...json, samples: 0 }, /samples/],
  [{ ...json, samples: 2 ** 16, features: Array.from({ length: 32 }, () => 'f') }, /2\^20|weights/],
  [{ ...json, scale: [1] }, /"scale" expected one for each feature/],
  [{ ...json, scale: [1, 0] }, /scale: 1/],
  [{ ...json, outputs: [{ name: 'a', weights: [1] }] }, /"weights" expected one for each feature/],
  [{ ...json, outputs: [] }, /outputs/],
  ['{', /expected JSON/],
])('%j is refused', (wrong, message) => {
  expect(() => importPerSample(wrong)).toThrow(message)
  expect(() => importPerSample(wrong)).toThrow(expect.objectContaining({ code: 'malformed' }))
})
