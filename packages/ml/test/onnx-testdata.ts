// The node tests of ONNX as Debian packages them (libonnx-testdata): a model, its inputs, and what must come out.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTensor } from '../src/import/decode.ts'
import { elementTypes } from '../src/import/element.ts'
import { importOnnx, type OnnxOptions } from '../src/import/onnx.ts'
import { type GraphProto, modelType, type TensorProto, tensorType, type ValueInfoProto } from '../src/import/schema.ts'
import { runAfter } from '../src/model/after.ts'
import type { OutputStep } from '../src/model/steps.ts'
import { runClear } from '../src/run/clear.ts'
import type { Tensor } from '../src/tensor/tensor.ts'

const root = '/usr/share/libonnx-testdata/data'
const folders = ['node', 'pytorch-converted', 'pytorch-operator', 'simple']

export const haveTestdata: boolean = existsSync(root)

export interface OnnxCase {
  /** `node/add_bcast`. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly graph: GraphProto
  /** Distinct, with the domain where it is not the default one. */
  readonly ops: readonly string[]
  /** By name, of those that are tensors of numbers. */
  readonly inputs: ReadonlyMap<string, Tensor>
  readonly outputs: ReadonlyMap<string, Tensor>
}

export function onnxCases(): OnnxCase[] {
  return folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => readCase(folder, name)))
}

function readCase(folder: string, name: string): OnnxCase {
  const path = join(root, folder, name)
  const bytes = new Uint8Array(readFileSync(join(path, 'model.onnx')))
  const { graph } = modelType.decode(bytes) as unknown as { graph: GraphProto }
  const ops = graph.node.map(({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`))
  const initialised = new Set(graph.initializer.map((tensor) => tensor.name))
  const fed = graph.input.filter((input) => !initialised.has(input.name))
  return {
    name: `${folder}/${name.replace(/^test_/, '')}`,
    bytes,
    graph,
    ops: [...new Set(ops)],
    inputs: readTensors(path, 'input', fed),
    outputs: readTensors(path, 'output', graph.output),
  }
}

function readTensors(path: string, kind: 'input' | 'output', infos: readonly ValueInfoProto[]): Map<string, Tensor> {
  const found = new Map<string, Tensor>()
  infos.forEach(({ name, type }, i) => {
    const file = join(path, 'test_data_set_0', `${kind}_${i}.pb`)
    if (!existsSync(file)) return
    try {
      const proto = tensorType.decode(readFileSync(file)) as unknown as TensorProto
      const tensor = readTensor(proto, type?.tensorType?.elemType ?? proto.dataType)
      if (tensor) found.set(name, tensor)
    } catch {
      // A sequence or an optional value: no tensor.
    }
  })
  return found
}

/** undefined: a tensor of texts. Unlike those of a model, the numbers may be infinite or none; bfloat16 is stored as uint16. */
function readTensor(proto: TensorProto, elementType: number): Tensor | undefined {
  const shape = proto.dims.map(Number)
  const type = elementTypes.get(elementType)
  if (!type?.read) return undefined
  const { read, bytes } = type
  const { length, buffer, byteOffset } = proto.rawData
  if (length === 0) return decodeTensor(proto, 'test').tensor
  const view = new DataView(buffer, byteOffset, length)
  return { shape, data: Float64Array.from({ length: length / bytes }, (_, i) => read(view, i * bytes)) }
}

/** What one way of reading a model gives for one output. */
export type Outcome =
  | { readonly kind: 'equal' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'different'; readonly message: string }

/** Imports a model with one input as the variable one and the others as constants, and compares what it computes with an output. */
export function tryCase(onnx: OnnxCase, variable: string, output: string, batch: 'first' | 'none'): Outcome {
  const constants: Record<string, Tensor> = {}
  for (const [name, tensor] of onnx.inputs) if (name !== variable) constants[name] = tensor
  const options: OnnxOptions = { constants, batch, output }
  let model: ReturnType<typeof importOnnx>
  try {
    model = importOnnx(onnx.bytes, options)
  } catch (error) {
    const { name, code, message } = error as { name: string; code: string; message: string }
    if (name !== 'GloveboxError') return { kind: 'different', message: `${error}` }
    return { kind: 'refused', message: `${code}: ${message}` }
  }
  const x = onnx.inputs.get(variable)
  const y = onnx.outputs.get(output)
  if (model.before.length > 0 || !x || !y)
    return { kind: 'different', message: 'imported, but with nothing to compare' }
  const raw = runClear(model.graph, x.data)
  const width = model.graph.nodes[model.graph.output]!.size
  const made: number[] = []
  for (let at = 0; at < raw.length; at += width) made.push(...finish(model.after, raw.subarray(at, at + width)))
  if (made.length !== y.data.length)
    return { kind: 'different', message: `${made.length} numbers in place of ${y.data.length}` }
  const info = onnx.graph.output.find(({ name }) => name === output)
  // The importer computes with doubles where bfloat16 has 8 bits, and cuts off the rest.
  const relative = info?.type?.tensorType?.elemType === 16 ? 2 ** -7 : 1e-3
  const wrong = made.findIndex((v, i) => !isClose(v, y.data[i]!, relative))
  if (wrong < 0) return { kind: 'equal' }
  return { kind: 'different', message: `${made[wrong]} in place of ${y.data[wrong]} at ${wrong}` }
}

function finish(after: readonly OutputStep[], output: Float64Array): readonly number[] {
  if (after.length === 0) return [...output]
  const { values, label } = runAfter(after, output)
  return label === undefined ? values : [Number(label)]
}

/** As ONNX compares: to 1e-3 of the number, and 1e-5. */
function isClose(a: number, b: number, relative: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 + relative * Math.abs(b)
}
