import { type Accuracy, accuracyOf } from '../analysis/accuracy.ts'
import { boundsOf } from '../analysis/bounds.ts'
import { rangesOf } from '../analysis/ranges.ts'
import type { Method } from '../approximation/fit.ts'
import type { Activation } from '../graph/activation.ts'
import { depthsOf } from '../graph/depth.ts'
import { blocksOf, evaluateBlock } from '../graph/evaluate.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { affine } from '../tensor/affine.ts'
import { pickMatrix } from '../tensor/sparse.ts'
import { type ActivationRule, applyRules } from './activation-rules.ts'
import { type Budget, bySample, chooseDegrees, meets } from './choose-degrees.ts'
import { type FitInput, fitActivations, type Replacement } from './fit-activations.ts'
import { type PolynomialStyle, pushPolynomial, type Shape } from './polynomial-nodes.ts'

/** What `approximate` may be told; it chooses what is left out. */
export interface ApproximateOptions {
  /** What the user asks for; degrees of the other activations are chosen. */
  readonly rules?: readonly ActivationRule[]
  /** What polynomials reach beyond the observed range on either side, in lengths of the range. Default 0.1. */
  readonly margin?: number
  /** Where no rule says another. Default least squares. */
  readonly method?: Method
  /** What degrees are chosen by. Default: a relative error of 0.05. */
  readonly budget?: Budget
  /** Largest degree that is chosen, 1 to 31. Default 15. */
  readonly maxDegree?: number
  /** Products in a row of the whole model that chosen degrees may lead to. Default 10. */
  readonly maxDepth?: number
  /** What the nodes of polynomials are few in. Default `levels`. */
  readonly shape?: Shape
}

/** What became of one activation. */
export interface ActivationReport {
  /** The name of its node. */
  readonly name: string
  /** Which function it was. */
  readonly kind: Activation['kind']
  /** Smallest and largest input on samples, behind the replacements before it. */
  readonly range: readonly [number, number]
  /** The interval that the polynomial was made for: the range and its margin, mirrored where that saves products. */
  readonly interval: readonly [number, number]
  /** Degree of the polynomial; 1 where it is a straight piece of the activation. */
  readonly degree: number
  /** How the polynomial was found; `exact` where it is the activation itself on the whole interval. */
  readonly method: Replacement['method']
  /** The largest error on the interval. */
  readonly maxError: number
  /** The root of the mean squared error over inputs on samples. */
  readonly rmsError: number
}

/** What replacing activations did to a model. */
export interface ApproximationReport {
  /** In the order of the graph. */
  readonly activations: readonly ActivationReport[]
  /** Output of the polynomial model against that of the model as it is, on all samples; undefined where there is nothing to replace. */
  readonly accuracy?: Accuracy
  /** Whether the accuracy is within the budget. */
  readonly met: boolean
  /** How many samples ranges and accuracy were measured on. */
  readonly samples: number
  /** As in the options. */
  readonly margin: number
}

/** Samples that degrees are chosen on; ranges are observed on all. */
const searchSamples = 256

/**
 * Replaces every activation by nodes that compute a polynomial. `samples` are inputs of the graph, one after the other, such as the model will meet: polynomials are
 * good on the ranges that they lead to, and nothing is promised beyond. Throws RangeError without samples, for options out of range and for rules that fit nothing.
 */
