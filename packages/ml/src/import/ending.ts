import { checkGraph, type Graph } from '../graph/graph.ts'
import type { Model } from '../model/model.ts'
import type { OutputStep } from '../model/steps.ts'
import { sizeOf } from '../tensor/tensor.ts'
import { enter } from './columns.ts'
import { malformed, unsupported } from './decode.ts'
import { type Builder, nameOf } from './node.ts'
import type { GraphProto } from './schema.ts'

/** What a model computes, or one of its outputs: the value of a node, and what the client makes of it. */
interface Ending {
  readonly name: string
  readonly node: number
  readonly shape: readonly number[]
  readonly steps: readonly OutputStep[]
}

/** The model, once all its nodes are translated. */
export function modelFrom(builder: Builder, graph: GraphProto, chosen?: string): Model {
  const outputs = graph.output
  const names = outputs.map(({ name }) => `"${name}"`).join(', ')
  if (chosen !== undefined && !outputs.some(({ name }) => name === chosen))
    throw new RangeError(`"output" expected one of ${names}, got ${JSON.stringify(chosen)}`)
  if (outputs.length === 0) throw malformed('it has no output')
  const wanted = outputs.filter(({ name }) => chosen === undefined || name === chosen)
  const endings = wanted.map(({ name }) => endingOf(builder, graph, name))
  // Of a label and the scores that it comes from, the answer that says most.
  const longest = endings.reduce((a, b) => (b.steps.length > a.steps.length ? b : a))
  for (const { node, steps } of endings) {
    if (node !== longest.node || !isPrefix(ordered(steps), ordered(longest.steps))) {
      throw unsupported(`the model has ${endings.length} outputs (${names}); choose one by "output"`)
    }
  }
  const { node, first } = withoutLast(builder, longest)
  const { nodes, inputs, before } = builder
  const prepared = before.some(({ op }) => op === 'encode')
  const made: Graph = {
    nodes,
    output: node,
    inputShape: prepared ? [nodes[0]!.size] : builder.inputShape,
    outputShape: nodes[node]!.size === sizeOf(longest.shape) ? longest.shape : [nodes[node]!.size],
    inputName: inputs.map(({ name }) => name).join(', '),
    outputName: longest.name,
  }
  checkGraph(made)
  return { before, graph: made, after: [...first, ...longest.steps] }
}

/** Without what leaves the order of the classes as it is, and so the label. */
function ordered(steps: readonly OutputStep[]): readonly OutputStep[] {
  return steps.filter(
    (step) => !(step.op === 'sigmoid' || step.op === 'share' || (step.op === 'softmax' && !step.along)),
  )
}

function isPrefix(some: readonly OutputStep[], all: readonly OutputStep[]): boolean {
  return some.every((step, i) => JSON.stringify(step) === JSON.stringify(all[i]))
}

function endingOf(builder: Builder, graph: GraphProto, name: string): Ending {
  const output = builder.values.get(name)
  if (!output) throw malformed(`its output "${name}" is computed by no node`)
  if (output.kind === 'constant') {
    const maker = graph.node.find((proto) => proto.output.includes(name))
    const what = maker ? `"${name}" of ${maker.opType} node "${nameOf(maker)}"` : `"${name}"`
    throw unsupported(`the output ${what} does not depend on the input`)
  }
  if (output.kind === 'absent')
    throw unsupported(`the output "${name}" is not supported: ${output.reason}; choose another by "output"`)
  const ending = output.kind === 'columns' ? enter(builder, output, `output "${name}"`) : output
  const shape = builder.batched ? ending.shape.slice(1) : ending.shape
  return { name, node: ending.node, shape, steps: ending.kind === 'answer' ? ending.steps : [] }
}

/** A last sigmoid or exponential tells no more than what it is applied to, and the client computes it exactly. */
function withoutLast({ nodes }: Builder, { node }: Ending): { node: number; first: OutputStep[] } {
  const { activation, inputs } = nodes[node]!
  if (activation?.kind === 'Sigmoid') return { node: inputs[0]!, first: [{ op: 'sigmoid' }] }
  return activation?.kind === 'Exp' ? { node: inputs[0]!, first: [{ op: 'exp' }] } : { node, first: [] }
}
