import type { Graph } from '../graph/graph.ts'
import { runClear } from '../run/clear.ts'
import { affine } from '../tensor/affine.ts'
import { pickMatrix } from '../tensor/sparse.ts'

/** What errors of the outputs are measured by: as given, or the largest |value| of each on samples (of one that is always 0, that of all). Throws RangeError. */
export function unitsOf(
  graph: Graph,
  samples: readonly Float64Array[],
  given: 'largest' | 'each' | readonly number[],
): readonly number[] | undefined {
  if (given === 'largest') return undefined
  if (given !== 'each') {
    const { size } = graph.nodes[graph.output]!
    if (given.length !== size || !given.every((unit) => unit > 0 && unit < Infinity))
      throw new RangeError(
        `"precisionOf" expected "largest", "each" or ${size} numbers above 0, got ${given.length} numbers`,
      )
    return given
  }
  const largest = new Array<number>(graph.nodes[graph.output]!.size).fill(0)
  for (const sample of samples) {
    runClear(graph, sample).forEach((value, j) => {
      largest[j] = Math.max(largest[j]!, Math.abs(value))
    })
  }
  const all = Math.max(...largest) || 1
  return largest.map((value) => value || all)
}

/** The graph with output j divided by units[j]. */
export function divideOutputs(graph: Graph, units: readonly number[]): Graph {
  const size = units.length
  const matrix = pickMatrix(
    Int32Array.from({ length: size }, (_, j) => j),
    size,
    (j) => 1 / units[j]!,
  )
  const { name } = graph.nodes[graph.output]!
  const node = { op: 'affine', inputs: [graph.output], size, name, map: affine(matrix) } as const
  return { ...graph, nodes: [...graph.nodes, node], output: graph.nodes.length }
}
