import { GloveboxError } from '@glovebox/he'
import type { Graph } from '../graph/graph.ts'
import type { Circuit, Packing } from '../layout/circuit.ts'
import { packBatch } from '../layout/pack-batch.ts'
import { chunkChoices, isAffine, packCoefficients } from '../layout/pack-coefficients.ts'
import { packSlots } from '../layout/pack-slots.ts'

/** Ways to lay a model out, by packing and ring; circuits are made when they are asked for. */
export interface Layouts {
  readonly packing: Packing
  readonly rings: readonly { readonly ringDegree: number; readonly circuits: () => Circuit[] }[]
}

/** Ciphertexts of a vector in slots; beyond that an affine model is better off in coefficients, and others are too large. */
const maxTiles = 16
/** Smaller rings have no room for keys. */
const smallestForKeys = 4096
/** Ciphertexts of a vector in a batch. */
const maxBatch = 65536

/** All that is worth a try. Throws GloveboxError `unsupported` for a packing that the model cannot have, `too-large` where it fits none. */
export function circuitsOf(graph: Graph, degrees: readonly number[], forced: Packing | undefined): Layouts[] {
  const widest = graph.nodes.reduce((most, node) => (node.size > most.size ? node : most))
  const inputs = graph.nodes[0]!.size
  const outputs = graph.nodes[graph.output]!.size
  const affine = isAffine(graph)
  if (forced === 'coefficient' && !affine) packCoefficients(graph, degrees[0]!, 1)
  const all: Layouts[] = [
    {
      packing: 'coefficient',
      rings: affine
        ? degrees.map((ringDegree) => ({
            ringDegree,
            circuits: () =>
              chunkChoices(inputs, outputs, ringDegree).map((chunk) => packCoefficients(graph, ringDegree, chunk)),
          }))
        : [],
    },
    {
      packing: 'slots',
      rings: degrees
        .filter((ringDegree) => ringDegree >= smallestForKeys && widest.size <= (maxTiles * ringDegree) / 2)
        .map((ringDegree) => ({ ringDegree, circuits: () => [packSlots(graph, ringDegree / 2)] })),
    },
    {
      packing: 'batch',
      rings:
        widest.size <= maxBatch
          ? degrees.map((ringDegree) => ({ ringDegree, circuits: () => [packBatch(graph, ringDegree)] }))
          : [],
    },
  ]
  const possible = all.filter(({ packing, rings }) => rings.length > 0 && (forced ?? packing) === packing)
  if (possible.length > 0) return possible
  const largest = Math.max(...degrees)
  if (forced === 'slots' && largest < smallestForKeys) {
    throw new GloveboxError(
      'unsupported',
      `slot packing needs keys, and a ring degree of ${smallestForKeys} for them; "ringDegrees" has ${largest} at most`,
    )
  }
  const hold =
    forced === 'batch'
      ? `a batch takes ${maxBatch} at most`
      : `${maxTiles} ciphertexts of ring degree ${largest} hold ${(maxTiles * largest) / 2}: allow larger rings, or make it narrower`
  throw new GloveboxError('too-large', `"${widest.name}" has ${widest.size} elements, ${hold}`)
}
