import { expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { affine, identityMap } from '../tensor/affine.ts'
import { pickMatrix } from '../tensor/sparse.ts'
import { depthsOf, layerDepth, productDepth } from './depth.ts'
import { checkGraph, type Graph, type Node } from './graph.ts'
import { showGraph } from './show.ts'

const diagonal = (factor: (i: number) => number, bias: readonly number[]): Partial<Node> => ({
  map: affine(pickMatrix(Int32Array.of(0, 1), 2, factor), Float64Array.from(bias)),
})
const swapped = affine(pickMatrix(Int32Array.of(1, 0), 2))
const nodes: Node[] = [
  { op: 'input', inputs: [], size: 3, name: 'x' },
  { op: 'affine', inputs: [0], size: 2, name: 'fc', map: randomMap(1, 2, 3) },
  { op: 'affine', inputs: [1], size: 2, name: 'a', ...diagonal(() => -0.1234567, [0, 0]) },
  { op: 'affine', inputs: [2], size: 2, name: 'b', ...diagonal(() => 1, [-3, -3]) },
  { op: 'affine', inputs: [3], size: 2, name: 'c', ...diagonal((i) => i, [1, 2]) },
  { op: 'affine', inputs: [4], size: 2, name: 'd', map: identityMap(2) },
  { op: 'affine', inputs: [5], size: 2, name: 'e', map: swapped },
  { op: 'activation', inputs: [6], size: 2, name: 'f', activation: { kind: 'Clip', low: 0, high: 6 } },
  { op: 'multiply', inputs: [7, 7], size: 2, name: 'g' },
  { op: 'multiply', inputs: [8, 1], size: 2, name: 'h' },
  { op: 'add', inputs: [9, 1], size: 2, name: 'i' },
]
const graph: Graph = { nodes, output: 10, inputShape: [3], outputShape: [2], inputName: 'x', outputName: 'y' }

test('a graph is shown line by line', () => {
  checkGraph(graph)
  expect(`\n${showGraph(graph)}\n`).toBe(`
%0 3 x = input
%1 2 fc = [2x3, 6 weights] %0 + bias
%2 2 a = -0.12346 %1
%3 2 b = %2 - 3
%4 2 c = [diagonal, 2 weights] %3 + bias
%5 2 d = %4
%6 2 e = [2x2, 2 weights] %5
%7 2 f = Clip(0, 6) %6
%8 2 g = %7^2
%9 2 h = %8 * %1
%10 2 i = %9 + %1
return %10
`)
})

test('depth is that of the longest way', () => {
  expect(productDepth(graph)).toBe(2)
  expect(layerDepth(graph)).toBe(8)
  expect(depthsOf(graph, (_, i) => i).at(-1)).toBe(55)
})
