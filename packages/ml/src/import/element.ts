/** An ONNX element type. */
export interface ElementType {
  readonly name: string
  /** float: any number; whole: integers that are not expected to overflow; narrow: integers that wrap around. */
  readonly kind: 'float' | 'whole' | 'narrow' | 'bool' | 'text' | 'complex'
  /** Of an element in raw_data. */
  readonly bytes: number
  /** How to read one from raw_data, of those that tensors of the file may have. */
  readonly read?: (view: DataView, at: number) => number
}

/** TensorProto.DataType, by its number. */
export const elementTypes: ReadonlyMap<number, ElementType> = new Map<number, ElementType>([
  [1, { name: 'float32', kind: 'float', bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
  [2, { name: 'uint8', kind: 'narrow', bytes: 1, read: (view, at) => view.getUint8(at) }],
  [3, { name: 'int8', kind: 'narrow', bytes: 1, read: (view, at) => view.getInt8(at) }],
  [4, { name: 'uint16', kind: 'narrow', bytes: 2, read: (view, at) => view.getUint16(at, true) }],
  [5, { name: 'int16', kind: 'narrow', bytes: 2, read: (view, at) => view.getInt16(at, true) }],
  [6, { name: 'int32', kind: 'whole', bytes: 4, read: (view, at) => view.getInt32(at, true) }],
  [7, { name: 'int64', kind: 'whole', bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) }],
  [8, { name: 'string', kind: 'text', bytes: 0 }],
  [9, { name: 'bool', kind: 'bool', bytes: 1, read: (view, at) => view.getUint8(at) }],
  [10, { name: 'float16', kind: 'float', bytes: 2, read: (view, at) => float16(view.getUint16(at, true)) }],
  [11, { name: 'float64', kind: 'float', bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
  [12, { name: 'uint32', kind: 'narrow', bytes: 4, read: (view, at) => view.getUint32(at, true) }],
  [13, { name: 'uint64', kind: 'narrow', bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) }],
  [14, { name: 'complex64', kind: 'complex', bytes: 8 }],
  [15, { name: 'complex128', kind: 'complex', bytes: 16 }],
  [16, { name: 'bfloat16', kind: 'float', bytes: 2, read: (view, at) => bfloat16(view.getUint16(at, true)) }],
])

export const float32: ElementType = elementTypes.get(1)!
export const int64: ElementType = elementTypes.get(7)!

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
export function float16(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : Number.NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -size : size
}

/** The upper half of a float32. */
export function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, bits * 65536)
  return view.getFloat32(0)
}
