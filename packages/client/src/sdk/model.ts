import { toHex } from '@glovebox/he'
import type { ClientPart } from '@glovebox/ml'
import { modelPath } from '../http/service.ts'
import type { Sample } from '../samples.ts'
import type { JobState } from '../session/jobs.ts'
import type { ModelTypes, Prediction } from '../session/prediction.ts'
import type { KeptKeys, Opened } from '../session/session.ts'
import type { Backend } from '../thread/backend.ts'
import { isRecord, readJson } from './json.ts'
import { type CallOptions, contextOf, type PredictOptions } from './options.ts'

/**
 * A model of a service; what it is given stays here, what it computes on is encrypted.
 * @template T What the model takes and says.
 */
export interface EncryptedModel<T extends ModelTypes> {
  /** As it is registered at the service. */
  readonly name: string
  /** Its number, where the service tells it; later versions do not change this model. */
  readonly version: string | undefined
  /** Digest of its program, to which keys and queries are bound: 64 hexadecimal digits. */
  readonly digest: string
  /** All that is public of it: shapes, columns, what its client does before and after, cost, what the compiler promises. */
  readonly part: ClientPart
  /**
   * Encrypts a sample, has it computed on, and decrypts. Makes keys and brings them to the service where that was not done yet. Throws TypeError and
   * RangeError for a sample that the model does not take, GloveboxError for what the service says.
   */
  predict(sample: T['input'], options?: PredictOptions): Promise<Prediction<T>>
  /** Many samples, in as many requests as it takes, in their order. */
  predictAll(samples: readonly T['input'][], options?: PredictOptions): Promise<Prediction<T>[]>
  /** Has the service compute when it has time: many samples, or long programs. */
  submit(samples: readonly T['input'][], options?: PredictOptions): Promise<PredictionJob<T>>
  /** A job that was submitted before, with keys that are kept here. */
  job(id: string): PredictionJob<T>
  /** Makes keys and brings them to the service now, so that the first prediction need not. */
  prepare(options?: CallOptions): Promise<void>
  /** The model card, in Markdown, where there is one. */
  card(options?: CallOptions): Promise<string | undefined>
  /** Inputs to try, as the model's owner gave them, where there are any. */
  examples(options?: CallOptions): Promise<Examples | undefined>
  /** The keys that are kept for this model here, if there are any. */
  keys(): Promise<KeptKeys | undefined>
  /** Deletes the keys here and at the service; the next prediction makes new ones. */
  forgetKeys(options?: CallOptions): Promise<void>
}

/** Inputs to try; what else their file has is there too. */
export interface Examples {
  /** What the inputs are. */
  readonly kind: string
  /** Whether the inputs are bytes from 0 to 255: predict(item.input, { pixels: examples.pixels }). */
  readonly pixels?: boolean
  /** One input each. */
  readonly items: readonly { readonly name: string; readonly input: unknown; readonly expected?: string }[]
  readonly [key: string]: unknown
}

/**
 * A job at the service.
 * @template T What the model takes and says.
 */
export interface PredictionJob<T extends ModelTypes> {
  /** By which the service knows it. */
  readonly id: string
  /** What it is at. */
  state(options?: CallOptions): Promise<JobState>
  /** Waits for it and decrypts. Throws GloveboxError with the service's reason where it failed or was cancelled. */
  result(options?: CallOptions): Promise<Prediction<T>[]>
  /** Stops it and deletes what the service has of it. */
  cancel(options?: CallOptions): Promise<void>
}

function examplesOf(value: unknown): Examples | undefined {
  const fits =
    isRecord(value) &&
    typeof value.kind === 'string' &&
    ['undefined', 'boolean'].includes(typeof value.pixels) &&
    Array.isArray(value.items) &&
    value.items.every((item) => isRecord(item) && typeof item.name === 'string')
  return fits ? (value as unknown as Examples) : undefined
}

/** The model behind what a session opened. */
export function openModelOf<T extends ModelTypes>(
  { call }: Backend,
  name: string,
  { model, part, version }: Opened,
): EncryptedModel<T> {
  const address = modelPath(name, version)
  const job = (id: string): PredictionJob<T> => ({
    id,
    state: (options = {}) => call('jobState', { model, id }, contextOf(options)),
    // The types are the caller's word on what the model says.
    result: async (options = {}) => (await call('jobResult', { model, id }, contextOf(options))) as Prediction<T>[],
    cancel: (options = {}) => call('cancelJob', { model, id }, contextOf(options)),
  })
  const predictAll = async (samples: readonly T['input'][], options: PredictOptions): Promise<Prediction<T>[]> => {
    const args = { model, samples: samples as readonly Sample[], pixels: options.pixels }
    return (await call('predict', args, contextOf(options))) as Prediction<T>[]
  }
  return {
    name,
    version,
    digest: toHex(part.digest),
    part,
    predict: async (sample, options = {}) => (await predictAll([sample], options))[0]!,
    predictAll: (samples, options = {}) => predictAll(samples, options),
    async submit(samples, options = {}) {
      const args = { model, samples: samples as readonly Sample[], pixels: options.pixels }
      return job((await call('submit', args, contextOf(options))).id)
    },
    job,
    prepare: (options = {}) => call('prepare', { model }, contextOf(options)),
    card: (options = {}) => call('text', { path: `${address}/card` }, contextOf(options)),
    async examples(options = {}) {
      const text = await call('text', { path: `${address}/examples` }, contextOf(options))
      return text === undefined ? undefined : readJson(text, 'the file of examples', examplesOf)
    },
    keys: () => call('keys', { model }),
    forgetKeys: (options = {}) => call('forgetKeys', { model }, contextOf(options)),
  }
}
