import { type ClientKeys, createKeys, type Prediction, type RemoteModel, type Sample } from '@glovebox/client'
import { needsKeys, samplesPerRun } from '@glovebox/ml'
import type { Side } from './compare.ts'
import { quantile } from './compare.ts'

/** What the encrypted side took. Times in milliseconds; median and 95 % of all requests. */
export interface Measured extends Side {
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
  /** Evaluation keys, uploaded once; 0 where there are none. */
  readonly keyBytes: number
}

export interface Quantiles {
  readonly median: number
  readonly p95: number
}

export interface RunOptions {
  readonly pixels: boolean
  readonly keys?: ClientKeys
  readonly onKeys?: (done: number, total: number) => void
  readonly onProgress?: (done: number, total: number) => void
}

/** Predicts samples one after the other, or, of a model that takes batches, as many as go together. */
export async function runEncryptedly(
  model: RemoteModel,
  samples: readonly Sample[],
  { pixels, keys: given, onKeys, onProgress }: RunOptions,
): Promise<Measured> {
  const started = performance.now()
  const keys = given ?? createKeys(model, { ...(onKeys && { onProgress: onKeys }) })
  const keygenMs = performance.now() - started
  try {
    const together = samplesPerRun(model.part)
    const predictions: Prediction[] = []
    const totals: number[] = []
    // The keys go up with a request that is not measured with the others.
    const first = performance.now()
    await model.predict(samples.slice(0, 1), keys, { pixels })
    const firstMs = performance.now() - first
    for (let at = 0; at < samples.length; at += together) {
      const begun = performance.now()
      predictions.push(await model.predict(samples.slice(at, at + together), keys, { pixels }))
      totals.push(performance.now() - begun)
      onProgress?.(Math.min(samples.length, at + together), samples.length)
    }
    const of = (values: readonly number[]): Quantiles => ({
      median: quantile(values, 0.5),
      p95: quantile(values, 0.95),
    })
    return {
      outputs: predictions.flatMap(({ outputs }) => outputs),
      answers: predictions.flatMap(({ answers }) => answers),
      keygenMs,
      firstMs,
      requests: predictions.length,
      totalMs: of(totals),
      roundTripMs: of(predictions.map(({ roundTripMs }) => roundTripMs)),
      computeMs: of(predictions.map(({ computeMs }) => computeMs ?? Number.NaN)),
      uploadBytes: quantile(
        predictions.map(({ uploadBytes }) => uploadBytes),
        0.5,
      ),
      replyBytes: quantile(
        predictions.map(({ replyBytes }) => replyBytes),
        0.5,
      ),
      keyBytes: needsKeys(model.part.keys) ? keys.evaluation.length : 0,
    }
  } finally {
    if (!given) keys[Symbol.dispose]()
  }
}
