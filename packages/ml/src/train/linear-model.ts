import type { Graph } from '../graph/graph.ts'
import { affine } from '../tensor/affine.ts'
import { buildSparse, type SparseMatrix } from '../tensor/sparse.ts'
import { sizeOf } from '../tensor/tensor.ts'

/** What linear training finds: outputs[j] = Σ weights[j · inputs + i] · x[i] + bias[j]. */
export interface LinearModel {
  /** Numbers of a sample. */
  readonly inputs: number
  /** Numbers of an answer. */
  readonly outputs: number
  /** Row-major, a row for each output. */
  readonly weights: Float64Array
  /** One for each output. */
  readonly bias: Float64Array
}

/** The model as a graph for `compile`. Throws RangeError where the shape has another number of elements than the model inputs. */
export function linearGraph(
  { inputs, outputs, weights, bias }: LinearModel,
  names: { readonly input: string; readonly output: string; readonly shape?: readonly number[] },
): Graph {
  const shape = names.shape ?? [inputs]
  if (sizeOf(shape) !== inputs) throw new RangeError(`"shape" expected ${inputs} elements, got ${shape.join('x')}`)
  const matrix = buildSparse(outputs, inputs, (row, add) => {
    for (let i = 0; i < inputs; i++) add(i, weights[row * inputs + i]!)
  })
  return {
    nodes: [
      { op: 'input', inputs: [], size: inputs, name: names.input },
      { op: 'affine', inputs: [0], size: outputs, name: 'linear', map: affine(matrix, bias) },
    ],
    output: 1,
    inputShape: shape,
    outputShape: [outputs],
    inputName: names.input,
    outputName: names.output,
  }
}

/** Samples by rows without their zeros, as training takes them; `scale` is multiplied on. Throws RangeError for samples of different sizes. */
export function sampleRows(samples: readonly ArrayLike<number>[], scale = 1): SparseMatrix {
  const columns = samples[0]?.length ?? 0
  const wrong = samples.findIndex((sample) => sample.length !== columns)
  if (wrong >= 0) throw new RangeError(`"samples[${wrong}]" expected ${columns} numbers, got ${samples[wrong]!.length}`)
  return buildSparse(samples.length, columns, (row, add) => {
    const sample = samples[row]!
    for (let i = 0; i < columns; i++) if (sample[i] !== 0) add(i, sample[i]! * scale)
  })
}

/** Outputs of all rows, one behind the other. */
export function linearOutputs(
  { outputs, inputs: columns, weights, bias }: LinearModel,
  { rows, start, index, value }: SparseMatrix,
): Float64Array {
  const out = new Float64Array(rows * outputs)
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < outputs; j++) {
      let sum = bias[j]!
      for (let k = start[row]!; k < start[row + 1]!; k++) sum += value[k]! * weights[j * columns + index[k]!]!
      out[row * outputs + j] = sum
    }
  }
  return out
}
