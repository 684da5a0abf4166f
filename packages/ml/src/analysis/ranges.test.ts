import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomGraph, randomMap } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import { type Activation, functionOf } from '../graph/activation.ts'
import { evaluateBlock } from '../graph/evaluate.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { pieceOn, piecesOf } from '../graph/pieces.ts'
import { accuracyOf } from './accuracy.ts'
import { boundsOf } from './bounds.ts'
import { rangesOf } from './ranges.ts'

const activations: Activation[] = [
  ...(['Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Erf', 'Exp', 'Abs'] as const).map((kind) => ({ kind })),
  { kind: 'Gelu', approximate: 'none' },
  { kind: 'Gelu', approximate: 'tanh' },
  { kind: 'LeakyRelu', alpha: 0.1 },
  { kind: 'LeakyRelu', alpha: -0.5 },
  { kind: 'Elu', alpha: 1.5 },
  { kind: 'HardSigmoid', alpha: 0.2, beta: 0.5 },
  { kind: 'Clip', low: -1, high: 0.5 },
]

/** A map of the input, and an activation of it. */
function single(activation: Activation, size = 3): Graph {
  const nodes: Node[] = [
    { op: 'input', inputs: [], size: 2, name: 'x' },
    { op: 'affine', inputs: [0], size, name: 'fc', map: randomMap(3, size, 2) },
    { op: 'activation', inputs: [1], size, name: 'act', activation },
  ]
  return { nodes, output: 2, inputShape: [2], outputShape: [size], inputName: 'x', outputName: 'y' }
}

test('ranges are of all values, and the values are an even choice', () => {
  const graph = single({ kind: 'Relu' }, 30)
  const count = 5000
  const samples = randomNumbers(1, 2 * count)
  const { low, high, values } = rangesOf(graph, samples).get(2)!
  // Row by row, as plain linear algebra has it.
  const { matrix, bias } = graph.nodes[1]!.map!
  const all: number[] = []
  for (let s = 0; s < count; s++) {
    for (let row = 0; row < 30; row++) {
      let sum = bias[row]!
      for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++)
        sum += matrix.value[k]! * samples[2 * s + matrix.index[k]!]!
      all.push(sum)
    }
  }
  const [least, most, total] = all.reduce(([a, b, c], v) => [Math.min(a, v), Math.max(b, v), c + v], [1, -1, 0])
  expect(low).toBeCloseTo(least!, 12)
  expect(high).toBeCloseTo(most!, 12)
  expect(values.length).toBeLessThanOrEqual(2 ** 16)
  expect(values.length).toBeGreaterThan(2 ** 14)
  expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(total! / all.length, 2)
  const sorted = values.slice().sort()
  all.sort((a, b) => a - b)
  for (const share of [0.1, 0.25, 0.5, 0.9])
    expect(sorted[Math.floor(share * sorted.length)]).toBeCloseTo(all[Math.floor(share * all.length)]!, 1)
})

test('a function may stand for an activation', () => {
  const first = single({ kind: 'Relu' }, 2)
  const nodes: Node[] = [...first.nodes, { ...first.nodes[2]!, inputs: [2], name: 'next' }]
  const graph: Graph = { ...first, nodes, output: 3 }
  const found = rangesOf(graph, randomNumbers(4, 20), new Map([[2, () => 7]]))
  expect(found.get(3)).toMatchObject({ low: 7, high: 7 })
  expect([...found.keys()]).toEqual([2, 3])
})

test('bounds hold for every input', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          op: fc.nat(2),
          first: fc.nat(20),
          second: fc.nat(20),
          size: fc.integer({ min: 1, max: 4 }),
          density: fc.constantFrom(0.2, 1),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      fc.constantFrom(...activations),
      fc.constantFrom(...activations),
      fc.nat(),
      (choices, before, behind, seed) => {
        const graph = randomGraph(choices, 3, 3)
        // The whole graph behind one activation and before another.
        const at = (node: Node): Node => ({ ...node, inputs: node.inputs.map((i) => i + 1) })
        const size = graph.nodes[0]!.size
        const nodes: Node[] = [
          graph.nodes[0]!,
          { op: 'activation', inputs: [0], size, name: 'before', activation: before },
          ...graph.nodes.slice(1).map(at),
        ]
        const last = nodes.length - 1
        nodes.push({ op: 'activation', inputs: [last], size: nodes[last]!.size, name: 'behind', activation: behind })
        const whole: Graph = { ...graph, nodes, output: last + 1 }
        const bounds = boundsOf(whole)
        const block = randomNumbers(seed, size * 20).map((v) => 8 * v)
        evaluateBlock(whole, block, 20).forEach((values, i) => {
          const [low, high] = bounds[i]!
          const wrong = values.find((v) => {
            const slack = 1e-9 * Math.abs(v) + 1e-12
            return v < low - slack || v > high + slack
          })
          expect(wrong).toBeUndefined()
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('bounds say what is known', () => {
  const boundOf = (activation: Activation): readonly number[] => boundsOf(single(activation))[2]!
  expect(boundOf({ kind: 'Relu' })).toEqual([0, Infinity])
  expect(boundOf({ kind: 'Sigmoid' })).toEqual([0, 1])
  expect(boundOf({ kind: 'Tanh' })).toEqual([-1, 1])
  expect(boundOf({ kind: 'Clip', low: -1, high: 0.5 })).toEqual([-1, 0.5])
  expect(boundOf({ kind: 'Elu', alpha: 2 })).toEqual([-2, Infinity])
})

test('pieces are what the activation is', () => {
  for (const activation of activations) {
    const pieces = piecesOf(activation)
    if (!pieces) continue
    const f = functionOf(activation)
    let from = -10
    for (const { end, slope, offset } of pieces) {
      const to = Math.min(end, 10)
      for (const share of [0.001, 0.5, 0.999]) {
        const x = from + share * (to - from)
        expect(slope * x + offset).toBeCloseTo(f(x), 12)
      }
      expect(pieceOn(activation, [from, to])).toMatchObject({ slope, offset })
      if (to < 10) expect(pieceOn(activation, [from, to + 0.01])).toBeUndefined()
      from = to
    }
  }
  expect(activations.filter((activation) => piecesOf(activation)).map(({ kind }) => kind)).toEqual([
    'Relu',
    'Abs',
    'LeakyRelu',
    'LeakyRelu',
    'HardSigmoid',
    'Clip',
  ])
  expect(piecesOf({ kind: 'Clip', low: 1, high: 1 })).toBeUndefined()
})

test('accuracy counts errors and equal answers', () => {
  const expected = Float64Array.of(3, 4, 0, 1)
  const actual = Float64Array.of(3, 4.5, 0.5, 0)
  const { relativeError, maxError, agreement } = accuracyOf(expected, actual, 2)
  expect(relativeError).toBeCloseTo(Math.sqrt(1.5 / 26), 12)
  expect(maxError).toBe(0.25)
  expect(agreement).toBe(0.5)
  expect(accuracyOf(expected, actual, 1).agreement).toBeUndefined()
  expect(accuracyOf(expected, Float64Array.of(NaN, 0, 0, 0), 1)).toEqual({
    relativeError: Infinity,
    maxError: Infinity,
  })
})
