import { expect, test } from 'vitest'
import { fuzz } from '../test-support/fuzz.ts'
import { fuzzSealRows } from '../test-support/fuzz-seal-rows.ts'

test("3,000 mutations of SEAL's files, uncompressed, zlib and Zstandard", () => {
  const counts = fuzz(fuzzSealRows(), { count: 3000, seed: 5 })
  for (const [name, { mutations, accepted }] of counts) {
    // Of a few dozen all may be refused.
    if (mutations < 100) continue
    expect(accepted, `${name}: accepted`).toBeGreaterThan(0)
    expect(accepted, `${name}: accepted of ${mutations}`).toBeLessThan(mutations)
  }
})
