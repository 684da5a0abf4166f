import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { affine, applyToBlock, compose, sumMaps } from './affine.ts'
import { buildSparse, identityMatrix, isIdentity, multiplyVector, type SparseMatrix } from './sparse.ts'

/** A matrix with about half of its entries, and the same as rows of numbers. */
function both(seed: number, rows: number, columns: number): { sparse: SparseMatrix; dense: number[][] } {
  const values = randomNumbers(seed, rows * columns)
  const dense = Array.from({ length: rows }, (_, r) =>
    [...values.subarray(r * columns, (r + 1) * columns)].map((v) => (v > 0 ? v : 0)),
  )
  const sparse = buildSparse(rows, columns, (row, add) => {
    for (let c = columns - 1; c >= 0; c--)
      if (dense[row]![c] !== 0) for (const half of [0.25, 0.75]) add(c, dense[row]![c]! * half)
  })
  return { sparse, dense }
}

const size = fc.integer({ min: 1, max: 9 })

test('a composition and a sum of maps are what plain linear algebra says', () => {
  fc.assert(
    fc.property(size, size, size, fc.nat(), (n, m, k, seed) => {
      const outer = both(seed, n, m)
      const inner = both(seed + 1, m, k)
      const [a, b, x] = [randomNumbers(seed + 2, n), randomNumbers(seed + 3, m), randomNumbers(seed + 4, k)]
      const dot = (rows: number[][], v: ArrayLike<number>, bias: ArrayLike<number>): number[] =>
        rows.map((row, r) => row.reduce((sum, w, c) => sum + w * v[c]!, bias[r]!))
      const expected = dot(outer.dense, dot(inner.dense, x, b), a)
      const map = compose(affine(outer.sparse, a), affine(inner.sparse, b))
      expect(largestDifference(applyToBlock(map, x, 1), expected)).toBeLessThan(1e-12)
      const twice = sumMaps(map, map)
      expect(
        largestDifference(
          applyToBlock(twice, x, 1),
          expected.map((v) => 2 * v),
        ),
      ).toBeLessThan(1e-12)
      expect(multiplyVector(inner.sparse, x)).toEqual(Float64Array.from(dot(inner.dense, x, new Float64Array(m))))
    }),
    { numRuns: 60 },
  )
})

test('columns ascend, and entries of 0 stay', () => {
  const matrix = buildSparse(2, 3, (row, add) => {
    add(2, 1)
    add(0, row)
    add(2, -1)
  })
  expect([...matrix.index]).toEqual([0, 2, 0, 2])
  expect([...matrix.value]).toEqual([0, 0, 1, 0])
  expect(isIdentity(identityMatrix(3))).toBe(true)
  expect(isIdentity(matrix)).toBe(false)
})
