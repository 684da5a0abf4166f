import { expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import type { Activation } from '../graph/activation.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { showGraph } from '../graph/show.ts'
import { runAfter } from '../model/after.ts'
import { modelOf } from '../model/model.ts'
import { outputStepsSchema } from '../model/schema.ts'
import { runClear } from '../run/clear.ts'
import { identityMap } from '../tensor/affine.ts'
import { peelOutput } from './peel-output.ts'

function ending(activation: Activation): Graph {
  const nodes: Node[] = [
    { op: 'input', inputs: [], size: 3, name: 'x' },
    { op: 'affine', inputs: [0], size: 2, name: 'fc', map: randomMap(1, 2, 3) },
    { op: 'activation', inputs: [1], size: 2, name: 'act', activation },
    { op: 'affine', inputs: [2], size: 2, name: 'reshape', map: identityMap(2) },
  ]
  return { nodes, output: 3, inputShape: [3], outputShape: [2], inputName: 'x', outputName: 'y' }
}

test.each<Activation>([
  { kind: 'Sigmoid' },
  { kind: 'Tanh' },
  { kind: 'Softplus' },
  { kind: 'Softsign' },
  { kind: 'Erf' },
  { kind: 'Exp' },
  { kind: 'Elu', alpha: 0.5 },
  { kind: 'LeakyRelu', alpha: 0.1 },
])('a last activation goes to the client: %j', (activation) => {
  const model = modelOf(ending(activation))
  const peeled = peelOutput({ ...model, after: [{ op: 'scale', factor: 2, offset: 1 }] })
  expect(showGraph(peeled.graph)).toBe(
    ['%0 3 x = input', '%1 2 fc = [2x3, 6 weights] %0 + bias', 'return %1'].join('\n'),
  )
  const steps = outputStepsSchema.parse(JSON.parse(JSON.stringify(peeled.after)))
  const x = randomNumbers(3, 3)
  const answer = runAfter(steps, runClear(peeled.graph, x))
  expect(answer.values).toEqual([...runClear(model.graph, x)].map((v) => 2 * v + 1))
  expect(answer.probabilities).toBe(activation.kind === 'Sigmoid')
})

test.each<Activation>([
  { kind: 'Relu' },
  { kind: 'Abs' },
  { kind: 'Clip', low: 0, high: 1 },
  { kind: 'LeakyRelu', alpha: 0 },
])('one that hides something stays: %j', (activation) => {
  const model = modelOf(ending(activation))
  expect(peelOutput(model)).toBe(model)
})
