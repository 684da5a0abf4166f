import type { Graph } from '../graph/graph.ts'
import type { Circuit, CircuitStep } from './circuit.ts'
import { tiledLayout } from './layout.ts'
import { selectColumns, usedInputs } from './used-inputs.ts'

/**
 * Lays a lowered graph out with one ciphertext for every element that is used, and a sample in every place: matrices are sums of ciphertexts times numbers, nothing is rotated.
 * Without products the samples are coefficients, twice as many of them.
 */
export function packBatch(graph: Graph, ringDegree: number): Circuit {
  const encoding = graph.nodes.some(({ op }) => op === 'multiply') ? 'slots' : 'coefficients'
  const registers = graph.nodes.map(() => 0)
  const steps: CircuitStep[] = []
  const { size } = graph.nodes[0]!
  const used = usedInputs(graph)
  const tiles = [used.length]
  const last = graph.nodes.length - 1
  graph.nodes.forEach((node, index) => {
    if (node.op === 'input') return
    const [a = 0, b = 0] = node.inputs.map((input) => registers[input]!)
    if (node.op === 'affine') {
      const { bias } = node.map!
      const matrix = selectColumns(node.map!.matrix, node.inputs[0] === 0 ? used : undefined)
      const some = bias.some((v) => v !== 0) ? bias : undefined
      steps.push({ op: 'linear', name: node.name, input: a, map: { kind: 'scalars', matrix }, bias: some })
    } else if (node.op === 'add' || node.op === 'multiply') {
      steps.push({ op: node.op, name: node.name, inputs: [a, b] })
    }
    tiles.push(node.size)
    registers[index] = steps.length
  })
  if (graph.output !== last) throw new RangeError(`"graph" expected its output last, at ${last}, got ${graph.output}`)
  const capacity = encoding === 'slots' ? ringDegree / 2 : ringDegree
  return {
    packing: 'batch',
    encoding,
    capacity,
    input: { size, tiles: used.length, period: 1, elements: used },
    output: tiledLayout(graph.nodes[graph.output]!.size, 1),
    steps,
    tiles,
    notes: [
      `one ciphertext for each of ${used.length} inputs${used.length < size ? ` (no weight reads the other ${size - used.length})` : ''}, ` +
        `${capacity} samples in each`,
    ],
  }
}
