// Writes small ONNX models with the importer's own protobuf types; onnxruntime reads them too, so it cannot be wrong in the same way.
import { modelType } from '../src/import/schema.ts'

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: ArrayLike<number> }
  | { readonly strings: readonly string[] }
  | TensorLiteral
export interface TensorLiteral {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
}
export interface NodeLiteral {
  readonly opType: string
  readonly name?: string
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly domain?: string
  readonly attribute?: readonly object[]
}
export interface ModelLiteral {
  readonly nodes: readonly NodeLiteral[]
  readonly initializers?: readonly TensorLiteral[]
  /** Shape of the input with its batch axis; a string is a dynamic size. */
  readonly input: readonly (number | string)[]
  readonly inputs?: readonly object[]
  /** `y` where left out; a number is the element type, where it is not float. */
  readonly outputs?: readonly (string | readonly [name: string, elementType: number])[]
  readonly opset?: number
}

export function floats(name: string, dims: readonly number[], data: ArrayLike<number>): TensorLiteral {
  return { name, dims, dataType: 1, floatData: Array.from(data) } as TensorLiteral
}

export function rawFloats(name: string, dims: readonly number[], data: ArrayLike<number>): TensorLiteral {
  return { name, dims, dataType: 1, rawData: new Uint8Array(Float32Array.from(data).buffer) } as TensorLiteral
}

export function longs(name: string, data: readonly number[], dims: readonly number[] = [data.length]): TensorLiteral {
  return { name, dims, dataType: 7, int64Data: data } as TensorLiteral
}

function attribute(name: string, value: AttributeValue): object {
  if (typeof value === 'number') return { name, type: 2, i: value }
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) }
  if ('float' in value) return { name, type: 1, f: value.float }
  if ('floats' in value) return { name, type: 6, floats: Array.from(value.floats) }
  if ('strings' in value) {
    const strings = value.strings.map((text) => new TextEncoder().encode(text))
    return { name, type: 8, strings }
  }
  if ('dataType' in value) return { name, type: 4, t: value }
  return { name, type: 7, ints: value }
}

/** A node with inputs from names and one output, or several. */
export function node(
  opType: string,
  input: readonly string[],
  output: string | readonly string[],
  attributes: Record<string, AttributeValue> = {},
): NodeLiteral {
  const outputs = typeof output === 'string' ? [output] : output
  return {
    opType,
    name: `${opType}_${outputs[0]}`,
    input,
    output: outputs,
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  }
}

/** The same of the domain ai.onnx.ml. */
export function mlNode(...args: Parameters<typeof node>): NodeLiteral {
  return { ...node(...args), domain: 'ai.onnx.ml' }
}

export function valueInfo(name: string, shape: readonly (number | string)[], elemType = 1): object {
  const dim = shape.map((n) => (typeof n === 'string' ? { dimParam: n } : { dimValue: n }))
  return { name, type: { tensorType: { elemType, shape: { dim } } } }
}

/** The input is called `x`, the output `y`. */
export function buildModel(model: ModelLiteral): Uint8Array {
  const message = modelType.fromObject({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: model.opset ?? 17 },
      ...(model.nodes.some(({ domain }) => domain === 'ai.onnx.ml') ? [{ domain: 'ai.onnx.ml', version: 3 }] : []),
    ],
    graph: {
      name: 'test',
      node: model.nodes,
      initializer: model.initializers ?? [],
      input: model.inputs ?? [valueInfo('x', model.input)],
      output: (model.outputs ?? ['y']).map((output) => {
        const [name, elemType] = typeof output === 'string' ? [output, 1] : output
        return { name, type: { tensorType: { elemType } } }
      }),
    },
  })
  // ir_version (field 1), which the importer does not read.
  const body = modelType.encode(message).finish()
  const bytes = new Uint8Array(2 + body.length)
  bytes.set([0x08, 8])
  bytes.set(body, 2)
  return bytes
}
