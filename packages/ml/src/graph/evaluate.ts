import { applyToBlock } from '../tensor/affine.ts'
import { functionOf } from './activation.ts'
import type { Graph, Node } from './graph.ts'

/** Values of one node for a block of samples, given those of its inputs; element i of sample j is at i·width + j. */
export function evaluateNode(node: Node, inputs: readonly Float64Array[], width: number): Float64Array {
  const [a, b] = inputs
  switch (node.op) {
    case 'input':
      throw new TypeError('"node" expected a node with inputs, got the input')
    case 'affine':
      return applyToBlock(node.map!, a!, width)
    case 'activation':
      return a!.map(functionOf(node.activation!))
    case 'add':
      return a!.map((v, i) => v + b![i]!)
    case 'multiply':
      return a!.map((v, i) => v * b![i]!)
  }
}

/**
 * Values of every node for a block of samples, node by node. The input block has element i of sample j at i·width + j. An activation whose index is among
 * `functions` is that function instead.
 */
export function evaluateBlock(
  graph: Graph,
  block: Float64Array,
  width: number,
  functions: ReadonlyMap<number, (x: number) => number> = new Map(),
): Float64Array[] {
  const values: Float64Array[] = [block]
  graph.nodes.forEach((node, i) => {
    if (i === 0) return
    const inputs = node.inputs.map((input) => values[input]!)
    const replaced = functions.get(i)
    values.push(replaced ? inputs[0]!.map(replaced) : evaluateNode(node, inputs, width))
  })
  return values
}

/** Sample after sample in `samples` -> blocks of at most `width` samples, transposed. */
export function* blocksOf(
  graph: Graph,
  samples: Float64Array,
  width = 64,
): Generator<{ block: Float64Array; width: number }> {
  const size = graph.nodes[0]!.size
  const count = samples.length / size
  if (!Number.isInteger(count)) {
    throw new RangeError(
      `"samples" expected a multiple of ${size} numbers (${graph.inputShape.join('x')} each), got ${samples.length}`,
    )
  }
  for (let first = 0; first < count; first += width) {
    const n = Math.min(width, count - first)
    const block = new Float64Array(size * n)
    for (let j = 0; j < n; j++) for (let i = 0; i < size; i++) block[i * n + j] = samples[(first + j) * size + i]!
    yield { block, width: n }
  }
}
