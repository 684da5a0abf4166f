import type { Graph, Node } from './graph.ts'

/** The largest sum of costs on a way from the input to a node; by node. */
export function depthsOf(graph: Graph, costOf: (node: Node, index: number) => number): number[] {
  const depths: number[] = []
  graph.nodes.forEach((node, i) => {
    depths.push(node.inputs.reduce((most, input) => Math.max(most, depths[input]!), 0) + costOf(node, i))
  })
  return depths
}

/** Products in a row. */
export function productDepth(graph: Graph): number {
  return depthsOf(graph, ({ op }) => (op === 'multiply' ? 1 : 0))[graph.output]!
}

/** Products and affine maps in a row: encrypted, each takes a level, unless two of them share one. */
export function layerDepth(graph: Graph): number {
  return depthsOf(graph, ({ op }) => (op === 'multiply' || op === 'affine' ? 1 : 0))[graph.output]!
}