export function approximate(
  graph: Graph,
  samples: Float64Array,
  options: ApproximateOptions = {},
): { readonly graph: Graph; readonly report: ApproximationReport } {
  const { margin = 0.1, method = 'least-squares', budget = { relativeError: 0.05 }, shape = 'levels' } = options
  const { maxDegree = 15, maxDepth = 10 } = options
  if (!(margin >= 0 && margin <= 10)) throw new RangeError(`"margin" expected a number from 0 to 10, got ${margin}`)
  const fixed = applyRules(graph, options.rules ?? [])
  const size = graph.nodes[0]!.size
  const count = samples.length / size
  if (!graph.nodes.some(({ op }) => op === 'activation'))
    return { graph, report: { activations: [], met: true, samples: count, margin } }
  const observed = rangesOf(graph, samples)
  const [first] = blocksOf(graph, thin(samples, size), searchSamples)
  const { block, width } = first!
  const input: FitInput = { graph, block, width, observed, bounds: boundsOf(graph), margin, method }
  const expected = outputsOf(graph, samples)
  const accuracyOnAll = (made: ReadonlyMap<number, Replacement>): Accuracy =>
    accuracyOf(expected, outputsOf(graph, samples, made), graph.nodes[graph.output]!.size)
  const specs = chooseDegrees(input, fixed, { budget, maxDegree, maxDepth, accuracyOnAll })
  const { replacements } = fitActivations(input, specs)
  const accuracy = accuracyOnAll(replacements)
  return {
    graph: replaceNodes(graph, replacements, shape),
    report: {
      activations: [...replacements].map(([index, replacement]) => reportOf(graph.nodes[index]!, replacement)),
      accuracy,
      met: meets(budget, accuracy),
      samples: count,
      margin,
    },
  }
}

function reportOf({ name, activation }: Node, replacement: Replacement): ActivationReport {
  const { range, interval, degree, method, maxError, rmsError } = replacement
  return { name, kind: activation!.kind, range, interval, degree, method, maxError, rmsError }
}

/** At most `searchSamples` samples, evenly chosen. */
function thin(samples: Float64Array, size: number): Float64Array {
  const count = samples.length / size
  const chosen = Math.min(count, searchSamples)
  const out = new Float64Array(chosen * size)
  for (let i = 0; i < chosen; i++) {
    const first = Math.floor((i * count) / chosen) * size
    out.set(samples.subarray(first, first + size), i * size)
  }
  return out
}

/** Outputs of all samples, one after the other. */
function outputsOf(
  graph: Graph,
  samples: Float64Array,
  replacements: ReadonlyMap<number, Replacement> = new Map(),
): Float64Array {
  const functions = new Map([...replacements].map(([index, { apply }]) => [index, apply]))
  const { size } = graph.nodes[graph.output]!
  const out = new Float64Array((samples.length / graph.nodes[0]!.size) * size)
  let at = 0
  for (const { block, width } of blocksOf(graph, samples)) {
    out.set(bySample(evaluateBlock(graph, block, width, functions)[graph.output]!, width), at)
    at += size * width
  }
  return out
}

function replaceNodes(graph: Graph, replacements: ReadonlyMap<number, Replacement>, shape: Shape): Graph {
  const nodes: Node[] = []
  const curved = ({ op }: Node, index: number): boolean =>
    op === 'multiply' || (op === 'activation' && replacements.get(index)!.method !== 'exact')
  // A composition of the layers on both sides stays small only where nothing else follows.
  const skip = depthsOf(graph, (node, index) => (curved(node, index) ? 1 : 0))[graph.output] === 1
  const placed: number[] = []
  graph.nodes.forEach((node, index) => {
    const inputs = node.inputs.map((input) => placed[input]!)
    const replacement = replacements.get(index)
    placed.push(
      replacement
        ? pushReplacement(nodes, inputs[0]!, node.name, replacement, { shape, skip })
        : nodes.push({ ...node, inputs }) - 1,
    )
  })
  return { ...graph, nodes, output: placed[graph.output]! }
}

function pushReplacement(
  nodes: Node[],
  input: number,
  name: string,
  replacement: Replacement,
  style: PolynomialStyle,
): number {
  const { size } = nodes[input]!
  if (replacement.method === 'square') return nodes.push({ op: 'multiply', inputs: [input, input], size, name }) - 1
  if (replacement.method !== 'exact') return pushPolynomial(nodes, input, name, replacement.polynomial, style)
  const { slope, offset } = replacement.piece
  if (slope === 1 && offset === 0) return input
  const picks = Int32Array.from({ length: size }, (_, i) => i)
  const map = affine(
    pickMatrix(picks, size, () => slope),
    new Float64Array(size).fill(offset),
  )
  return nodes.push({ op: 'affine', inputs: [input], size, name, map }) - 1
}
