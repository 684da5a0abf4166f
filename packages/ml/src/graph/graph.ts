import type { AffineMap } from '../tensor/affine.ts'
import { sizeOf } from '../tensor/tensor.ts'
import type { Activation } from './activation.ts'

/**
 * One step of a model, for one sample; the batch dimension is gone and so are shapes, which only rename elements.
 * What is neither a product of two variables nor a function of each element is an affine map.
 */
export interface Node {
  /** Which operation it is. */
  readonly op: 'input' | 'affine' | 'activation' | 'add' | 'multiply'
  /** Indices of earlier nodes: none, one, one, two and two. A square is a product with both the same. */
  readonly inputs: readonly number[]
  /** Number of elements. */
  readonly size: number
  /** What the author of the model called it, for messages. */
  readonly name: string
  /** Only of `affine`. */
  readonly map?: AffineMap
  /** Only of `activation`: the function that is applied to every element. Compilation replaces it by a polynomial. */
  readonly activation?: Activation
}

/** Nodes in an order in which they can be computed; node 0 is the input, and the only one. */
export interface Graph {
  /** In an order in which every node comes behind its inputs. */
  readonly nodes: readonly Node[]
  /** Index of the node whose value is the output. */
  readonly output: number
  /** Shapes of one sample. */
  readonly inputShape: readonly number[]
  /** Without the batch. */
  readonly outputShape: readonly number[]
  /** As the model's file has it. */
  readonly inputName: string
  /** As the model's file has it. */
  readonly outputName: string
}

/** Whether the output is the same for all inputs, as far as weights of 0 tell. */
export function isConstant(graph: Graph): boolean {
  /** By node: `zero` values are 0, `constant` ones do not depend on the input. */
  const kinds: ('zero' | 'constant' | 'variable')[] = []
  for (const { op, inputs, map } of graph.nodes) {
    const from = inputs.map((input) => kinds[input]!)
    const passes = from.includes('variable')
    if (op === 'input') kinds.push('variable')
    else if (op === 'affine') {
      const reads = from[0] !== 'zero' && map!.matrix.value.some((weight) => weight !== 0)
      const still = reads || map!.bias.some((v) => v !== 0) ? 'constant' : 'zero'
      kinds.push(reads && passes ? 'variable' : still)
    } else if (op === 'activation') kinds.push(passes ? 'variable' : 'constant')
    else if (op === 'multiply' ? from.includes('zero') : from.every((kind) => kind === 'zero')) kinds.push('zero')
    else kinds.push(passes ? 'variable' : 'constant')
  }
  return kinds[graph.output] !== 'variable'
}

/** Throws where a graph is not one: an input that comes later, sizes that disagree. */
export function checkGraph(graph: Graph): void {
  graph.nodes.forEach((node, i) => {
    const sizes = node.inputs.map((input) => {
      if (!(input >= 0 && input < i))
        throw new RangeError(`"${node.name}" expected inputs before node ${i}, got ${input}`)
      return graph.nodes[input]!.size
    })
    const columns = node.map?.matrix.columns ?? node.size
    const rows = node.map?.matrix.rows ?? node.size
    if (rows !== node.size || sizes.some((size) => size !== columns)) {
      throw new RangeError(
        `"${node.name}" expected ${columns} elements in and ${node.size} out, got ${sizes} in and ${rows} out`,
      )
    }
  })
  if (
    graph.nodes[0]?.size !== sizeOf(graph.inputShape) ||
    graph.nodes[graph.output]?.size !== sizeOf(graph.outputShape)
  ) {
    throw new RangeError(
      `"graph" expected shapes of its input and output, got ${graph.inputShape} and ${graph.outputShape}`,
    )
  }
}
