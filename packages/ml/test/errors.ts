import { expect } from 'vitest'
import { deviationsOf } from '../src/compile/deviations.ts'
import type { Graph } from '../src/graph/graph.ts'
import { type Program, runClear, samplesPerRun, simulate } from '../src/index.ts'
import { openSession } from './session.ts'

/** Errors in units of the standard deviation that a program predicts for its worst output: its bound is 4 of them. */
export interface Errors {
  readonly encrypted: Float64Array
  readonly simulated: Float64Array
}

/** Runs samples, one after the other in the array, encrypted, through the bytes of both parts, and in simulation. */
export function errorsOf(graph: Graph, program: Program, samples: Float64Array): Errors {
  const size = graph.nodes[0]!.size
  const rows = Array.from({ length: samples.length / size }, (_, i) => samples.slice(i * size, (i + 1) * size))
  const expected = runClear(graph, samples)
  const deviation = (program.report.relativeError * program.report.largestOutput) / deviationsOf(program)
  const inUnits = (answers: Float64Array): Float64Array => answers.map((v, i) => (v - expected[i]!) / deviation)
  using session = openSession(program)
  const answers = samplesPerRun(program) > 1 ? session.predictAll(rows) : rows.map((row) => session.predict(row))
  return {
    encrypted: inUnits(Float64Array.from(answers.flatMap((answer) => [...answer]))),
    simulated: inUnits(simulate(program, samples)),
  }
}

/**
 * Errors are as large as predicted, and no larger. Noise that is multiplied by the secret, as that of rescaling, has the tails of a Laplace distribution over slots and keys, so
 * a few in a thousand may pass the bound of 4 deviations, and one in a million passes 10.
 */
export function expectAsPredicted(errors: ArrayLike<number>, what: string): void {
  const all = Array.from(errors, Math.abs)
  const rms = Math.sqrt(all.reduce((sum, z) => sum + z * z, 0) / all.length)
  expect(rms, `rms of ${all.length} errors, ${what}`).toBeLessThan(1.25)
  expect(rms, `rms of ${all.length} errors, ${what}`).toBeGreaterThan(0.1)
  expect(all.filter((z) => z > 4).length, `errors beyond the bound, ${what}`).toBeLessThanOrEqual(1 + all.length / 100)
  expect(Math.max(...all), `largest error, ${what}`).toBeLessThan(10)
}
