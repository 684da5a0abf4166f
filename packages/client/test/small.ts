import { type Bundle, bundle, type CompileOptions, compile, type Graph, type Program, runClear } from '@glovebox/ml'
import { randomMap } from '../../ml/test/graphs.ts'
import { randomNumbers } from '../../ml/test/random.ts'

type Node = Graph['nodes'][number]

/** A model of dense layers with squares between them, compiled. */
export interface Small extends Bundle {
  readonly client: Uint8Array<ArrayBuffer>
  readonly server: Uint8Array<ArrayBuffer>
  readonly program: Program
  /** Samples from the range that it is compiled for. */
  samples(count: number): Float64Array[]
  /** The largest error of outputs, in units of what the program promises. */
  error(samples: readonly Float64Array[], outputs: readonly Float64Array[]): number
}

export function compileSmall(sizes: readonly number[], options: CompileOptions = {}): Small {
  const nodes: Node[] = [{ op: 'input', inputs: [], size: sizes[0]!, name: 'x' }]
  sizes.slice(1).forEach((size, i) => {
    const last = nodes.length - 1
    const map = randomMap(3 * i + 1, size, sizes[i]!)
    nodes.push({ op: 'affine', inputs: [last], size, name: `dense ${i}`, map })
    if (i < sizes.length - 2) nodes.push({ op: 'multiply', inputs: [last + 1, last + 1], size, name: `square ${i}` })
  })
  const output = nodes.length - 1
  const shapes = { inputShape: [sizes[0]!], outputShape: [sizes.at(-1)!] }
  const graph: Graph = { nodes, output, ...shapes, inputName: 'x', outputName: 'y' }
  const samples = (count: number): Float64Array[] =>
    Array.from({ length: count }, (_, i) => randomNumbers(i % 8, sizes[0]!))
  const all = Float64Array.from(samples(8).flatMap((sample) => [...sample]))
  const program = compile(graph, { samples: all, precisionBits: 8, ...options })
  const { client, server } = bundle(program)
  const { relativeError, largestOutput } = program.report
  return {
    client: new Uint8Array(client),
    server: new Uint8Array(server),
    program,
    samples,
    error: (inputs, outputs) => {
      if (outputs.length !== inputs.length) return Infinity
      const errors = inputs.map((sample, i) => {
        const expected = runClear(graph, sample)
        if (outputs[i]!.length !== expected.length) return Infinity
        return Math.max(...expected.map((v, j) => Math.abs(v - outputs[i]![j]!)))
      })
      return Math.max(...errors) / (relativeError * largestOutput)
    },
  }
}
