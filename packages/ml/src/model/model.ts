import type { Graph } from '../graph/graph.ts'
import type { InputStep, OutputStep } from './steps.ts'

/**
 * A trained model: what its client does in the clear before encryption, what is computed on ciphertexts, and what the client makes of the
 * decrypted answer. What is public and cheap (encoding of categories, scaling, softmax) is the client's.
 */
export interface Model {
  /** In order; the last one gives the input of `graph`. None: a sample is that input. */
  readonly before: readonly InputStep[]
  /** What is computed encrypted. */
  readonly graph: Graph
  /** In order, on the output of `graph`. None: the answer is that output. */
  readonly after: readonly OutputStep[]
}

/** A model that is nothing but a graph. */
export function modelOf(graph: Graph): Model {
  return { before: [], graph, after: [] }
}
