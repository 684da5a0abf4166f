import type { Activation } from '../graph/activation.ts'
import type { Graph } from '../graph/graph.ts'
import type { Model } from '../model/model.ts'
import type { OutputStep } from '../model/steps.ts'
import { isIdentityMap } from '../tensor/affine.ts'

/**
 * Moves a last activation to the client, which computes it exactly: one that can be undone, such as Sigmoid, Tanh or Softplus, tells no more than what it is
 * applied to. One that cannot, such as Relu, stays.
 */
export function peelOutput(model: Model): Model {
  const { graph, after } = model
  let output = graph.output
  while (graph.nodes[output]!.op === 'affine' && isIdentityMap(graph.nodes[output]!.map!))
    output = graph.nodes[output]!.inputs[0]!
  const { activation, inputs } = graph.nodes[output]!
  if (!activation || !isInvertible(activation)) return model
  const nodes = graph.nodes.slice(0, output)
  const shortened: Graph = { ...graph, nodes, output: inputs[0]! }
  return peelOutput({ ...model, graph: shortened, after: [stepOf(activation), ...after] })
}

function isInvertible(activation: Activation): boolean {
  switch (activation.kind) {
    case 'Sigmoid':
    case 'Tanh':
    case 'Softplus':
    case 'Softsign':
    case 'Erf':
    case 'Exp':
      return true
    case 'LeakyRelu':
    case 'Elu':
      return activation.alpha > 0
    default:
      return false
  }
}

/** A sigmoid says that its values are probabilities. */
function stepOf(activation: Activation): OutputStep {
  if (activation.kind === 'Sigmoid') return { op: 'sigmoid' }
  return activation.kind === 'Exp' ? { op: 'exp' } : { op: 'apply', activation }
}
