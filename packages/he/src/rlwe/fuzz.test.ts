import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import { type Accepted, type FuzzRow, fuzz } from '../test-support/fuzz.ts'
import { fuzzRows } from '../test-support/fuzz-rows.ts'

// Bytes from outside: refused with a code, or read into something sound, in little time and memory, all of it given back.

test('5,000 mutations of good frames', () => {
  const counts = fuzz(fuzzRows(), { count: 5000, seed: 3 })
  const total = [...counts.values()].reduce((sum, { mutations }) => sum + mutations, 0)
  expect(total).toBeGreaterThanOrEqual(5000)
  // Both ways out are taken: what is always refused never reaches the end of a decoder.
  for (const [name, { mutations, accepted }] of counts) {
    expect(accepted, `${name}: accepted`).toBeGreaterThan(0)
    expect(accepted, `${name}: accepted of ${mutations}`).toBeLessThan(mutations)
  }
})

describe('the oracle', () => {
  const ring = fuzzRows()[2]!.ring!
  const row = (decode: FuzzRow['decode'], more: Partial<FuzzRow> = {}): FuzzRow[] => [
    { name: 'broken', shape: 'body', golden: [new Uint8Array(20)], decode, ring, mayTake: () => 2048, ...more },
  ]
  const run = (rows: FuzzRow[]) => () => fuzz(rows, { count: 2000, seed: 1 })

  test.each<[string, FuzzRow['decode'], RegExp]>([
    ['a crash', (bytes) => (bytes[3] === 255 ? (undefined as unknown as { x: { y: Accepted } }).x.y : {}), /TypeError/],
    [
      'a RangeError of the engine',
      (bytes) => ({ check: () => new Uint8Array(20 - bytes.length) && undefined }),
      /seed \d+: RangeError/,
    ],
    [
      'memory that is kept',
      (bytes) => {
        if (bytes[0] !== 0) ring.heap.alloc(64)
        return {}
      },
      /64 bytes of memory are still held/,
    ],
    [
      'more memory than its input is worth',
      (bytes) => {
        using _ = ring.heap.alloc(bytes[0] === 0 ? 64 : 4096)
        return {}
      },
      /took 4096 of memory, at most 2048/,
    ],
    [
      'a residue out of range',
      (bytes) => ({ limbs: [{ values: Float64Array.of(bytes[1]!), p: 97 }] }),
      /residue \S+ modulo 97/,
    ],
    ['a fraction', (bytes) => ({ limbs: [{ values: Float64Array.of(bytes[1]! / 512), p: 97 }] }), /residue 0\.\d+/],
  ])('finds %s', (_what, decode, message) => {
    expect(run(row(decode))).toThrow(message)
  })

  test('names the seed and the bytes that it takes, and no more of them', () => {
    const decode: FuzzRow['decode'] = (bytes) => {
      if (bytes[7] === 255) throw new Error('seven')
      return {}
    }
    expect(run(row(decode))).toThrow(
      /broken, seed \d+: Error: seven; input 0 of 20 bytes cut or grown to \d+, bytes changed: 7=ff$/,
    )
  })

  test('finds a decoder that takes its time', () => {
    const slow: FuzzRow['decode'] = () => {
      for (const until = performance.now() + 0.2; performance.now() < until; );
      return {}
    }
    expect(() => fuzz(row(slow), { count: 1000, seed: 1, milliseconds: 100 })).toThrow(/a thousand inputs up to seed/)
  })

  test('accepts refusals with a code only', () => {
    const refuse: FuzzRow['decode'] = (bytes) => {
      if (bytes[0] !== 0) throw new GloveboxError('malformed', 'no')
      return {}
    }
    expect(run(row(refuse))).not.toThrow()
  })
})
