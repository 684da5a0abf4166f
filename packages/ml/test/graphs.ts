import * as fc from 'fast-check'
import type { Graph, Node } from '../src/graph/graph.ts'
import { type AffineMap, affine } from '../src/tensor/affine.ts'
import { buildSparse } from '../src/tensor/sparse.ts'
import { randomNumbers } from './random.ts'

/** A random map; `density` of its weights are there. */
export function randomMap(seed: number, rows: number, columns: number, density = 1): AffineMap {
  const weights = randomNumbers(seed, rows * columns)
  const keep = randomNumbers(seed + 1, rows * columns)
  const matrix = buildSparse(rows, columns, (row, add) => {
    for (let c = 0; c < columns; c++) {
      const k = row * columns + c
      if (keep[k]! < 2 * density - 1) add(c, weights[k]! / Math.sqrt(columns))
    }
  })
  return affine(
    matrix,
    randomNumbers(seed + 2, rows).map((v) => v / 2),
  )
}

interface Choice {
  readonly op: number
  readonly first: number
  readonly second: number
  readonly size: number
  readonly density: number
}

/** Random graphs of affine maps, sums and products, with values near 1 and at most `depth` products in a row. */
export function randomGraph(choices: readonly Choice[], inputSize: number, depth: number): Graph {
  const nodes: Node[] = [{ op: 'input', inputs: [], size: inputSize, name: 'x' }]
  const depths = [0]
  const affineOf = (input: number, size: number, density: number): number => {
    const map = randomMap(nodes.length * 7, size, nodes[input]!.size, density)
    depths.push(depths[input]!)
    return nodes.push({ op: 'affine', inputs: [input], size, name: `map ${nodes.length}`, map }) - 1
  }
  for (const { op, first, second, size, density } of choices) {
    const a = first % nodes.length
    let b = second % nodes.length
    if (op % 3 === 0) {
      affineOf(a, size, density)
      continue
    }
    if (nodes[a]!.size !== nodes[b]!.size) b = affineOf(b, nodes[a]!.size, density)
    const multiply = op % 3 === 1 && Math.max(depths[a]!, depths[b]!) < depth
    depths.push(Math.max(depths[a]!, depths[b]!) + (multiply ? 1 : 0))
    nodes.push({
      op: multiply ? 'multiply' : 'add',
      inputs: [a, b],
      size: nodes[a]!.size,
      name: `${multiply ? 'product' : 'sum'} ${nodes.length}`,
    })
  }
  const output = nodes.length - 1
  return { nodes, output, inputShape: [inputSize], outputShape: [nodes[output]!.size], inputName: 'x', outputName: 'y' }
}

export function graphs(options: {
  readonly maxSize: number
  readonly depth: number
  readonly length: number
}): fc.Arbitrary<Graph> {
  const choice = fc.record({
    op: fc.nat(2),
    first: fc.nat(20),
    second: fc.nat(20),
    size: fc.integer({ min: 1, max: options.maxSize }),
    density: fc.constantFrom(0.2, 0.6, 1),
  })
  return fc
    .tuple(fc.array(choice, { minLength: 1, maxLength: options.length }), fc.integer({ min: 1, max: options.maxSize }))
    .map(([choices, inputSize]) => randomGraph(choices, inputSize, options.depth))
}
