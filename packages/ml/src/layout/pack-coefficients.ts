import { GloveboxError } from '@glovebox/he'
import type { Graph } from '../graph/graph.ts'
import { identityMap } from '../tensor/affine.ts'
import type { Circuit } from './circuit.ts'
import { tiledLayout } from './layout.ts'

/** The affine map that a lowered graph is, or undefined where it has products of variables. */
function onlyMap(graph: Graph): { readonly name: string; readonly map: ReturnType<typeof identityMap> } | undefined {
  const output = graph.nodes[graph.output]!
  if (graph.output === 0) return { name: output.name, map: identityMap(output.size) }
  return output.op === 'affine' && output.inputs[0] === 0 ? { name: output.name, map: output.map! } : undefined
}

/** Whether `packCoefficients` can lay a lowered graph out. */
export function isAffine(graph: Graph): boolean {
  return onlyMap(graph) !== undefined
}

/**
 * How many elements a ciphertext may take: fewer of them make room for more outputs in one product, at the price of more ciphertexts of the input.
 * Every choice is as small as the number of its products allows, and has fewer ciphertexts of the output than the one before: with as many it would only cost more.
 */
export function chunkChoices(inputs: number, outputs: number, ringDegree: number): number[] {
  const choices: number[] = []
  const least = Math.ceil(inputs / ringDegree)
  let fewest = Infinity
  for (let tiles = least; tiles <= least + 16 && fewest > 1; tiles++) {
    const chunk = Math.ceil(inputs / tiles)
    const replies = Math.ceil(outputs / Math.min(outputs, Math.floor(ringDegree / chunk)))
    if (replies < fewest) choices.push(chunk)
    fewest = Math.min(fewest, replies)
  }
  return choices
}

/** Lays an affine map out in coefficients, `chunk` elements of the input in a ciphertext. Throws GloveboxError `unsupported` for a graph with products. */
export function packCoefficients(graph: Graph, ringDegree: number, chunk: number): Circuit {
  const only = onlyMap(graph)
  if (!only) {
    throw new GloveboxError(
      'unsupported',
      'coefficient packing is for affine models: this one has products of variables, which need slots or batch',
    )
  }
  const { name, map } = only
  const { rows: outputs, columns: inputs } = map.matrix
  const perTile = Math.min(outputs, Math.floor(ringDegree / chunk))
  const input = tiledLayout(inputs, chunk)
  const output = tiledLayout(outputs, perTile)
  const bias = map.bias.some((v) => v !== 0) ? map.bias : undefined
  return {
    packing: 'coefficient',
    encoding: 'coefficients',
    capacity: ringDegree,
    input,
    output,
    steps: [{ op: 'linear', name, input: 0, map: { kind: 'polynomials', matrix: map.matrix, chunk, perTile }, bias }],
    tiles: [input.tiles, output.tiles],
    notes: [
      `${inputs} inputs in ${input.tiles} ${input.tiles === 1 ? 'ciphertext' : 'ciphertexts'} of ${chunk} coefficients, ` +
        `${outputs} ${outputs === 1 ? 'output' : 'outputs'} in ${output.tiles}, no keys`,
    ],
  }
}
