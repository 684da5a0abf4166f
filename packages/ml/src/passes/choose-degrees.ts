import { type Accuracy, accuracyOf } from '../analysis/accuracy.ts'
import { depthsOf } from '../graph/depth.ts'
import { evaluateBlock } from '../graph/evaluate.ts'
import type { Graph } from '../graph/graph.ts'
import type { ActivationSpec } from './activation-rules.ts'
import { type FitInput, fitActivations, type Replacement } from './fit-activations.ts'

/** What the replaced activations may do to the output; what is left out is not asked for. */
export interface Budget {
  /** Root of the mean squared error over that of the outputs. */
  readonly relativeError?: number
  /** Of several outputs: the share of samples whose largest output must stay the same. */
  readonly agreement?: number
}

export function meets({ relativeError = Infinity, agreement = 0 }: Budget, accuracy: Accuracy): boolean {
  return accuracy.relativeError <= relativeError && (accuracy.agreement ?? 1) >= agreement
}

export interface DegreeLimits {
  readonly budget: Budget
  readonly maxDegree: number
  readonly maxDepth: number
  /** On all samples, where the search looks at some. */
  readonly accuracyOnAll: (replacements: ReadonlyMap<number, Replacement>) => Accuracy
}

/**
 * The degrees of activations that no rule speaks of: 2 everywhere, and then one more for the one whose replacement alone hurts the output most, until the
 * budget is met or nothing may grow. Where it is never met, the best that was seen.
 */
export function chooseDegrees(
  input: FitInput,
  fixed: ReadonlyMap<number, ActivationSpec>,
  { budget, maxDegree, maxDepth, accuracyOnAll }: DegreeLimits,
): Map<number, ActivationSpec> {
  const { graph, block, width, method } = input
  const expected = evaluateBlock(graph, block, width)[graph.output]!
  const size = graph.nodes[graph.output]!.size
  const free = graph.nodes.flatMap((node, i) => (node.op === 'activation' && !fixed.has(i) ? [i] : []))
  const degrees = new Map(free.map((index) => [index, Math.min(2, maxDegree)]))
  const specsWith = (index?: number): Map<number, ActivationSpec> =>
    new Map([
      ...fixed,
      ...free.map((i): [number, ActivationSpec] => [i, { degree: degrees.get(i)! + (i === index ? 1 : 0), method }]),
    ])
  const accuracy = (output: Float64Array): Accuracy =>
    accuracyOf(bySample(expected, width), bySample(output, width), size)
  const damages = new Map<string, number>()
  let best: { specs: Map<number, ActivationSpec>; error: number } | undefined
  for (;;) {
    const specs = specsWith()
    const { replacements, output } = fitActivations(input, specs)
    const reached = accuracy(output)
    if (meets(budget, reached) && meets(budget, accuracyOnAll(replacements))) return specs
    if (!best || reached.relativeError < best.error) best = { specs, error: reached.relativeError }
    const growing = free.filter(
      (i) =>
        replacements.get(i)!.method !== 'exact' &&
        degrees.get(i)! < maxDegree &&
        productDepthWith(graph, specsWith(i)) <= maxDepth,
    )
    const damage = (i: number): number => {
      const key = `${i} ${degrees.get(i)}`
      const alone = (): number => {
        const functions = new Map([[i, replacements.get(i)!.apply]])
        return accuracy(evaluateBlock(graph, block, width, functions)[graph.output]!).relativeError
      }
      const found = damages.get(key) ?? alone()
      damages.set(key, found)
      return found
    }
    if (growing.length === 0) return best.specs
    const worst = growing.reduce((a, b) => (damage(b) > damage(a) ? b : a))
    degrees.set(worst, degrees.get(worst)! + 1)
  }
}

/** Products in a row, once activations are polynomials of least depth. */
function productDepthWith(graph: Graph, specs: ReadonlyMap<number, ActivationSpec>): number {
  const depths = depthsOf(graph, ({ op }, index) => {
    if (op === 'multiply') return 1
    const spec = specs.get(index)
    return spec === undefined ? 0 : spec === 'square' ? 1 : Math.ceil(Math.log2(spec.degree))
  })
  return depths[graph.output]!
}

/** A block, element by element, as sample after sample. */
export function bySample(block: Float64Array, width: number): Float64Array {
  const size = block.length / width
  return block.map((_, at) => block[(at % size) * width + Math.floor(at / size)]!)
}
