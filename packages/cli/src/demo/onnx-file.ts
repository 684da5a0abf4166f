// What a second implementation needs to know of an ONNX file: its nodes and tensors of floats, read by a reader of its own (onnx.proto,
// https://onnx.ai; field numbers are named where they are read). It trusts the file, as those of the demos come with Glovebox.

export interface OnnxTensor {
  readonly dims: readonly number[]
  readonly values: readonly number[]
}

export interface OnnxNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: ReadonlyMap<string, readonly number[]>
}

export interface OnnxFile {
  readonly nodes: readonly OnnxNode[]
  readonly tensors: ReadonlyMap<string, OnnxTensor>
  /** The one that is no tensor. */
  readonly input: string
  readonly output: string
}

/** Values of a message by the numbers of its fields: bytes, or numbers. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>

export function readOnnxFile(bytes: Uint8Array): OnnxFile {
  const graph = message(fieldsOf(bytes), 7)
  const tensors = new Map(
    messages(graph, 5).map((tensor) => [text(tensor, 8), { dims: numbers(tensor, 1), values: valuesOf(tensor) }]),
  )
  const names = (field: number): string[] => messages(graph, field).map((value) => text(value, 1))
  const nodes = messages(graph, 1).map((node) => ({
    op: text(node, 4),
    inputs: texts(node, 1),
    output: text(node, 2),
    attributes: new Map(messages(node, 5).map((attribute) => [text(attribute, 1), attributeOf(attribute)])),
  }))
  return { nodes, tensors, input: names(11).find((name) => !tensors.has(name))!, output: names(12)[0]! }
}

/** AttributeProto: f 2 is a float, i 3 an integer, floats 7, ints 8. */
function attributeOf(attribute: Fields): number[] {
  const float = attribute.get(2)?.[0]
  if (float instanceof Uint8Array) return [view(float).getFloat32(0, true)]
  return [...numbers(attribute, 3), ...numbers(attribute, 8)]
}

/** TensorProto: data_type 2, float_data 4, int64_data 7, raw_data 9. */
function valuesOf(tensor: Fields): number[] {
  const [type] = numbers(tensor, 2)
  const raw = tensor.get(9)?.[0] ?? tensor.get(4)?.[0]
  if (!(raw instanceof Uint8Array)) return numbers(tensor, 7)
  const data = view(raw)
  if (type === 1) return Array.from({ length: raw.length / 4 }, (_, i) => data.getFloat32(4 * i, true))
  if (type === 7) return Array.from({ length: raw.length / 8 }, (_, i) => Number(data.getBigInt64(8 * i, true)))
  throw new TypeError(`a tensor expected floats or 64-bit integers, got type ${type}`)
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | number)[]>()
  let at = 0
  const varint = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number(BigInt.asIntN(64, value))
    }
  }
  const take = (length: number): Uint8Array => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const key = varint()
    const type = key & 7
    const value = type === 0 ? varint() : take(type === 2 ? varint() : type === 1 ? 8 : 4)
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((value) => fieldsOf(value as Uint8Array))
}

function message(fields: Fields, field: number): Fields {
  return messages(fields, field)[0]!
}

function texts(fields: Fields, field: number): string[] {
  return (fields.get(field) ?? []).map((value) => new TextDecoder().decode(value as Uint8Array))
}

function text(fields: Fields, field: number): string {
  return texts(fields, field)[0] ?? ''
}

/** Integers, one by one or packed. */
function numbers(fields: Fields, field: number): number[] {
  return (fields.get(field) ?? []).flatMap((value) => (typeof value === 'number' ? [value] : unpacked(value)))
}

function unpacked(bytes: Uint8Array): number[] {
  const found: number[] = []
  for (let at = 0, value = 0, factor = 1; at < bytes.length; at++) {
    value += (bytes[at]! & 127) * factor
    factor *= 128
    if (bytes[at]! < 128) {
      found.push(value)
      value = 0
      factor = 1
    }
  }
  return found
}
