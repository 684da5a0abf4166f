import { expect, test } from 'vitest'
import { fuzz } from '../test-support/fuzz.ts'
import { fuzzRows } from '../test-support/fuzz-rows.ts'

test('a million mutations of good frames', () => {
  const rows = fuzzRows()
  const started = performance.now()
  const counts = fuzz(rows, { count: 1_000_000, seed: 11 })
  let total = 0
  for (const [name, { mutations, accepted }] of counts) {
    total += mutations
    console.log(`${name.padEnd(40)} ${mutations} mutations, ${accepted} accepted`)
    expect(accepted, name).toBeGreaterThan(0)
  }
  console.log(`${Math.round(total / ((performance.now() - started) / 1000))} mutations a second`)
  expect(total).toBeGreaterThanOrEqual(1_000_000)
})
