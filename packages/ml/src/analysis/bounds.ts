import { type Activation, functionOf } from '../graph/activation.ts'
import type { Graph, Node } from '../graph/graph.ts'
import type { AffineMap } from '../tensor/affine.ts'

/** An interval that values never leave, whatever the input is; its ends may be infinite. */
export type Bounds = readonly [number, number]

const unbounded: Bounds = [-Infinity, Infinity]

/** Bounds of every node, by interval arithmetic; all elements of a node share them. Nothing is assumed about the input. */
export function boundsOf(graph: Graph): Bounds[] {
  const bounds: Bounds[] = []
  for (const node of graph.nodes)
    bounds.push(
      boundsOfNode(
        node,
        node.inputs.map((input) => bounds[input]!),
      ),
    )
  return bounds
}

function boundsOfNode(node: Node, from: readonly Bounds[]): Bounds {
  const [a, b] = from
  switch (node.op) {
    case 'input':
      return unbounded
    case 'affine':
      return boundsOfMap(node.map!, a!)
    case 'activation':
      return boundsOfActivation(node.activation!, a!)
    case 'add':
      return [a![0] + b![0], a![1] + b![1]]
    case 'multiply': {
      const corners = a!.flatMap((x) => b!.map((y) => times(x, y)))
      const [low, high] = [Math.min(...corners), Math.max(...corners)]
      return node.inputs[0] === node.inputs[1] ? [Math.max(0, low), high] : [low, high]
    }
  }
}

/** 0 times anything is 0: an infinite bound is no value. */
function times(x: number, y: number): number {
  return x === 0 || y === 0 ? 0 : x * y
}

function boundsOfMap({ matrix, bias }: AffineMap, [low, high]: Bounds): Bounds {
  let [least, most] = [Infinity, -Infinity]
  for (let row = 0; row < matrix.rows; row++) {
    let [sumLow, sumHigh] = [bias[row]!, bias[row]!]
    for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++) {
      const w = matrix.value[k]!
      sumLow += times(w, w > 0 ? low : high)
      sumHigh += times(w, w > 0 ? high : low)
    }
    least = Math.min(least, sumLow)
    most = Math.max(most, sumHigh)
  }
  return [least, most]
}

function boundsOfActivation(activation: Activation, [low, high]: Bounds): Bounds {
  switch (activation.kind) {
    case 'Abs':
      return [0, Math.max(Math.abs(low), Math.abs(high))]
    case 'Gelu':
      // The least value of either form is -0.17004 to -0.17.
      return [-0.1701, Math.max(0, high)]
    case 'LeakyRelu':
    case 'Elu':
      if (activation.alpha < 0) return unbounded
      break
    case 'Softsign':
      // x / (1 + |x|) says nothing at infinity.
      return [-1, 1]
    case 'HardSigmoid':
      return [0, 1]
  }
  const f = functionOf(activation)
  return [f(low), f(high)]
}
