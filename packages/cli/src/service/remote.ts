import { answerOf, connect, glovebox, memoryStorage, type PrivatePrediction, type Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import { type Answer, type ClientPart, needsKeys } from '@glovebox/ml'
import { openKeyFiles } from '../bundle.ts'
import { type Api, needsToken } from './api.ts'
import { listModels, notThere } from './listed.ts'
import type { ModelName } from './model-name.ts'

/** A model of a service, and keys for it. */
export interface Remote extends AsyncDisposable {
  readonly part: ClientPart
  /** Many samples, in as many requests as it takes. */
  predict(samples: readonly Sample[], options: RemoteOptions): Promise<Predicted>
}

/** Which keys are used. */
export interface KeyOptions {
  /** A folder that keygen made; default: keys that are kept for this user, made where there are none. */
  readonly keys?: string
  /** Keys of this call alone. */
  readonly freshKeys?: boolean
}

export interface RemoteOptions {
  readonly pixels: boolean
  readonly onStage?: (stage: string, done: number, total: number) => void
}

/** Times in milliseconds, sizes in bytes, over all requests. */
export interface Predicted {
  readonly outputs: readonly Float64Array[]
  readonly answers: readonly Answer[]
  readonly keygenMs: number
  readonly roundTripMs: number
  /** NaN where the server does not say. */
  readonly computeMs: number
  readonly uploadBytes: number
  readonly replyBytes: number
  /** Of evaluation keys that went up; 0 where the server had them. */
  readonly keyBytes: number
}

/** A command does not wait for a server as long as a page does. */
const retryMs = 2000

/** A model at the version that was named. Throws GloveboxError `not-found` that names those that are there. */
export async function openRemote(api: Api, named: ModelName, options: KeyOptions = {}): Promise<Remote> {
  try {
    return await (options.keys === undefined
      ? withKeptKeys(api, named, options.freshKeys ?? false)
      : withFolder(api, named, options.keys))
  } catch (error) {
    if (!(error instanceof GloveboxError)) throw error
    if (error.code === 'unauthorised' && api.token === undefined && 'status' in error) throw needsToken(api.url)
    if (error.code !== 'not-found') throw error
    const models = await listModels(api).catch(() => undefined)
    if (!models) throw error
    throw new GloveboxError('not-found', notThere(api, models, named), { cause: error })
  }
}

async function withKeptKeys({ url, token }: Api, { name, version }: ModelName, fresh: boolean): Promise<Remote> {
  const service = glovebox(url, {
    // There is nothing else to do here meanwhile.
    worker: false,
    retryMs,
    ...(token !== undefined && { token }),
    ...(fresh && { keys: memoryStorage() }),
  })
  const model = await service.model(name, version === undefined ? {} : { version })
  return {
    part: model.part,
    async predict(samples, { pixels, onStage }) {
      const predictions = await model.predictAll(samples, {
        pixels,
        onProgress: ({ stage, done, total }) => {
          const [text, unit] = stages[stage] ?? []
          if (text !== undefined) onStage?.(text, Math.round(done / unit!), Math.round(total / unit!))
        },
      })
      return { ...answersOf(model.part, predictions), ...sumOf(new Set(predictions.map(({ trace }) => trace))) }
    },
    async [Symbol.asyncDispose]() {
      if (fresh) await model.forgetKeys().catch(() => undefined)
      await service.close()
    },
  }
}

/** What people are told, and of how many of what a unit is. */
const stages: Readonly<Record<string, readonly [text: string, unit: number]>> = {
  keys: ['making keys', 1],
  upload: ['uploading keys, KB', 1000],
  infer: ['predicting', 1],
}

function answersOf(
  part: ClientPart,
  predictions: readonly PrivatePrediction[],
): Pick<Predicted, 'outputs' | 'answers'> {
  const outputs = predictions.map((prediction) => prediction.outputs)
  return { outputs, answers: outputs.map((row) => answerOf({ part }, row)) }
}

function sumOf(traces: ReadonlySet<PrivatePrediction['trace']>): Omit<Predicted, 'outputs' | 'answers'> {
  const sum = (value: (trace: PrivatePrediction['trace']) => number): number =>
    [...traces].reduce((before, trace) => before + value(trace), 0)
  return {
    keygenMs: sum((trace) => trace.keygenMs),
    roundTripMs: sum((trace) => trace.roundTripMs),
    computeMs: sum((trace) => trace.computeMs ?? Number.NaN),
    uploadBytes: sum((trace) => trace.uploadBytes),
    replyBytes: sum((trace) => trace.replyBytes),
    keyBytes: sum((trace) => trace.keyBytes),
  }
}

async function withFolder({ url, token }: Api, { name, version }: ModelName, folder: string): Promise<Remote> {
  const model = await connect(url, token === undefined ? {} : { token }).model(name, { version })
  const keys = await openKeyFiles(model, folder)
  const keyBytes = needsKeys(model.part.keys) ? keys.evaluation.length : 0
  return {
    part: model.part,
    async predict(samples, { pixels, onStage }) {
      const found = await model.predict(samples, keys, {
        pixels,
        onProgress: (done, total) => onStage?.('predicting', done, total),
      })
      return { ...found, computeMs: found.computeMs ?? Number.NaN, keygenMs: 0, keyBytes }
    },
    async [Symbol.asyncDispose]() {
      keys[Symbol.dispose]()
      model.context[Symbol.dispose]()
    },
  }
}
