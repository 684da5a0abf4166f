import { describe, expect, test } from 'vitest'
import { packBatch } from '../layout/pack-batch.ts'
import { packCoefficients } from '../layout/pack-coefficients.ts'
import { affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
import { sensitivity } from './sensitivity.ts'

/** y = rows · x */
function circuitOf(rows: readonly (readonly number[])[], packing: 'coefficient' | 'batch') {
  const columns = rows[0]!.length
  const matrix = buildSparse(rows.length, columns, (row, add) => {
    rows[row]!.forEach((w, column) => {
      if (w !== 0) add(column, w)
    })
  })
  const graph = {
    nodes: [
      { op: 'input' as const, inputs: [], size: columns, name: 'x' },
      {
        op: 'affine' as const,
        inputs: [0],
        size: rows.length,
        name: 'y',
        map: affine(matrix, new Float64Array(rows.length)),
      },
    ],
    output: 1,
    inputShape: [columns],
    outputShape: [rows.length],
    inputName: 'x',
    outputName: 'y',
  }
  return packing === 'batch' ? packBatch(graph, 16) : packCoefficients(graph, 16, columns)
}

describe.each(['coefficient', 'batch'] as const)('rounding of weights in %s packing', (packing) => {
  const sample = Float64Array.of(1, 2, 3, -4)

  test('adds up by squares where weights differ', () => {
    const { weights } = sensitivity(circuitOf([[0.1, 0.2, 0.3, 0.4]], packing), [sample])
    expect(weights[0]).toBeCloseTo(1 + 4 + 9 + 16, 12)
  })

  test('adds up before the squares where weights are equal, as they are rounded alike', () => {
    const { weights } = sensitivity(circuitOf([[0.1, 0.1, 0.2, 0.2]], packing), [sample])
    expect(weights[0]).toBeCloseTo((1 + 2) ** 2 + (3 - 4) ** 2, 12)
  })

  test('is that of the worst output, each with its own weights', () => {
    const { ownWeights } = sensitivity(
      circuitOf(
        [
          [0.5, 0.5, 0, 0.5],
          [0.5, 0.25, 0.5, 0],
        ],
        packing,
      ),
      [sample],
    )
    expect(ownWeights[0]).toBeCloseTo(Math.max((1 + 2 - 4) ** 2, (1 + 3) ** 2 + 2 ** 2), 12)
  })

  test('is measured on the worst of all samples, and the reach of other noise once where nothing is multiplied', () => {
    const circuit = circuitOf([[3, 4, 0, 0]], packing)
    const one = sensitivity(circuit, [sample])
    const two = sensitivity(circuit, [sample, Float64Array.of(10, 0, 0, 0)])
    expect(two.register).toEqual(one.register)
    expect(two.register[0]).toBeCloseTo(25, 12)
    expect([one.weights[0], two.weights[0]]).toEqual([expect.closeTo(5, 12), expect.closeTo(100, 12)])
    expect(two.magnitude[0]).toBe(10)
  })
})
