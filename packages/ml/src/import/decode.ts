import { GloveboxError } from '@glovebox/he'
import { sizeOf, type Tensor } from '../tensor/tensor.ts'
import { type GraphProto, type Int64, type ModelProto, modelType, type TensorProto } from './schema.ts'

export function malformed(message: string, options?: ErrorOptions): GloveboxError {
  return new GloveboxError('malformed', `the ONNX model is not valid: ${message}`, options)
}

export function unsupported(message: string): GloveboxError {
  return new GloveboxError('unsupported', message)
}

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
  for (const { domain, version } of model.opsetImport) {
    if (domain === '' || domain === 'ai.onnx') return { graph: model.graph, opset: toNumber(version) }
  }
  throw malformed('it does not import the default operator set')
}

export function toNumber(value: Int64): number {
  return typeof value === 'number' ? value : value.toNumber()
}

// TensorProto.DataType: name, bytes of an element, how to read one from raw_data.
const types: Readonly<Record<number, readonly [string, number, (view: DataView, at: number) => number]>> = {
  1: ['float32', 4, (view, at) => view.getFloat32(at, true)],
  2: ['uint8', 1, (view, at) => view.getUint8(at)],
  3: ['int8', 1, (view, at) => view.getInt8(at)],
  6: ['int32', 4, (view, at) => view.getInt32(at, true)],
  7: ['int64', 8, (view, at) => Number(view.getBigInt64(at, true))],
  9: ['bool', 1, (view, at) => view.getUint8(at)],
  11: ['float64', 8, (view, at) => view.getFloat64(at, true)],
}

/** The name of an ONNX element type where it is supported. */
export function typeName(dataType: number): string | undefined {
  return types[dataType]?.[0]
}

/** A tensor of the file. Memory is taken only for data that is really there. */
export function decodeTensor(proto: TensorProto, name: string): Tensor {
  const type = types[proto.dataType]
  if (proto.dataLocation !== 0) {
    throw unsupported(`tensor "${name}" has external data: save the model as one file`)
  }
  if (!type) {
    const known = Object.values(types).map(([known]) => known)
    throw unsupported(`tensor "${name}" has element type ${proto.dataType}; supported are ${known.join(', ')}`)
  }
  const shape = proto.dims.map(toNumber)
  const size = sizeOf(shape)
  if (shape.some((n) => !(n >= 0)) || !Number.isSafeInteger(size))
    throw malformed(`tensor "${name}" has shape ${shape}`)
  const [typeText, width, read] = type
  const { rawData: raw } = proto
  const stored =
    raw.length > 0
      ? raw.length / width
      : ({ float32: proto.floatData, float64: proto.doubleData, int64: proto.int64Data }[typeText]?.length ??
        proto.int32Data.length)
  if (stored !== size) {
    throw malformed(
      `tensor "${name}" of shape ${shape.join('x')} needs ${size} elements of ${typeText}, it has ${stored}`,
    )
  }
  const data = new Float64Array(size)
  if (raw.length > 0) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
    for (let i = 0; i < size; i++) data[i] = read(view, i * width)
  } else if (typeText === 'float32') {
    data.set(proto.floatData)
  } else if (typeText === 'float64') {
    data.set(proto.doubleData)
  } else {
    data.set((typeText === 'int64' ? proto.int64Data : proto.int32Data).map(toNumber))
  }
  const bad = data.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw malformed(`tensor "${name}" has ${data[bad]} at element ${bad}`)
  return { shape, data }
}
