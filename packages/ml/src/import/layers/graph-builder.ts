import { GloveboxError } from '@glovebox/he'
import type { Activation } from '../../graph/activation.ts'
import { checkGraph, type Graph, type Node } from '../../graph/graph.ts'
import { type AffineMap, affine } from '../../tensor/affine.ts'
import { buildSparse, pickMatrix } from '../../tensor/sparse.ts'
import { sizeOf } from '../../tensor/tensor.ts'

/** The largest sample or layer output: 2^24 elements. */
const maxElements = 2 ** 24
/** More is not a model but models in models that call each other again and again. */
const maxNodes = 2 ** 16

/** Collects the nodes of a graph; values are indices of nodes. */
export class GraphBuilder {
  readonly #nodes: Node[] = []
  readonly #inputShape: readonly number[]
  /** The value that the client sends. */
  readonly input = 0

  constructor(name: string, inputShape: readonly number[]) {
    this.#inputShape = inputShape
    this.#push({ op: 'input', inputs: [], size: sizeOf(inputShape), name })
  }

  #push(node: Node): number {
    if (node.size > maxElements) {
      throw new GloveboxError('too-large', `"${node.name}" has ${node.size} elements, more than ${maxElements}`)
    }
    if (this.#nodes.length === maxNodes)
      throw new GloveboxError('too-large', `the model has more than ${maxNodes} nodes`)
    return this.#nodes.push(node) - 1
  }

  sizeOf(value: number): number {
    return this.#nodes[value]!.size
  }

  affine(value: number, map: AffineMap, name: string): number {
    return this.#push({ op: 'affine', inputs: [value], size: map.matrix.rows, name, map })
  }

  /** weights · x + bias; the weights are row-major, one row an output. */
  dense(value: number, weights: ArrayLike<number>, bias: ArrayLike<number>, name: string): number {
    const columns = this.sizeOf(value)
    const matrix = buildSparse(bias.length, columns, (row, add) => {
      for (let c = 0; c < columns; c++) add(c, weights[row * columns + c]!)
    })
    return this.affine(value, affine(matrix, Float64Array.from(bias)), name)
  }

  /** x[i] · factor[i] + offset[i] */
  scale(value: number, factor: ArrayLike<number>, offset: ArrayLike<number>, name: string): number {
    const picks = Int32Array.from({ length: factor.length }, (_, i) => i)
    const matrix = pickMatrix(picks, picks.length, (i) => factor[i]!)
    return this.affine(value, affine(matrix, Float64Array.from(offset)), name)
  }

  /** Element i of the result is element picks[i]; 0 where that is -1. */
  pick(value: number, picks: ArrayLike<number>, name: string): number {
    return this.affine(value, affine(pickMatrix(Int32Array.from(picks), this.sizeOf(value))), name)
  }

  activate(value: number, activation: Activation, name: string): number {
    return this.#push({ op: 'activation', inputs: [value], size: this.sizeOf(value), name, activation })
  }

  add(a: number, b: number, name: string): number {
    return this.#push({ op: 'add', inputs: [a, b], size: this.sizeOf(a), name })
  }

  multiply(a: number, b: number, name: string): number {
    return this.#push({ op: 'multiply', inputs: [a, b], size: this.sizeOf(a), name })
  }

  build(output: number, outputName: string, outputShape: readonly number[] = [this.sizeOf(output)]): Graph {
    const graph = {
      nodes: this.#nodes,
      output,
      inputShape: this.#inputShape,
      outputShape,
      inputName: this.#nodes[0]!.name,
      outputName,
    }
    checkGraph(graph)
    return graph
  }
}
