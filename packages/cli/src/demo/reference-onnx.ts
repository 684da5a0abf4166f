import { type OnnxFile, type OnnxNode, type OnnxTensor, readOnnxFile } from './onnx-file.ts'

// A second implementation of the small networks, straight from their ONNX files, in plain loops. It shares no code with the importer.

interface Value {
  /** Of one sample, without the batch. */
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

/** The output of a network of layers and squares for one sample of so many rows and columns, or channels, rows and columns. */
export function referenceOfOnnx(
  bytes: Uint8Array,
  shape: readonly number[],
): (sample: ArrayLike<number>) => readonly number[] {
  const file = readOnnxFile(bytes)
  return (sample) => {
    const known = new Map<string, Value>([[file.input, { shape, values: Array.from(sample) }]])
    for (const node of file.nodes) known.set(node.output, apply(node, known, file))
    return known.get(file.output)!.values
  }
}

function apply(node: OnnxNode, known: ReadonlyMap<string, Value>, { tensors }: OnnxFile): Value {
  const { op, inputs } = node
  const x = known.get(inputs[0]!)!
  switch (op) {
    case 'Flatten':
      return { shape: [x.values.length], values: x.values }
    case 'Mul': {
      const y = known.get(inputs[1]!)!
      return { ...x, values: x.values.map((v, i) => v * y.values[i]!) }
    }
    case 'Gemm': {
      const [weights, bias] = [tensors.get(inputs[1]!)!, tensors.get(inputs[2]!)!]
      if (node.attributes.get('transB')?.[0] !== 1) break
      const width = weights.dims[1]!
      const values = bias.values.map((b, j) => {
        let sum = b
        for (let k = 0; k < width; k++) sum += x.values[k]! * weights.values[j * width + k]!
        return sum
      })
      return { shape: [values.length], values }
    }
    case 'Conv':
      return convolve(x, tensors.get(inputs[1]!)!, tensors.get(inputs[2]!)!, node.attributes)
  }
  throw new TypeError(`there is no second implementation of ${op} as in "${node.output}"`)
}

function convolve(
  { shape, values }: Value,
  { dims, values: weights }: OnnxTensor,
  bias: OnnxTensor,
  attributes: OnnxNode['attributes'],
): Value {
  const [, height = 0, width = 0] = shape
  const [maps = 0, channels = 0, kernelHeight = 0, kernelWidth = 0] = dims
  const [down = 1, across = 1] = attributes.get('strides') ?? []
  const others = [...(attributes.get('pads') ?? []), (attributes.get('group')?.[0] ?? 1) - 1]
  if (others.some((v) => v !== 0))
    throw new TypeError('there is no second implementation of padded or grouped convolutions')
  const [rows, columns] = [
    Math.floor((height - kernelHeight) / down) + 1,
    Math.floor((width - kernelWidth) / across) + 1,
  ]
  const out: number[] = []
  for (let m = 0; m < maps; m++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        let sum = bias.values[m]!
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < kernelHeight; i++)
            for (let j = 0; j < kernelWidth; j++)
              sum +=
                weights[((m * channels + c) * kernelHeight + i) * kernelWidth + j]! *
                values[(c * height + y * down + i) * width + x * across + j]!
        out.push(sum)
      }
  return { shape: [maps, rows, columns], values: out }
}
