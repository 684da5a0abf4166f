import { checkGraph, type Graph, type Node } from '../graph/graph.ts'
import { showShape, sizeOf } from '../tensor/tensor.ts'
import { decodeModel, decodeTensor, malformed, toNumber, typeName, unsupported } from './decode.ts'
import { translations } from './ops/table.ts'
import type { GraphProto, NodeProto, ValueInfoProto } from './schema.ts'
import { describe, type Operand, requireShape, type Site } from './site.ts'

const square =
  'A polynomial is what encryption can compute: train with a square (Mul of a value with itself) in its place'

/** What to do about the ops that people miss most. */
const advice: Readonly<Record<string, string>> = {
  Relu: square,
  LeakyRelu: square,
  Sigmoid: square,
  Tanh: square,
  Gelu: square,
  Elu: square,
  MaxPool: 'Train with AveragePool in its place',
  Softmax: 'At the end leave it out: the largest logit stays the largest, and the client can apply it',
  LogSoftmax: 'At the end leave it out: the largest logit stays the largest, and the client can apply it',
  ArgMax: 'At the end leave it out: the client sees the logits',
}

/**
 * Reads an ONNX model with one input and one output. The first axis is the batch; samples are independent of each other.
 * Throws GloveboxError `malformed` for a file that is not a valid model and `unsupported`, naming node, op and attribute,
 * for one that cannot be translated.
 */
export function importOnnx(bytes: Uint8Array): Graph {
  const { graph, opset } = decodeModel(bytes)
  const values = new Map<string, Operand>()
  for (const tensor of graph.initializer) {
    if (values.has(tensor.name)) throw malformed(`there are two initializers "${tensor.name}"`)
    values.set(tensor.name, { kind: 'constant', tensor: decodeTensor(tensor, tensor.name) })
  }
  const input = onlyInput(graph, values)
  const inputShape = sampleShape(input)
  const nodes: Node[] = [{ op: 'input', inputs: [], size: sizeOf(inputShape), name: input.name }]
  values.set(input.name, { kind: 'variable', node: 0, shape: inputShape })
  for (const proto of graph.node) translateNode(proto, opset, values, nodes)
  if (graph.output.length !== 1) {
    throw unsupported(`the model has ${graph.output.length} outputs (${names(graph.output)}); one is supported`)
  }
  const outputName = graph.output[0]!.name
  const output = values.get(outputName)
  if (!output) throw malformed(`its output "${outputName}" is computed by no node`)
  if (output.kind === 'constant') throw unsupported(`the output "${outputName}" does not depend on the input`)
  const result: Graph = {
    nodes,
    output: output.node,
    inputShape,
    outputShape: output.shape,
    inputName: input.name,
    outputName,
  }
  checkGraph(result)
  return result
}

function names(values: readonly { readonly name: string }[]): string {
  return values.map(({ name }) => `"${name}"`).join(', ')
}

/** Older files list initializers among the inputs. */
function onlyInput(graph: GraphProto, values: ReadonlyMap<string, Operand>): ValueInfoProto {
  const inputs = graph.input.filter(({ name }) => !values.has(name))
  if (inputs.length !== 1)
    throw unsupported(`the model has ${inputs.length} inputs (${names(inputs)}); one is supported`)
  return inputs[0]!
}

function sampleShape(input: ValueInfoProto): number[] {
  const type = input.type?.tensorType
  if (!type?.shape) throw unsupported(`input "${input.name}" has no shape: export the model with one`)
  if (!typeName(type.elemType)?.startsWith('float')) {
    throw unsupported(
      `input "${input.name}" has element type ${type.elemType}; float32 (1) and float64 (11) are supported`,
    )
  }
  const [batch, ...sample] = type.shape.dim
  if (!batch) throw unsupported(`input "${input.name}" is a scalar; its first axis must be the batch`)
  const shape = sample.map(({ dimValue, dimParam }, i) => {
    const size = dimValue === undefined || dimValue === null ? 0 : toNumber(dimValue)
    if (!(size >= 1)) {
      const got = dimParam ? `"${dimParam}"` : size
      throw unsupported(
        `axis ${i + 1} of input "${input.name}" has size ${got}; only axis 0, the batch, may be dynamic`,
      )
    }
    return size
  })
  requireShape({ op: 'Input', name: input.name, opset: 0, inputs: [], attributes: new Map(), nodes: [] }, shape)
  return shape
}

function translateNode(proto: NodeProto, opset: number, values: Map<string, Operand>, nodes: Node[]): void {
  const outputs = proto.output.filter((name) => name !== '')
  const name = proto.name || outputs[0] || '?'
  const translation = Object.hasOwn(translations, proto.opType) ? translations[proto.opType] : undefined
  if (!translation || (proto.domain !== '' && proto.domain !== 'ai.onnx')) {
    const op = proto.domain ? `${proto.domain}.${proto.opType}` : proto.opType
    throw unsupported(
      `op ${op} of node "${name}" is not supported; supported are ${Object.keys(translations).join(', ')}` +
        (advice[op] ? `. ${advice[op]}` : ''),
    )
  }
  const site: Site = {
    op: proto.opType,
    name,
    opset,
    inputs: proto.input.map((input) => {
      if (input !== '' && !values.has(input)) {
        throw malformed(
          `input "${input}" of ${proto.opType} node "${name}" is neither an initializer nor the output of an earlier node`,
        )
      }
      return values.get(input)
    }),
    attributes: new Map(proto.attribute.map((attribute) => [attribute.name, attribute])),
    nodes,
  }
  for (const attribute of site.attributes.keys()) {
    if (!translation.attributes.includes(attribute)) {
      const known =
        translation.attributes.length > 0 ? `supported are ${translation.attributes.join(', ')}` : 'it may have none'
      throw unsupported(`attribute "${attribute}" of ${describe(site)} is not supported; ${known}`)
    }
  }
  const [first, ...others] = outputs
  if (first === undefined) throw malformed(`${describe(site)} has no output`)
  if (others.length > 0) throw unsupported(`${describe(site)} has ${outputs.length} outputs; one is supported`)
  if (values.has(first)) throw malformed(`two nodes or tensors are called "${first}"`)
  const value = translation.translate(site)
  if (value.kind === 'variable') checkSize(site, value)
  values.set(first, value)
}

function checkSize(site: Site, { node, shape }: Extract<Operand, { kind: 'variable' }>): void {
  if (site.nodes[node]!.size !== sizeOf(shape)) {
    throw malformed(`${describe(site)} has ${site.nodes[node]!.size} elements, which do not make ${showShape(shape)}`)
  }
}
