import type { CompileOptions, Graph, Node } from '@glovebox/ml'

/** A model that shows what some of the operations cost. */
export interface Probe {
  readonly name: string
  readonly graph: Graph
  readonly options: CompileOptions
}

/** Models of made-up weights for all packings and several ring degrees, levels and shapes. */
export function probes(): Probe[] {
  return [
    { name: 'one weight vector', graph: layers([20, 1]), options: { packing: 'coefficient' } },
    { name: '784 pixels to 10 scores', graph: layers([784, 10]), options: { packing: 'coefficient' } },
    {
      name: '1,000 features, 30 outputs',
      graph: layers([1000, 30]),
      options: { packing: 'coefficient', ringDegrees: [4096] },
    },
    { name: '40,000 features', graph: layers([40_000, 1]), options: { packing: 'coefficient' } },
    { name: '150,000 features', graph: layers([150_000, 1]), options: { packing: 'coefficient' } },
    {
      name: '30,000 features, 24 outputs',
      graph: layers([30_000, 24]),
      options: { packing: 'coefficient', ringDegrees: [2048] },
    },
    { name: 'a batch, linear', graph: layers([96, 16]), options: { packing: 'batch' } },
    { name: 'a batch of many outputs', graph: layers([32, 48]), options: { packing: 'batch' } },
    { name: 'a batch with squares', graph: layers([48, 24, 4]), options: { packing: 'batch' } },
    {
      name: 'a wide batch with squares',
      graph: layers([192, 64, 4]),
      options: { packing: 'batch', ringDegrees: [8192] },
    },
    { name: 'slots, one square', graph: layers([64, 32, 4]), options: { packing: 'slots' } },
    { name: 'slots, a wide layer', graph: layers([784, 64, 10]), options: { packing: 'slots' } },
    { name: 'slots, two squares', graph: layers([256, 128, 32, 4]), options: { packing: 'slots' } },
    { name: 'slots, two ciphertexts', graph: layers([5000, 16, 4]), options: { packing: 'slots' } },
  ]
}

/** What a model is compiled for and asked. */
export function sampleOf({ graph }: Probe): Float64Array {
  return Float64Array.from({ length: graph.nodes[0]!.size }, (_, i) => Math.sin(i + 1))
}

/** affine, square, affine, …, affine, with weights of a fixed generator, so that values stay near 1. */
function layers(sizes: readonly number[]): Graph {
  let state = 1
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const nodes: Node[] = [{ op: 'input', inputs: [], size: sizes[0]!, name: 'input' }]
  sizes.slice(1).forEach((rows, i) => {
    const columns = sizes[i]!
    const value = Float64Array.from({ length: rows * columns }, () => (2 * next()) / Math.sqrt(columns))
    const start = Int32Array.from({ length: rows + 1 }, (_, row) => row * columns)
    const index = Int32Array.from(value, (_, k) => k % columns)
    const map = { matrix: { rows, columns, start, index, value }, bias: Float64Array.from({ length: rows }, next) }
    nodes.push({ op: 'affine', inputs: [nodes.length - 1], size: rows, name: `layer ${i}`, map })
    const last = nodes.length - 1
    if (i < sizes.length - 2) nodes.push({ op: 'multiply', inputs: [last, last], size: rows, name: `square ${i}` })
  })
  return {
    nodes,
    output: nodes.length - 1,
    inputShape: [sizes[0]!],
    outputShape: [sizes.at(-1)!],
    inputName: 'x',
    outputName: 'y',
  }
}
