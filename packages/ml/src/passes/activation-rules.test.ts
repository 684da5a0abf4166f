import { expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { applyRules, parseActivations } from './activation-rules.ts'

const map = randomMap(1, 2, 2)
const nodes: Node[] = [
  { op: 'input', inputs: [], size: 2, name: 'x' },
  { op: 'affine', inputs: [0], size: 2, name: 'conv1', map },
  { op: 'affine', inputs: [1], size: 2, name: 'norm1', map },
  { op: 'activation', inputs: [2], size: 2, name: 'a', activation: { kind: 'Relu' } },
  { op: 'affine', inputs: [3], size: 2, name: 'conv2', map },
  { op: 'activation', inputs: [4], size: 2, name: 'b', activation: { kind: 'Relu' } },
  { op: 'activation', inputs: [4], size: 2, name: 'c', activation: { kind: 'Sigmoid' } },
  { op: 'add', inputs: [5, 6], size: 2, name: 'sum' },
]
const graph: Graph = { nodes, output: 7, inputShape: [2], outputShape: [2], inputName: 'x', outputName: 'y' }
const specs = (...texts: string[]): Record<string, unknown> =>
  Object.fromEntries([...applyRules(graph, parseActivations(texts))].map(([i, spec]) => [nodes[i]!.name, spec]))

test('texts of a command line become rules', () => {
  expect(
    parseActivations(['relu=square', 'SIGMOID=7', 'all=minimax:4', 'conv1=2', 'conv1=relu:least-squares:4', 'a=b=3']),
  ).toEqual([
    { kind: 'Relu', spec: 'square' },
    { kind: 'Sigmoid', spec: { degree: 7 } },
    { spec: { degree: 4, method: 'minimax' } },
    { layer: 'conv1', spec: { degree: 2 } },
    { layer: 'conv1', kind: 'Relu', spec: { degree: 4, method: 'least-squares' } },
    { layer: 'a=b', spec: { degree: 3 } },
  ])
})

test.each([
  '',
  'relu',
  'relu=',
  '=3',
  'relu=0',
  'relu=32',
  'relu=2.5',
  'relu=-1',
  'relu=cube',
  'relu=minimax:square',
  'relu=relu:3',
  'conv1=relu',
  'conv1=foo:3',
  'conv1=minimax:relu:3',
])('%j is refused', (text) => {
  expect(() => parseActivations([text])).toThrow(
    `or "square", as in relu=square, sigmoid=7 or conv1=relu:minimax:4, got "${text}"`,
  )
})

test('a rule for a layer is stronger than one for a kind, and that than one for all; else the last one wins', () => {
  expect(specs('all=3')).toEqual({ a: { degree: 3 }, b: { degree: 3 }, c: { degree: 3 } })
  expect(specs('conv1=5', 'relu=square', 'all=3')).toEqual({ a: { degree: 5 }, b: 'square', c: { degree: 3 } })
  expect(specs('conv2=relu:4', 'conv2=9', 'norm1=6')).toEqual({ a: { degree: 6 }, b: { degree: 4 }, c: { degree: 9 } })
  expect(specs('b=2', 'b=3')).toEqual({ b: { degree: 3 } })
  expect(specs()).toEqual({})
})

test('a rule that fits nothing is refused, and says what there is', () => {
  expect(() => specs('conv3=2')).toThrow(
    'an activation rule is for "conv3", which the model has not: conv1 > norm1 > a (Relu), conv2 > b (Relu), conv2 > c (Sigmoid)',
  )
  expect(() => specs('tanh=2')).toThrow('is for "Tanh", which')
  expect(() => specs('conv1=sigmoid:2')).toThrow('is for "conv1=Sigmoid", which')
  expect(() => applyRules(graph, [{ spec: { degree: 40 } }])).toThrow(
    '"degree" expected an integer from 1 to 31, got 40',
  )
})
