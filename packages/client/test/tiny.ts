import { bundle, compile, type Graph, importOnnx, runClear } from '@glovebox/ml'
import { buildModel, floats, node } from '../../ml/test/onnx.ts'
import { randomNumbers } from '../../ml/test/random.ts'

/** Pictures of 4 by 4 pixels to 3 numbers, through one square: the least that needs every kind of key. */
export function tinyOnnx(seed = 1): Uint8Array {
  const [hidden, outputs] = [4, 3]
  return buildModel({
    input: ['N', 1, 4, 4],
    nodes: [
      node('Flatten', ['x'], 'flat', { axis: 1 }),
      node('Gemm', ['flat', 'w1', 'b1'], 'hidden'),
      node('Mul', ['hidden', 'hidden'], 'square'),
      node('Gemm', ['square', 'w2', 'b2'], 'y'),
    ],
    initializers: [
      floats('w1', [16, hidden], randomNumbers(seed, 16 * hidden)),
      floats('b1', [hidden], randomNumbers(seed + 1, hidden)),
      floats('w2', [hidden, outputs], randomNumbers(seed + 2, hidden * outputs)),
      floats('b2', [outputs], randomNumbers(seed + 3, outputs)),
    ],
  })
}

/** A network that cannot be computed on encrypted numbers. */
export function maxPoolOnnx(): Uint8Array {
  return buildModel({
    input: ['N', 1, 4, 4],
    nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [2, 2], strides: [2, 2] })],
  })
}

export interface Tiny {
  readonly graph: Graph
  readonly client: Uint8Array<ArrayBuffer>
  readonly server: Uint8Array<ArrayBuffer>
  /** What the model makes of a sample in the clear. */
  expected(sample: ArrayLike<number>): number[]
}

export function compileTiny(seed = 1): Tiny {
  const { graph } = importOnnx(tinyOnnx(seed))
  const { client, server } = bundle(compile(graph, { name: 'tiny' }))
  return {
    graph,
    client: new Uint8Array(client),
    server: new Uint8Array(server),
    expected: (sample) => [...runClear(graph, Float64Array.from(sample))],
  }
}

/** Samples of 16 numbers from 0 to 1. */
export function tinySamples(count: number): number[][] {
  return Array.from({ length: count }, (_, i) => [...randomNumbers(100 + i, 16)].map(Math.abs))
}
