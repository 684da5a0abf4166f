import { blocksOf, evaluateBlock } from '../graph/evaluate.ts'
import type { Graph } from '../graph/graph.ts'

/** The largest absolute value of every node over calibration samples (sample after sample). At least 2^-100, so that it can divide. */
export function ranges(graph: Graph, samples: Float64Array): Float64Array {
  const largest = new Float64Array(graph.nodes.length).fill(2 ** -100)
  for (const { block, width } of blocksOf(graph, samples)) {
    evaluateBlock(graph, block, width).forEach((values, i) => {
      for (const v of values) if (!(Math.abs(v) <= largest[i]!)) largest[i] = Math.abs(v)
    })
  }
  const wild = largest.findIndex((v) => !Number.isFinite(v))
  if (wild >= 0) throw new RangeError(`"samples" expected finite values in all layers, got ${largest[wild]} in "${graph.nodes[wild]!.name}"`)
  return largest
}
