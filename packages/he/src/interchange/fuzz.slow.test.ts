import { expect, test } from 'vitest'
import { fuzz } from '../test-support/fuzz.ts'
import { fuzzSealRows } from '../test-support/fuzz-seal-rows.ts'

test("300,000 mutations of SEAL's files, uncompressed, zlib and Zstandard", () => {
  const started = performance.now()
  const counts = fuzz(fuzzSealRows(), { count: 300_000, seed: 13 })
  let total = 0
  for (const [name, { mutations, accepted }] of counts) {
    total += mutations
    console.log(`${name.padEnd(40)} ${mutations} mutations, ${accepted} accepted`)
    expect(accepted, name).toBeGreaterThan(0)
  }
  console.log(`${Math.round(total / ((performance.now() - started) / 1000))} mutations a second`)
  expect(total).toBeGreaterThanOrEqual(300_000)
})
