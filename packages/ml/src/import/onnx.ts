import type { Model } from '../model/model.ts'
import { sizeOf, type Tensor } from '../tensor/tensor.ts'
import type { ModelInput } from './columns.ts'
import { decodeModel, decodeTensor, malformed, toNumber, unsupported } from './decode.ts'
import { type ElementType, elementTypes } from './element.ts'
import { modelFrom } from './ending.ts'
import { type Builder, nameOf, translateNode } from './node.ts'
import { constant } from './operand.ts'
import { translationOf } from './ops/table.ts'
import type { GraphProto, ValueInfoProto } from './schema.ts'
import { requireShape, type Site } from './site.ts'

/** How an ONNX file is to be read. */
export interface OnnxOptions {
  /** Inputs that are the same for all queries, by their names, with the batch axis that the file gives them. */
  readonly constants?: Readonly<Record<string, Tensor>>
  /** `first` (default): axis 0 of the input is the batch, and a sample is the rest. `none`: the whole input is one sample. */
  readonly batch?: 'first' | 'none'
  /** Which output, where a model has several that are not the same answer in other forms. */
  readonly output?: string
}

/**
 * Reads an ONNX model: operator sets 1 to 21 and the linear part of `ai.onnx.ml`. What it computes encrypted becomes a graph; what is public goes to the
 * client: Scaler, Imputer, Normalizer, OneHotEncoder and LabelEncoder in front, and Softmax, ArgMax, a last Sigmoid or Exp, and class names at the end.
 * Several inputs that are columns of a table, of shape [batch, n], are one row of it in their order.
 * Throws GloveboxError `malformed` for a file that is not a valid model, `unsupported`, naming node, op and attribute,
 * for one that cannot be translated, and `too-large`.
 */
export function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): Model {
  const { constants = {}, batch = 'first' } = options
  if (batch !== 'first' && batch !== 'none') throw new TypeError(`"batch" expected 'first' or 'none', got ${batch}`)
  const { graph, opset } = decodeModel(bytes)
  // Ops first: what is wrong with an input matters less.
  const steps = graph.node.map((proto) => ({ proto, translation: translationOf(proto, nameOf(proto)) }))
  const values: Builder['values'] = new Map()
  if (graph.sparseInitializer.length > 0)
    throw unsupported('the model has sparse initializers: save it with dense ones')
  for (const initializer of graph.initializer) {
    if (values.has(initializer.name)) throw malformed(`there are two initializers "${initializer.name}"`)
    values.set(initializer.name, { kind: 'constant', ...decodeTensor(initializer, initializer.name) })
  }
  bind(graph, constants, values)
  const free = graph.input.filter(({ name }) => !values.has(name))
  if (free.length === 0) {
    const { opType } = graph.node.at(-1)!
    throw unsupported(
      `the model has no input, or constants for all of them: what ${opType} node "${nameOf(graph.node.at(-1)!)}" computes is always the same`,
    )
  }
  const inputs = free.map((info) => readInput(info, graph, batch === 'first'))
  requireRows(inputs, batch === 'first', graph)
  const [only] = inputs
  const width = inputs.reduce((sum, { size }) => sum + size, 0)
  const builder: Builder = {
    nodes: [],
    inputs,
    inputShape: inputs.length > 1 ? [width] : batch === 'first' ? only!.shape.slice(1) : only!.shape,
    before: [],
    entered: new Map(),
    opset,
    batched: batch === 'first',
    batchSize: only!.batchSize,
    values,
    work: width,
  }
  let first = 0
  for (const { name, shape, type, size } of inputs) {
    if (values.has(name)) throw malformed(`there are two inputs "${name}"`)
    values.set(name, { kind: 'columns', shape, type, first })
    first += size
  }
  for (const { proto, translation } of steps) translateNode(builder, proto, translation)
  return modelFrom(builder, graph, options.output)
}

interface Input extends ModelInput {
  /** With a batch axis of 1. */
  readonly shape: readonly number[]
  readonly batchSize: number | undefined
  readonly type: ElementType
}

function bind(graph: GraphProto, constants: Readonly<Record<string, Tensor>>, values: Builder['values']): void {
  for (const [name, { shape, data }] of Object.entries(constants)) {
    const info = graph.input.find((input) => input.name === name)
    if (!info)
      throw new RangeError(`"constants" expected names of inputs (${names(graph.input)}), got ${JSON.stringify(name)}`)
    if (data.length !== sizeOf(shape))
      throw new RangeError(
        `"constants.${name}" expected ${sizeOf(shape)} numbers for shape [${shape}], got ${data.length}`,
      )
    values.set(name, constant(shape, data, elementTypes.get(info.type?.tensorType?.elemType ?? 1)))
  }
}

/** An input and the first node that takes it. */
function describeInput(name: string, graph: GraphProto): string {
  const user = graph.node.find(({ input }) => input.includes(name))
  return user ? `"${name}" of ${user.opType} node "${nameOf(user)}"` : `"${name}"`
}

function describeSome(inputs: readonly Input[], graph: GraphProto): string {
  const some = inputs.slice(0, 4).map(({ name }) => describeInput(name, graph))
  return [...some, ...(inputs.length > 4 ? ['…'] : [])].join(', ')
}

function names(values: readonly { readonly name: string }[]): string {
  return values.map(({ name }) => `"${name}"`).join(', ')
}

/** Several inputs make sense together only as columns of one table. */
function requireRows(inputs: readonly Input[], batched: boolean, graph: GraphProto): void {
  if (inputs.length === 1 || (batched && inputs.every(({ shape }) => shape.length === 2))) return
  throw unsupported(
    `the model has ${inputs.length} inputs (${describeSome(inputs, graph)}); one is supported, or several of shape [batch, columns]. Bind the others by "constants" if they are the same for all queries`,
  )
}

function readInput(info: ValueInfoProto, graph: GraphProto, batched: boolean): Input {
  // Only where it is needed: it looks through all nodes.
  const what = (): string => `input ${describeInput(info.name, graph)}`
  const proto = info.type?.tensorType
  if (!proto) {
    const kind = info.type?.sequenceType ? 'a sequence' : info.type?.mapType ? 'a map' : 'no tensor'
    throw unsupported(`${what()} is ${kind}; a tensor is supported`)
  }
  if (!proto.shape) throw unsupported(`${what()} has no shape: export the model with one`)
  const type = elementTypes.get(proto.elemType)
  if (!type || type.kind === 'complex')
    throw unsupported(`${what()} has element type ${type?.name ?? proto.elemType}; numbers and texts are supported`)
  const dims = proto.shape.dim
  if (batched && dims.length === 0)
    throw unsupported(`${what()} is a scalar; its first axis must be the batch, or say batch: 'none'`)
  const sizes = dims.map(({ dimValue }) => (dimValue === undefined || dimValue === null ? 0 : toNumber(dimValue)))
  const shape = sizes.map((size, axis) => {
    if (batched && axis === 0) return 1
    if (size >= 1) return size
    const got = dims[axis]!.dimParam ? `"${dims[axis]!.dimParam}"` : size
    throw unsupported(`axis ${axis} of ${what()} has size ${got}; only axis 0, the batch, may be dynamic`)
  })
  requireShape({ op: 'Input', name: info.name, spend: () => {} } as unknown as Site, shape)
  const batchSize = batched && sizes[0]! >= 1 ? sizes[0]! : undefined
  return { name: info.name, size: sizeOf(shape), text: type.kind === 'text', shape, batchSize, type }
}
