import protobuf from 'protobufjs/light.js'

/** int64 as protobufjs gives it. */
export type Int64 = number | { toNumber(): number }

// The fields of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto, public field numbers) that a feed-forward network or a linear model uses.
// Others are skipped by the decoder.

export interface ModelProto {
  readonly graph?: GraphProto | null
  readonly opsetImport: readonly { readonly domain: string; readonly version: Int64 }[]
}
export interface GraphProto {
  readonly node: readonly NodeProto[]
  readonly initializer: readonly TensorProto[]
  readonly sparseInitializer: readonly object[]
  readonly input: readonly ValueInfoProto[]
  readonly output: readonly ValueInfoProto[]
}
export interface NodeProto {
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly name: string
  readonly opType: string
  readonly domain: string
  readonly attribute: readonly AttributeProto[]
}
export interface AttributeProto {
  readonly name: string
  readonly type: number
  readonly f: number
  readonly i: Int64
  readonly s: Uint8Array
  readonly t?: TensorProto | null
  readonly floats: readonly number[]
  readonly ints: readonly Int64[]
  readonly strings: readonly Uint8Array[]
}
export interface TensorProto {
  readonly name: string
  readonly dims: readonly Int64[]
  readonly dataType: number
  readonly dataLocation: number
  readonly rawData: Uint8Array
  readonly floatData: readonly number[]
  readonly doubleData: readonly number[]
  readonly int32Data: readonly number[]
  readonly int64Data: readonly Int64[]
  readonly uint64Data: readonly Int64[]
}
export interface ValueInfoProto {
  readonly name: string
  readonly type?: {
    readonly tensorType?: { readonly elemType: number; readonly shape?: ShapeProto | null } | null
    readonly sequenceType?: object | null
    readonly mapType?: object | null
    readonly optionalType?: object | null
  } | null
}
export interface ShapeProto {
  readonly dim: readonly { readonly dimValue?: Int64 | null; readonly dimParam?: string | null }[]
}

type Row = readonly [name: string, id: number, type: string, repeated?: 'repeated']

function message(...rows: readonly Row[]): { fields: Record<string, protobuf.IField> } {
  const fields: Record<string, protobuf.IField> = {}
  for (const [name, id, type, rule] of rows) fields[name] = rule ? { id, type, rule } : { id, type }
  return { fields }
}

const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: message(['graph', 7, 'GraphProto'], ['opsetImport', 8, 'OperatorSetIdProto', 'repeated']),
    OperatorSetIdProto: message(['domain', 1, 'string'], ['version', 2, 'int64']),
    GraphProto: message(
      ['node', 1, 'NodeProto', 'repeated'],
      ['initializer', 5, 'TensorProto', 'repeated'],
      ['input', 11, 'ValueInfoProto', 'repeated'],
      ['output', 12, 'ValueInfoProto', 'repeated'],
      ['sparseInitializer', 15, 'SkippedProto', 'repeated'],
    ),
    NodeProto: message(
      ['input', 1, 'string', 'repeated'],
      ['output', 2, 'string', 'repeated'],
      ['name', 3, 'string'],
      ['opType', 4, 'string'],
      ['attribute', 5, 'AttributeProto', 'repeated'],
      ['domain', 7, 'string'],
    ),
    AttributeProto: message(
      ['name', 1, 'string'],
      ['f', 2, 'float'],
      ['i', 3, 'int64'],
      ['s', 4, 'bytes'],
      ['t', 5, 'TensorProto'],
      ['floats', 7, 'float', 'repeated'],
      ['ints', 8, 'int64', 'repeated'],
      ['strings', 9, 'bytes', 'repeated'],
      ['type', 20, 'int32'],
    ),
    TensorProto: message(
      ['dims', 1, 'int64', 'repeated'],
      ['dataType', 2, 'int32'],
      ['floatData', 4, 'float', 'repeated'],
      ['int32Data', 5, 'int32', 'repeated'],
      ['int64Data', 7, 'int64', 'repeated'],
      ['name', 8, 'string'],
      ['rawData', 9, 'bytes'],
      ['doubleData', 10, 'double', 'repeated'],
      ['uint64Data', 11, 'uint64', 'repeated'],
      ['dataLocation', 14, 'int32'],
    ),
    ValueInfoProto: message(['name', 1, 'string'], ['type', 2, 'TypeProto']),
    TypeProto: message(
      ['tensorType', 1, 'TensorTypeProto'],
      ['sequenceType', 4, 'SkippedProto'],
      ['mapType', 5, 'SkippedProto'],
      ['optionalType', 9, 'SkippedProto'],
    ),
    SkippedProto: message(),
    TensorTypeProto: message(['elemType', 1, 'int32'], ['shape', 2, 'TensorShapeProto']),
    TensorShapeProto: message(['dim', 1, 'DimensionProto', 'repeated']),
    DimensionProto: {
      ...message(['dimValue', 1, 'int64'], ['dimParam', 2, 'string']),
      oneofs: { value: { oneof: ['dimValue', 'dimParam'] } },
    },
  },
})

/** The protobuf type of a whole model. */
export const modelType: protobuf.Type = root.lookupType('ModelProto')

/** The protobuf type of a tensor, which test data come as. */
export const tensorType: protobuf.Type = root.lookupType('TensorProto')
