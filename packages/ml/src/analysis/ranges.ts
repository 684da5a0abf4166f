import { blocksOf, evaluateBlock } from '../graph/evaluate.ts'
import type { Graph } from '../graph/graph.ts'

/** What an activation was applied to. */
export interface ObservedRange {
  readonly low: number
  readonly high: number
  /** All values, or an even choice of at most 2^16 of them: their distribution. */
  readonly values: Float64Array
}

const maxValues = 2 ** 16

/**
 * The inputs of every activation on samples, by the index of its node. Elements of a layer and samples are taken together. Activations among
 * `functions` are those functions instead. Throws RangeError without samples and for values that are not finite.
 */
export function rangesOf(
  graph: Graph,
  samples: Float64Array,
  functions: ReadonlyMap<number, (x: number) => number> = new Map(),
): Map<number, ObservedRange> {
  const count = samples.length / graph.nodes[0]!.size
  if (count === 0) throw new RangeError('"samples" expected at least one sample, got none')
  const observed = graph.nodes.flatMap((node, i) => (node.op === 'activation' ? [observer(node.size, count, i)] : []))
  for (const { block, width } of blocksOf(graph, samples)) {
    const values = evaluateBlock(graph, block, width, functions)
    for (const { index, see } of observed) see(values[graph.nodes[index]!.inputs[0]!]!)
  }
  return new Map(
    observed.map(({ index, range }) => {
      const { low, high, values } = range()
      if (!Number.isFinite(high - low)) {
        throw new RangeError(
          `"samples" expected finite inputs of "${graph.nodes[index]!.name}", got values from ${low} to ${high}`,
        )
      }
      return [index, { low, high, values }]
    }),
  )
}

interface Observer {
  readonly index: number
  see(values: Float64Array): void
  range(): ObservedRange
}

/** The stride between values that it keeps is odd and coprime to the size, so that all elements and samples have their turn. */
function observer(size: number, count: number, index: number): Observer {
  let stride = Math.ceil((size * count) / maxValues)
  while (commonDivisor(stride, 2 * size) > 1) stride++
  const kept: number[] = []
  let [low, high, next] = [Infinity, -Infinity, 0]
  return {
    index,
    see(values) {
      for (const v of values) {
        if (v < low) low = v
        if (v > high) high = v
        // Stays, since nothing compares with it.
        if (Number.isNaN(v)) low = high = v
      }
      for (; next < values.length; next += stride) kept.push(values[next]!)
      next -= values.length
    },
    range: () => ({ low, high, values: Float64Array.from(kept) }),
  }
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b)
}
