import type { Sample } from '@glovebox/client'
import { needsKeys, samplesPerRun } from '@glovebox/ml'
import type { Predicted, Remote } from '../service/remote.ts'
import { quantile, type Side } from './compare.ts'

/** What the encrypted side took. Times in milliseconds; median and 95 % of all requests. */
export interface Measured extends Side {
  /** Whether there are evaluation keys at all. */
  readonly needsKeys: boolean
  /** 0 where keys were kept from an earlier call. */
  readonly keygenMs: number
  /** The first request, which uploads the keys. */
  readonly firstMs: number
  readonly requests: number
  /** From the sample to the answer: encryption, round trip, decryption. */
  readonly totalMs: Quantiles
  readonly roundTripMs: Quantiles
  readonly computeMs: Quantiles
  /** Bodies of a request and of its answer. */
  readonly uploadBytes: number
  readonly replyBytes: number
  /** Of evaluation keys that went up; 0 where the service had them. */
  readonly keyBytes: number
}

export interface Quantiles {
  readonly median: number
  readonly p95: number
}

export interface RunOptions {
  readonly pixels: boolean
  readonly onStage?: (stage: string, done: number, total: number) => void
}

/** Predicts samples one after the other, or, of a model that takes batches, as many as go together. */
export async function runEncryptedly(
  model: Remote,
  samples: readonly Sample[],
  { pixels, onStage }: RunOptions,
): Promise<Measured> {
  const together = samplesPerRun(model.part)
  const predictions: Predicted[] = []
  const totals: number[] = []
  // Keys are made and go up with a request that is not measured with the others.
  const started = performance.now()
  const first = await model.predict(samples.slice(0, 1), { pixels, ...(onStage && { onStage }) })
  const firstMs = performance.now() - started - first.keygenMs
  for (let at = 0; at < samples.length; at += together) {
    const begun = performance.now()
    predictions.push(await model.predict(samples.slice(at, at + together), { pixels }))
    totals.push(performance.now() - begun)
    onStage?.('encrypted', Math.min(samples.length, at + together), samples.length)
  }
  const of = (values: readonly number[]): Quantiles => ({ median: quantile(values, 0.5), p95: quantile(values, 0.95) })
  const median = (value: (prediction: Predicted) => number): number => quantile(predictions.map(value), 0.5)
  return {
    outputs: predictions.flatMap(({ outputs }) => outputs),
    answers: predictions.flatMap(({ answers }) => answers),
    needsKeys: needsKeys(model.part.keys),
    keygenMs: first.keygenMs,
    keyBytes: first.keyBytes,
    firstMs,
    requests: predictions.length,
    totalMs: of(totals),
    roundTripMs: of(predictions.map(({ roundTripMs }) => roundTripMs)),
    computeMs: of(predictions.map(({ computeMs }) => computeMs)),
    uploadBytes: median(({ uploadBytes }) => uploadBytes),
    replyBytes: median(({ replyBytes }) => replyBytes),
  }
}
