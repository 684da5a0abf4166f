import { expect, test } from 'vitest'
import { randomGraph } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import { packSlots as pack } from '../layout/pack-slots.ts'
import { lower } from '../passes/lower.ts'
import { verify } from './verify.ts'

test('a circuit that computes something else than its graph is an internal error', () => {
  const graph = randomGraph([{ op: 0, first: 0, second: 0, size: 4, density: 1 }], 6, 1)
  const circuit = pack(lower(graph), 64)
  const samples = [randomNumbers(1, 6)]
  verify(graph, circuit, samples)
  const step = circuit.steps[0]!
  if (step.op !== 'linear' || step.map.kind !== 'rotations')
    throw new TypeError('expected a linear step with rotations')
  const { diagonals } = step.map
  const blocks = diagonals.blocks.map((block) => ({
    ...block,
    values: block.values.map((v, k) => (k === 0 ? v.map((w) => w * 1.001) : v)),
  }))
  const broken = { ...circuit, steps: [{ ...step, map: { ...step.map, diagonals: { ...diagonals, blocks } } }] }
  expect(() => verify(graph, broken, samples)).toThrow(/internal error: the circuit of "y" differs from the model by/)
})
