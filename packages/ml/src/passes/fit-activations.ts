import type { Bounds } from '../analysis/bounds.ts'
import type { ObservedRange } from '../analysis/ranges.ts'
import { evaluatorOf } from '../approximation/chebyshev.ts'
import { errorsOf, type Fit, fit, type Method } from '../approximation/fit.ts'
import { type Activation, functionOf } from '../graph/activation.ts'
import { evaluateNode } from '../graph/evaluate.ts'
import type { Graph } from '../graph/graph.ts'
import { type Piece, pieceOn } from '../graph/pieces.ts'
import type { ActivationSpec } from './activation-rules.ts'

type Interval = readonly [number, number]

/** What stands for an activation. */
export type Replacement = {
  /** The same in the clear. */
  readonly apply: (x: number) => number
  /** Smallest and largest input on samples. */
  readonly range: Interval
  /** The interval that it was made for. */
  readonly interval: Interval
  readonly degree: number
  /** The largest error on the interval, and the root of the mean squared error over inputs on samples. */
  readonly maxError: number
  readonly rmsError: number
} & (
  | { readonly method: Method; readonly polynomial: Fit }
  | { readonly method: 'square' }
  /** A straight piece of the activation itself. */
  | { readonly method: 'exact'; readonly piece: Piece }
)

/** What polynomials are fitted to. */
export interface FitInput {
  readonly graph: Graph
  /** Some samples: element i of sample j at i·width + j. */
  readonly block: Float64Array
  readonly width: number
  /** Inputs of every activation in the model as it is, on all samples. */
  readonly observed: ReadonlyMap<number, ObservedRange>
  /** What values never leave, by node. */
  readonly bounds: readonly Bounds[]
  /** What an interval is longer than the range on either side, in lengths of the range. */
  readonly margin: number
  readonly method: Method
}

/** Values per activation that polynomials are fitted to. */
const maxValues = 2 ** 14

/**
 * Replaces one activation after the other, each fitted to the inputs that it has behind the replacements before it: errors of a layer
 * widen the range of the next. Returns the replacements by node and the output of the block.
 */
export function fitActivations(
  { graph, block, width, observed, bounds, margin, method }: FitInput,
  specs: ReadonlyMap<number, ActivationSpec>,
): { readonly replacements: Map<number, Replacement>; readonly output: Float64Array } {
  const replacements = new Map<number, Replacement>()
  const values: Float64Array[] = [block]
  graph.nodes.forEach((node, index) => {
    if (index === 0) return
    const inputs = node.inputs.map((input) => values[input]!)
    if (!node.activation) {
      values.push(evaluateNode(node, inputs, width))
      return
    }
    const all = observed.get(index)!
    let [low, high] = [all.low, all.high]
    for (const v of inputs[0]!) {
      low = Math.min(low, v)
      high = Math.max(high, v)
    }
    const range: Interval = [low, high]
    const spec = specs.get(index)!
    const seen = evenly(inputs[0]!)
    const replacement = replace(node.activation, range, seen, widened(range, margin), bounds[node.inputs[0]!]!, {
      spec,
      method,
    })
    replacements.set(index, replacement)
    values.push(inputs[0]!.map(replacement.apply))
  })
  return { replacements, output: values[graph.output]! }
}

function replace(
  activation: Activation,
  range: Interval,
  seen: Float64Array,
  interval: Interval,
  [least, most]: Bounds,
  { spec, method }: { readonly spec: ActivationSpec; readonly method: Method },
): Replacement {
  const f = functionOf(activation)
  if (spec === 'square') {
    const apply = (x: number): number => x * x
    return { method: 'square', apply, range, interval, degree: 2, ...errorsOf(f, apply, interval, seen) }
  }
  const piece = pieceOn(activation, [Math.max(interval[0], least), Math.min(interval[1], most)])
  if (piece) {
    const apply = (x: number): number => piece.slope * x + piece.offset
    return { method: 'exact', piece, apply, range, interval, degree: 1, maxError: 0, rmsError: 0 }
  }
  const chosen = spec.method ?? method
  const symmetric = symmetricInterval(activation, interval, spec.degree)
  const polynomial = fit(f, symmetric ?? interval, seen, {
    method: chosen,
    degree: spec.degree,
    symmetric: symmetric !== undefined,
  })
  const { coefficients, maxError, rmsError } = polynomial
  return {
    method: chosen,
    polynomial,
    apply: evaluatorOf(polynomial),
    range,
    interval: symmetric ?? interval,
    degree: coefficients.length - 1,
    maxError,
    rmsError,
  }
}

/** A constant input gets an interval too. */
function widened([low, high]: Interval, margin: number): Interval {
  const length = high > low ? high - low : Math.max(1, Math.abs(low)) / 4
  const side = high > low ? margin * length : length
  return [low - side, high + side]
}

/** Functions that are odd or even but for a constant and a multiple of x. */
const symmetricKinds: readonly Activation['kind'][] = [
  'Relu',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Erf',
  'Abs',
  'Gelu',
  'LeakyRelu',
]

/** From degree 4 on, an interval that is nearly symmetric is made so: half of the coefficients are 0, and with them go products. */
function symmetricInterval(activation: Activation, [low, high]: Interval, degree: number): Interval | undefined {
  if (degree < 4 || !symmetricKinds.includes(activation.kind)) return undefined
  const reach = Math.max(-low, high)
  return Math.min(-low, high) >= reach / 2 ? [-reach, reach] : undefined
}

function evenly(values: Float64Array): Float64Array {
  const stride = Math.ceil(values.length / maxValues) | 1
  return values.filter((_, i) => i % stride === 0)
}
