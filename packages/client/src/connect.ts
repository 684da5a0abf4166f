import { equalBytes, GloveboxError } from '@glovebox/he'
import { type Answer, needsKeys } from '@glovebox/ml'
import { type Inferred, infer, inferRequest } from './http/infer.ts'
import { retrying, systemClock } from './http/retry.ts'
import { type Fetch, modelPath, openService, type Service } from './http/service.ts'
import { uploadKeys } from './http/upload-keys.ts'
import type { ClientKeys } from './keys.ts'
import { type ClientModel, openModel } from './model.ts'
import { encryptInputs, readInputs, requireSum, samplesPerRequest } from './query.ts'
import { answerOf, decryptReply } from './reply.ts'
import type { Sample, SampleOptions } from './samples.ts'

/** What `connect` may be told besides the address. */
export interface ConnectOptions {
  /** Default: the platform's fetch. */
  readonly fetch?: Fetch
  /** Of the service, sent as bearer token with every request. */
  readonly token?: string
}

/** A Glovebox service. Nothing is sent before a model is asked for. */
export interface Connection {
  /** Of the service, without a slash at its end. */
  readonly url: string
  /** Downloads the public part of a model: of a version, by its number or an alias, or of what is in production. Throws GloveboxError `not-found` or `unavailable`. */
  model(
    name: string,
    options?: { readonly version?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<RemoteModel>
}

/** A model of a service, and its client part here. */
export interface RemoteModel extends ClientModel {
  /** As it is registered at the service. */
  readonly name: string
  /**
   * Encrypts samples, has them computed on, and decrypts. Uploads the evaluation keys where the server does not have them. Many
   * samples go in several requests, one after the other, so that a server can turn to others in between.
   */
  predict(samples: readonly Sample[], keys: ClientKeys, options?: PredictOptions): Promise<Prediction>
}

/** What one prediction may be told. */
export interface PredictOptions extends SampleOptions {
  /**
   * The server adds the samples up and computes once: there is one output, that of the sum of the samples. All go in one request. Not for models in
   * batch packing, and of no more than the program was compiled for (`summands`, 1 where nothing was said).
   * What the report promises holds for the sum.
   */
  readonly sum?: boolean
  /** Gives the prediction up; it then rejects with the reason of the signal. */
  readonly signal?: AbortSignal
  /** Called after every request with the samples that are done. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What came back, and what it took. Times in milliseconds, sizes in bytes. */
export interface Prediction {
  /** The model's raw outputs, a row for each sample. */
  readonly outputs: readonly Float64Array[]
  /** What the outputs say: classes, probabilities, contributions, where the model knows of any; a row for each sample. */
  readonly answers: readonly Answer[]
  /** What the server says that it computed for, over all requests. */
  readonly computeMs: number | undefined
  /** From the first byte of the query sent to the last of the reply received, over all requests. */
  readonly roundTripMs: number
  /** Bodies of requests and answers as they went over HTTP. */
  readonly uploadBytes: number
  /** See `uploadBytes`. */
  readonly replyBytes: number
}

/** Time for a server that restarts to come back. */
const retryMs = 2000

/** Throws TypeError for something that is no http address. */
export function connect(url: string, options: ConnectOptions = {}): Connection {
  const service = openService(url, options.fetch ?? ((address, init) => fetch(address, init)), options.token)
  return {
    url: service.url,
    async model(name, { version, signal } = {}) {
      const path = modelPath(name, version)
      const { body } = await retrying(() => service.request('GET', `${path}/client`, { signal }), {
        clock: systemClock,
        signal,
        retryMs,
      })
      const model = openModel(body)
      const infer = inferrer(service, `${path}/infer`, needsKeys(model.part.keys))
      return {
        ...model,
        name,
        async predict(samples, keys, predictOptions = {}) {
          predictOptions.signal?.throwIfAborted()
          requireSameModel(model, keys)
          if (samples.length === 0) throw new RangeError('"samples" expected at least one sample, got none')
          const inputs = readInputs(model.part, samples, predictOptions)
          if (predictOptions.sum) requireSum(model.part, inputs)
          const most = predictOptions.sum ? inputs.length : samplesPerRequest(model)
          const kind = predictOptions.sum ? 'query for a sum' : 'query'
          let whole: Prediction | undefined
          for (let at = 0; at < inputs.length; at += most) {
            const some = inputs.slice(at, at + most)
            const answer = await infer(
              encryptInputs(keys.model, keys.secret, some, undefined, kind),
              keys,
              predictOptions.signal,
            )
            // Whether this worked is told to the caller only; the server hears nothing about it.
            const outputs = decryptReply(keys.model, keys.secret, answer.reply, {
              count: predictOptions.sum ? 1 : some.length,
            })
            const answers = outputs.map((output) => answerOf(model, output))
            whole = append(whole, { ...answer, outputs, answers })
            predictOptions.onProgress?.(at + some.length, inputs.length)
          }
          return whole!
        },
      }
    },
  }
}

function append(before: Prediction | undefined, next: Prediction): Prediction {
  const { outputs, answers, computeMs, roundTripMs, uploadBytes, replyBytes } = next
  if (!before) return { outputs, answers, computeMs, roundTripMs, uploadBytes, replyBytes }
  return {
    outputs: [...before.outputs, ...outputs],
    answers: [...before.answers, ...answers],
    computeMs: before.computeMs === undefined || computeMs === undefined ? undefined : before.computeMs + computeMs,
    roundTripMs: before.roundTripMs + roundTripMs,
    uploadBytes: before.uploadBytes + uploadBytes,
    replyBytes: before.replyBytes + replyBytes,
  }
}

/** A server may have compiled the model anew since the keys were made. */
function requireSameModel(model: ClientModel, keys: ClientKeys): void {
  if (equalBytes(model.part.digest, keys.model.part.digest)) return
  throw new GloveboxError(
    'parameters-mismatch',
    `the keys belong to another model than the server's "${model.part.name}": make new ones`,
  )
}

type Infer = (query: Uint8Array, keys: ClientKeys, signal: AbortSignal | undefined) => Promise<Inferred>

function inferrer(service: Service, path: string, withKeys: boolean): Infer {
  /** Digests of keys that the server has been seen to have. */
  const known = new Set<string>()

  const upload = async (keys: ClientKeys, signal: AbortSignal | undefined): Promise<void> => {
    if (!withKeys || known.has(keys.digest)) return
    await uploadKeys(service, keys.digest, async () => keys.evaluation, { clock: systemClock, signal, retryMs })
    known.add(keys.digest)
  }

  return async (query, keys, signal) => {
    const request = inferRequest(query, withKeys ? keys.digest : undefined)
    const attempt = async (): Promise<Inferred> => {
      try {
        await upload(keys, signal)
        return await infer(service, path, request, signal)
      } catch (error) {
        // A server that has restarted, or made room for others, has them no more.
        known.delete(keys.digest)
        throw error
      }
    }
    const patient = (): Promise<Inferred> => retrying(attempt, { clock: systemClock, signal, retryMs })
    try {
      return await patient()
    } catch (error) {
      if (!withKeys || !(error instanceof GloveboxError && error.code === 'not-found')) throw error
      return await patient()
    }
  }
}
