import { GloveboxError } from '@glovebox/he'
import { type Graph, isConstant } from '../graph/graph.ts'
import type { Circuit } from '../layout/circuit.ts'
import { compact, evaluateCircuit, outputOf } from '../layout/evaluate.ts'
import { runClear } from '../run/clear.ts'
import { randomNumbers } from '../tensor/random.ts'

/** Circuit and graph may differ by this much of the largest output: rounding of doubles, which precise programs do not amplify. */
const tolerance = 1e-6

/** Refuses a lowered graph whose output is the same for all inputs: its ciphertext would be the plain answer. */
export function refuseConstant(graph: Graph): void {
  if (!isConstant(graph)) return
  const { name } = graph.nodes[graph.output]!
  throw new GloveboxError(
    'unsupported',
    `the output "${graph.outputName}" (of "${name}") does not depend on the input: all weights on the way are 0 or cancel, so there is nothing to encrypt`,
  )
}

/** Throws where a circuit does not compute what its graph does: on the samples, and on noise of their size, since samples may be 0 in places. */
export function verify(graph: Graph, circuit: Circuit, samples: readonly Float64Array[]): void {
  const largest = largestOf(...samples)
  const random = randomNumbers(1)
  const noise = Float64Array.from({ length: samples[0]!.length }, () => largest * (2 * random() - 1))
  const small = compact(circuit)
  for (const sample of [...samples, noise]) {
    const expected = runClear(graph, sample)
    const answer = outputOf(small, evaluateCircuit(small, sample).at(-1)!)
    const error = largestOf(answer.map((v, i) => v - expected[i]!))
    if (!(error <= tolerance * largestOf(expected))) {
      throw new Error(
        `internal error: the circuit of "${graph.outputName}" differs from the model by ${error.toExponential(1)} ` +
          `(${circuit.notes.join('; ')}); please report this model`,
      )
    }
  }
}

/** The largest |value|; NaN where one is. */
export function largestOf(...arrays: readonly Float64Array[]): number {
  let largest = 0
  for (const values of arrays) for (const v of values) if (!(Math.abs(v) <= largest)) largest = Math.abs(v)
  return largest
}
