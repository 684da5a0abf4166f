import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { graphs } from '../../test/graphs.ts'
import { buildModel, floats, node } from '../../test/onnx.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { checkGraph } from '../graph/graph.ts'
import { importOnnx } from '../import/onnx.ts'
import { runClear } from '../run/clear.ts'
import { lower } from './lower.ts'

test('a lowered graph computes the same', () => {
  fc.assert(
    fc.property(graphs({ maxSize: 9, depth: 3, length: 12 }), fc.nat(), (graph, seed) => {
      checkGraph(graph)
      const lowered = lower(graph)
      checkGraph(lowered)
      const samples = randomNumbers(seed, 3 * graph.nodes[0]!.size)
      const expected = runClear(graph, samples)
      const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
      expect(largestDifference(runClear(lowered, samples), expected)).toBeLessThan(1e-10 * scale)
      lowered.nodes.forEach(({ op, inputs }) => {
        const kinds = inputs.map((input) => lowered.nodes[input]!.op)
        if (op === 'affine') expect(['input', 'multiply']).toContain(kinds[0])
        if (op === 'add') for (const kind of kinds) expect(['affine', 'add']).toContain(kind)
      })
    }),
    { numRuns: 200 },
  )
})

test('layers without a product between them become one map', () => {
  const graph = lower(
    importOnnx(
      buildModel({
        input: ['n', 1, 6, 6],
        initializers: [
          floats('w', [2, 1, 3, 3], randomNumbers(1, 18)),
          floats('s', [2], [1, 2]),
          floats('v', [2], [1, 4]),
          floats('g', [3, 8], randomNumbers(2, 24)),
        ],
        nodes: [
          node('Conv', ['x', 'w'], 'a'),
          node('BatchNormalization', ['a', 's', 's', 's', 'v'], 'b'),
          node('AveragePool', ['b'], 'c', { kernel_shape: [2, 2], strides: [2, 2] }),
          node('Mul', ['c', 'c'], 'd'),
          node('Flatten', ['d'], 'e'),
          node('Gemm', ['e', 'g'], 'y', { transB: 1 }),
        ],
      }),
    ).graph,
  )
  expect(graph.nodes.map(({ op, name, size }) => `${op} ${name} ${size}`)).toEqual([
    'input x 36',
    'affine Conv_a 8',
    'multiply Mul_d 8',
    'affine Gemm_y 3',
  ])
})
