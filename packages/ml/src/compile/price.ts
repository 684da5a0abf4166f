import type { ParamsLiteral } from '@glovebox/he'
import type { Circuit } from '../layout/circuit.ts'
import { timed } from '../program/program.ts'
import { type CostTable, costOf } from '../run/cost.ts'
import { pricedOf, type Structure } from './structure.ts'

/** What programs are compared for. */
export interface Load {
  /** Samples that are asked for at once. */
  readonly batchSize: number
  /** Of the link, in Mbit/s. */
  readonly megabitsPerSecond: number
}

/** Predictions that share one upload of keys. */
const predictionsPerKeys = 1000

/** No prime of a chain that is of use has fewer bits. */
const leastBits = 20

/** Milliseconds that sending the query of one sample takes at least, of a batch of the asked size. */
export function leastTransport(
  { packing, input, capacity }: Circuit,
  ringDegree: number,
  { batchSize, megabitsPerSecond }: Load,
): number {
  const samples = packing === 'batch' ? capacity : 1
  const bits = input.tiles * ringDegree * leastBits * Math.ceil(batchSize / samples)
  return bits / batchSize / (megabitsPerSecond * 1000)
}

/** What one sample costs, of a batch of the asked size: milliseconds of compute on one thread and of transport. */
export function priceOf(
  { circuit, timing, literal, inputLevel, relinearise }: Structure & { readonly literal: ParamsLiteral },
  { load, costTable }: { readonly load: Load; readonly costTable: CostTable },
): { milliseconds: number; computeMilliseconds: number; bytes: number; keyBytes: number } {
  const steps = circuit.steps.map((step, i) => timed(step, timing[i]!, 1))
  const cost = costOf(pricedOf(circuit, literal, steps, relinearise, inputLevel), costTable)
  const samples = circuit.packing === 'batch' ? circuit.capacity : 1
  const share = Math.ceil(load.batchSize / samples) / load.batchSize
  const bytesPerMillisecond = load.megabitsPerSecond * 125
  const computeMilliseconds = cost.milliseconds * share
  const bytes = (cost.uploadBytes + cost.replyBytes) * share
  const milliseconds = computeMilliseconds + (bytes + cost.keyBytes / predictionsPerKeys) / bytesPerMillisecond
  return { milliseconds, computeMilliseconds, bytes, keyBytes: cost.keyBytes }
}
