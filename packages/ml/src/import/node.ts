import { GloveboxError } from '@glovebox/he'
import { evaluateBlock } from '../graph/evaluate.ts'
import type { Node } from '../graph/graph.ts'
import { showShape, sizeOf } from '../tensor/tensor.ts'
import { enter, type InputBuilder } from './columns.ts'
import { malformed, unsupported } from './decode.ts'
import type { Operand } from './operand.ts'
import type { NodeProto } from './schema.ts'
import { describe, refuse, type Site, type Translation } from './site.ts'

/** What is being built while the nodes of a file are translated. */
export interface Builder extends InputBuilder {
  readonly opset: number
  readonly batched: boolean
  readonly batchSize: number | undefined
  readonly values: Map<string, Operand>
  /** Weights, constants and elements so far. */
  work: number
}

/** 2^27 weights, constants and elements take 2 GB at most: a small file can ask for more by nodes that repeat each other. */
const maxWork = 2 ** 27

/** Translates one node: its outputs get their names. */
export function translateNode(builder: Builder, proto: NodeProto, translation: Translation): void {
  const { values } = builder
  const name = nameOf(proto)
  const site: Site = {
    op: proto.opType,
    name,
    opset: builder.opset,
    inputs: inputsOf(builder, proto, translation),
    outputs: proto.output.length,
    attributes: new Map(proto.attribute.map((attribute) => [attribute.name, attribute])),
    nodes: builder.nodes,
    batched: builder.batched,
    batchSize: builder.batchSize,
    enter: (columns) => enter(builder, columns, `${proto.opType} node "${name}"`),
    spend: (work) => count(builder, work),
  }
  for (const attribute of site.attributes.keys()) {
    if (!translation.attributes.includes(attribute)) {
      const known =
        translation.attributes.length > 0 ? `supported are ${translation.attributes.join(', ')}` : 'it may have none'
      throw unsupported(`attribute "${attribute}" of ${describe(site)} is not supported; ${known}`)
    }
  }
  requireElements(site, translation)
  const made = naming(site, () =>
    foldable(site, translation) ? fold(site, translation) : [translation.translate(site)].flat(),
  )
  proto.output.forEach((output, i) => {
    if (output === '') return
    if (values.has(output)) throw malformed(`two nodes or tensors are called "${output}"`)
    const value = made[i] ?? { kind: 'absent', reason: `output ${i} of ${describe(site)} is not computed` }
    if (value.kind === 'variable' || value.kind === 'answer') checkSize(site, value)
    values.set(output, value)
  })
  if (proto.output.every((output) => output === '')) throw malformed(`${describe(site)} has no output`)
}

export function nameOf(proto: NodeProto): string {
  return proto.name || proto.output.find((output) => output !== '') || '?'
}

function count(builder: Builder, work: number): void {
  builder.work += work
  if (builder.work > maxWork)
    throw new GloveboxError('too-large', `the model has more than ${maxWork} weights and elements up to here`)
}

/** What is too large says where. */
function naming<T>(site: Site, f: () => T): T {
  try {
    return f()
  } catch (error) {
    if (!(error instanceof GloveboxError) || error.code !== 'too-large' || error.message.includes(describe(site)))
      throw error
    throw new GloveboxError('too-large', `${describe(site)}: ${error.message}`)
  }
}

/** Operands by their names. What the client holds enters the graph where an op computes with it. */
function inputsOf(builder: Builder, proto: NodeProto, translation: Translation): (Operand | undefined)[] {
  const by = `${proto.opType} node "${nameOf(proto)}"`
  return proto.input.map((name) => {
    const operand = builder.values.get(name)
    if (name === '') return undefined
    if (!operand)
      throw malformed(`input "${name}" of ${by} is neither an initializer nor the output of an earlier node`)
    if (operand.kind === 'absent') throw unsupported(`${by} is not supported: ${operand.reason}`)
    if (operand.kind === 'answer' && !translation.client) {
      const steps = operand.steps.map(({ op }) => op).join(', ')
      throw unsupported(
        `${by} is not supported: it comes behind ${steps}, which the client computes after decryption; only the end of a model may be there`,
      )
    }
    return operand.kind === 'columns' && !translation.client ? enter(builder, operand, by) : operand
  })
}

/** Refuses to compute with integers as if they were any numbers. */
function requireElements(site: Site, { elements }: Translation): void {
  site.inputs.forEach((operand, i) => {
    if (operand?.kind !== 'variable' || elements === 'any') return
    const { kind, name } = operand.type
    if (kind === 'float' || (kind === 'whole' && elements === 'whole')) return
    throw refuse(site, `input ${i} has element type ${name}; put a Cast to float before it, or export the model so`)
  })
}

function foldable(site: Site, { folds }: Translation): boolean {
  const given = site.inputs.filter((operand) => operand !== undefined)
  return !folds && given.length > 0 && given.every(({ kind }) => kind === 'constant')
}

/** What an op makes of constants: it is translated as if the first were the input, and evaluated. */
function fold(site: Site, translation: Translation): Operand[] {
  const [first, ...others] = site.inputs
  if (first?.kind !== 'constant') throw refuse(site, 'input 0 is missing')
  const { shape, data } = first.tensor
  const nodes: Node[] = [{ op: 'input', inputs: [], size: data.length, name: site.name }]
  const x: Operand = { kind: 'variable', node: 0, shape, type: first.type }
  const scratch: Site = { ...site, inputs: [x, ...others], nodes, batched: false, batchSize: undefined }
  const made = [translation.translate(scratch)].flat()
  const graph = { nodes, output: 0, inputShape: shape, outputShape: shape, inputName: '', outputName: '' }
  const values = evaluateBlock(graph, data, 1)
  return made.map((operand) => {
    if (operand.kind === 'answer') throw refuse(site, 'it is applied to a constant')
    if (operand.kind !== 'variable') return operand
    checkSize(scratch, operand)
    return { kind: 'constant', tensor: { shape: operand.shape, data: values[operand.node]! }, type: operand.type }
  })
}

function checkSize(site: Site, operand: Extract<Operand, { kind: 'variable' | 'answer' }>): void {
  const { size } = site.nodes[operand.node]!
  if (operand.kind === 'variable' && size !== sizeOf(operand.shape)) {
    throw malformed(`${describe(site)} has ${size} elements, which do not make ${showShape(operand.shape)}`)
  }
}
