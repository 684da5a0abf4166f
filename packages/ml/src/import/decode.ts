import { GloveboxError } from '@glovebox/he'
import { sizeOf, type Tensor } from '../tensor/tensor.ts'
import { bfloat16, type ElementType, elementTypes, float16 } from './element.ts'
import { type GraphProto, type Int64, type ModelProto, modelType, type TensorProto } from './schema.ts'

export function malformed(message: string, options?: ErrorOptions): GloveboxError {
  return new GloveboxError('malformed', `the ONNX model is not valid: ${message}`, options)
}

export function unsupported(message: string): GloveboxError {
  return new GloveboxError('unsupported', message)
}

/** The newest version of the default operator set that is known. */
const newestOpset = 21

/** The graph of an ONNX file and the version of the default operator set. Throws GloveboxError `malformed` or `unsupported`. */
export function decodeModel(bytes: Uint8Array): { graph: GraphProto; opset: number } {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`"bytes" expected a Uint8Array, got ${typeof bytes}`)
  let model: ModelProto
  try {
    model = modelType.decode(bytes) as unknown as ModelProto
  } catch (cause) {
    throw malformed(`it is truncated or not protobuf (${cause instanceof Error ? cause.message : cause})`, { cause })
  }
  if (!model.graph || model.graph.node.length === 0) throw malformed('it has no graph with nodes')
  if (model.opsetImport.length === 0) throw malformed('it does not import an operator set')
  const standard = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')
  const opset = standard ? toNumber(standard.version) : newestOpset
  if (!(opset >= 1 && opset <= newestOpset)) {
    throw unsupported(
      `the model uses operator set ${opset}; 1 to ${newestOpset} are known: export it with opset_version=${newestOpset}`,
    )
  }
  return { graph: model.graph, opset }
}

export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber()
}

/** A tensor of the file, and what its elements are. Memory is taken only for data that is really there. */
export function decodeTensor(proto: TensorProto, name: string): { tensor: Tensor; type: ElementType } {
  const type = elementTypes.get(proto.dataType)
  if (proto.dataLocation !== 0) {
    throw unsupported(`tensor "${name}" has external data: save the model as one file`)
  }
  if (type === undefined || !type.read) {
    const known = [...elementTypes.values()].filter(({ read }) => read).map(({ name }) => name)
    throw unsupported(
      `tensor "${name}" has element type ${type?.name ?? proto.dataType}; supported are ${known.join(', ')}`,
    )
  }
  const { name: typeText, bytes: width, read } = type
  const shape = proto.dims.map(toNumber)
  const size = sizeOf(shape)
  if (shape.some((n) => !(n >= 0)) || !Number.isSafeInteger(size) || shape.length > 32)
    throw malformed(`tensor "${name}" has shape ${shape.slice(0, 8)}${shape.length > 8 ? ',…' : ''}`)
  const { rawData: raw } = proto
  const fields = { float32: proto.floatData, float64: proto.doubleData, int64: proto.int64Data } as const
  const field =
    typeText === 'uint32' || typeText === 'uint64'
      ? proto.uint64Data
      : (fields[typeText as keyof typeof fields] ?? proto.int32Data)
  const stored = raw.length > 0 ? raw.length / width : field.length
  if (stored !== size) {
    throw malformed(
      `tensor "${name}" of shape ${shape.join('x')} needs ${size} elements of ${typeText}, it has ${stored}`,
    )
  }
  const data = new Float64Array(size)
  if (raw.length > 0) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
    for (let i = 0; i < size; i++) data[i] = read(view, i * width)
  } else if (typeText === 'float16' || typeText === 'bfloat16') {
    const convert = typeText === 'float16' ? float16 : bfloat16
    proto.int32Data.forEach((bits, i) => {
      data[i] = convert(bits)
    })
  } else {
    field.forEach((value, i) => {
      data[i] = toNumber(value)
    })
  }
  const bad = data.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw malformed(`tensor "${name}" has ${data[bad]} at element ${bad}`)
  return { tensor: { shape, data }, type }
}
