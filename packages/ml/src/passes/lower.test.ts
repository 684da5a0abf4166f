import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { graphs } from '../../test/graphs.ts'
import { buildModel, floats, node } from '../../test/onnx.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { checkGraph, type Graph, type Node } from '../graph/graph.ts'
import { showGraph } from '../graph/show.ts'
import { importOnnx } from '../import/onnx.ts'
import { runClear } from '../run/clear.ts'
import type { AffineMap } from '../tensor/affine.ts'
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
  const { graph } = importOnnx(
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
  )
  expect(`\n${showGraph(graph)}\n`).toBe(`
%0 36 x = input
%1 32 Conv_a = [32x36, 288 weights] %0
%2 32 BatchNormalization_b = [diagonal, 32 weights] %1 + bias
%3 8 AveragePool_c = [8x32, 32 weights] %2
%4 8 Mul_d = %3^2
%5 3 Gemm_y = [3x8, 24 weights] %4
return %5
`)
  expect(`\n${showGraph(lower(graph))}\n`).toBe(`
%0 36 x = input
%1 8 Conv_a = [8x36, 128 weights] %0 + bias
%2 8 Mul_d = %1^2
%3 3 Gemm_y = [3x8, 24 weights] %2
return %3
`)
})

test('scalings leave the name to the layer behind them', () => {
  const graph = importOnnx(
    buildModel({
      input: ['n', 4],
      initializers: [floats('half', [1], [0.5]), floats('g', [3, 4], randomNumbers(2, 12))],
      nodes: [
        node('Mul', ['x', 'x'], 'a'),
        node('Mul', ['a', 'half'], 'b'),
        node('Gemm', ['b', 'g'], 'c', { transB: 1 }),
        node('Mul', ['c', 'half'], 'y'),
      ],
    }),
  ).graph
  expect(showGraph(lower(graph))).toBe(
    ['%0 4 x = input', '%1 4 Mul_a = %0^2', '%2 3 Gemm_c = [3x4, 12 weights] %1', 'return %2'].join('\n'),
  )
})

test('a layer behind a polynomial of another one has its own name', () => {
  const layer = (name: string, input: string, [rows, columns]: readonly [number, number]) =>
    node('Gemm', [input, `w${rows}${columns}`], name, { transB: 1 })
  const weights = (rows: number, columns: number) =>
    floats(`w${rows}${columns}`, [rows, columns], randomNumbers(rows + columns, rows * columns))
  const { graph } = importOnnx(
    buildModel({
      input: ['n', 4],
      initializers: [weights(3, 4), weights(2, 3), weights(5, 2), floats('half', [1], [0.5])],
      nodes: [
        layer('fc1', 'x', [3, 4]),
        node('Mul', ['fc1', 'fc1'], 'square1'),
        node('Add', ['square1', 'fc1'], 'poly1'),
        node('Mul', ['poly1', 'half'], 'scaled'),
        layer('fc2', 'scaled', [2, 3]),
        node('Mul', ['fc2', 'fc2'], 'square2'),
        node('Add', ['square2', 'fc2'], 'poly2'),
        layer('fc3', 'poly2', [5, 2]),
        node('Mul', ['fc3', 'half'], 'y'),
      ],
    }),
  )
  expect(`\n${showGraph(lower(graph))}\n`).toBe(`
%0 4 x = input
%1 3 Gemm_fc1 = [3x4, 12 weights] %0
%2 3 Mul_square1 = %1^2
%3 2 Gemm_fc2 = [2x3, 6 weights] %2
%4 2 Gemm_fc2 = [2x4, 8 weights] %0
%5 2 Gemm_fc2 = %3 + %4
%6 2 Mul_square2 = %5^2
%7 5 Gemm_fc3 = [5x2, 10 weights] %6
%8 5 Gemm_fc3 = [5x3, 15 weights] %2
%9 5 Gemm_fc3 = [5x4, 20 weights] %0
%10 5 Gemm_fc3 = %7 + %8
%11 5 Gemm_fc3 = %10 + %9
return %11
`)
})

test('terms that cancel but for rounding are left out, and their biases stay', () => {
  const scaled = (w: number, b: number): AffineMap => ({
    matrix: { rows: 1, columns: 1, start: Int32Array.of(0, 1), index: Int32Array.of(0), value: Float64Array.of(w) },
    bias: Float64Array.of(b),
  })
  const nodes: Node[] = [
    { op: 'input', inputs: [], size: 1, name: 'x' },
    { op: 'multiply', inputs: [0, 0], size: 1, name: 'square' },
    { op: 'affine', inputs: [0], size: 1, name: 'a', map: scaled(2 ** -52, 3) },
    { op: 'affine', inputs: [1], size: 1, name: 'b', map: scaled(2, 1) },
    { op: 'add', inputs: [2, 3], size: 1, name: 'sum' },
  ]
  const graph: Graph = { nodes, output: 4, inputShape: [1], outputShape: [1], inputName: 'x', outputName: 'y' }
  const lowered = lower(graph)
  expect(lowered.nodes.map(({ op }) => op)).toEqual(['input', 'multiply', 'affine'])
  expect(runClear(lowered, Float64Array.of(5))[0]).toBeCloseTo(54, 10)
})
