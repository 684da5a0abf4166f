import { blocksOf, evaluateBlock } from '../graph/evaluate.ts'
import type { Graph } from '../graph/graph.ts'

/**
 * Runs a graph on plain numbers in double precision: the truth that encrypted results are compared with.
 * `samples` holds sample after sample, each in row-major order; so does the answer.
 */
export function runClear(graph: Graph, samples: Float64Array): Float64Array {
  const size = graph.nodes[graph.output]!.size
  const out = new Float64Array((samples.length / graph.nodes[0]!.size) * size)
  let at = 0
  for (const { block, width } of blocksOf(graph, samples)) {
    const values = evaluateBlock(graph, block, width)[graph.output]!
    for (let j = 0; j < width; j++) for (let i = 0; i < size; i++) out[at++] = values[i * width + j]!
  }
  return out
}
