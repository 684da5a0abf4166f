import { GloveboxError } from '@glovebox/he'
import { type InferRequest, inferRequest } from '../http/infer.ts'
import { type Clock, retrying } from '../http/retry.ts'
import { modelPath, type Service } from '../http/service.ts'
import { uploadKeys } from '../http/upload-keys.ts'
import { type ClientModel, openModel } from '../model.ts'
import { isBytes } from '../picture.ts'
import { encryptInputs, readInputs } from '../query.ts'
import type { Sample } from '../samples.ts'
import type { KeyStorage } from '../storage/storage.ts'
import { type HeldKeys, type KeyRing, openKeyRing } from './key-ring.ts'
import type { Trace } from './prediction.ts'
import type { CallContext } from './progress.ts'
import { createShared } from './shared.ts'

/** Times that a query is encrypted because keys were lost or replaced. */
const mostTurns = 4
const shownBytes = 4096
/** Header of a client part: which version it is of. */
const versionHeader = 'glovebox-model-version'

/** What all models of a session share. */
export interface Environment {
  readonly service: Service
  readonly storage: KeyStorage
  readonly clock: Clock
  readonly maxKeyAgeMs: number
  /** Time that a server may be away. */
  readonly retryMs: number
  readonly threads: number | 'auto'
}

/** A query, and what it is encrypted under. */
export interface Encrypted {
  readonly held: HeldKeys
  readonly request: InferRequest
  readonly trace: Pick<Trace, 'samples' | 'keygenMs' | 'uploadMs' | 'keyBytes' | 'encryptMs' | 'query' | 'keysDigest'>
}

/** A model of a service, its context and its keys. */
export interface RemoteModel extends Disposable {
  readonly model: ClientModel
  readonly ring: KeyRing
  readonly environment: Environment
  /** Where it is asked: with the number of its version, where the server tells it, as what a name stands for may change. */
  readonly path: string
  readonly version: string | undefined
  /** Makes keys and brings them to the server, so that the first prediction need not. */
  prepare(context: CallContext): Promise<void>
  /** Samples as numbers; throws before anything is made or sent. */
  read(samples: readonly Sample[], pixels: boolean | undefined): Float64Array[]
  /** Encrypts under keys that the server has, and has `send` ask; where the server has lost them meanwhile, again, with new ones if need be. */
  ask<T>(
    inputs: readonly Float64Array[],
    send: (encrypted: Encrypted) => Promise<T>,
    context: CallContext,
  ): Promise<{ readonly answer: T; readonly encrypted: Encrypted }>
}

/** Downloads a client part and opens a context for it. Throws GloveboxError `not-found`, `unauthorised`, `unavailable`, and as `openModel`. */
export async function openRemoteModel(
  name: string,
  version: string | undefined,
  environment: Environment,
  { signal, onProgress }: CallContext,
): Promise<RemoteModel> {
  const { service, storage, clock, maxKeyAgeMs, retryMs, threads } = environment
  const asked = modelPath(name, version)
  onProgress?.({ stage: 'download', done: 0, total: 1 })
  const { body, headers } = await retrying(() => service.request('GET', `${asked}/client`, { signal }), {
    clock,
    signal,
    retryMs,
  })
  onProgress?.({ stage: 'download', done: body.length, total: body.length })
  const said = headers.get(versionHeader)
  const number = said !== null && /^[0-9]{1,9}$/.test(said) ? said : undefined
  const model = openModel(body, { threads })
  const ring = openKeyRing({ model, storage, url: service.url, clock, maxAgeMs: maxKeyAgeMs })
  const uploads = createUploads(environment, ring)

  const ready = async (context: CallContext, anew: boolean): Promise<Ready> => {
    const held = await ring.current(context)
    const keygenMs = ring.takeKeygenMs()
    const started = performance.now()
    const uploading = held.digest === undefined ? Promise.resolve(0) : uploads(held, anew, context)
    // Encryption goes on beside it; until then nobody looks at its failure.
    uploading.catch(() => undefined)
    return { held, keygenMs, uploading: uploading.then((keyBytes) => ({ keyBytes, at: performance.now() - started })) }
  }

  return {
    model,
    ring,
    environment,
    path: number === undefined ? asked : modelPath(name, number),
    version: number ?? version,
    async prepare(context) {
      for (let turn = 1; ; turn++) {
        const { held, uploading } = await ready(context, false)
        try {
          await uploading
          return
        } catch (error) {
          recover(ring, held, error, turn)
        }
      }
    },
    read: (samples, pixels) => readInputs(model.part, samples, (sample) => ({ pixels: pixels ?? isBytes(sample) })),
    async ask(inputs, send, context) {
      let lost: { readonly error: unknown; readonly digest: string | undefined } | undefined
      let [keygenMs, uploadMs, keyBytes] = [0, 0, 0]
      for (let turn = 1; ; turn++) {
        context.signal?.throwIfAborted()
        const { held, uploading, keygenMs: made } = await ready(context, lost !== undefined)
        keygenMs += made
        try {
          const started = performance.now()
          context.onProgress?.({ stage: 'encrypt', done: 0, total: inputs.length })
          const query = encryptInputs(model, held.secret, inputs)
          const request = inferRequest(query, held.digest)
          const encryptMs = performance.now() - started
          context.onProgress?.({ stage: 'encrypt', done: inputs.length, total: inputs.length })
          const uploaded = await uploading
          // They were there: it is something else that the server does not find.
          if (lost !== undefined && uploaded.keyBytes === 0 && lost.digest === held.digest) throw lost.error
          // What was encrypted meanwhile is no time of the upload.
          uploadMs += Math.max(0, uploaded.at - (uploaded.keyBytes > 0 ? encryptMs : uploaded.at))
          keyBytes += uploaded.keyBytes
          const trace = {
            samples: inputs.length,
            keygenMs,
            uploadMs,
            keyBytes,
            encryptMs,
            query: request.body.slice(0, shownBytes),
            keysDigest: held.digest,
          }
          const encrypted = { held, request, trace }
          return { answer: await send(encrypted), encrypted }
        } catch (error) {
          if (error === lost?.error) throw error
          const found = recover(ring, held, error, turn)
          lost = found === 'lost' ? { error, digest: held.digest } : undefined
        }
      }
    },
    [Symbol.dispose]() {
      model.context[Symbol.dispose]()
    },
  }
}

interface Ready {
  readonly held: HeldKeys
  readonly keygenMs: number
  readonly uploading: Promise<{ readonly keyBytes: number; readonly at: number }>
}

/** What can be done about an error, done; or throws it. */
function recover(ring: KeyRing, held: HeldKeys, error: unknown, turn: number): 'lost' | 'replaced' {
  if (!(error instanceof GloveboxError) || held.digest === undefined || turn >= mostTurns) throw error
  if (error.code === 'missing-key' && !('status' in error)) {
    // They were not kept here and are not there: nobody has them.
    ring.replace(held)
    return 'replaced'
  }
  if (error.code !== 'not-found') throw error
  // The server has deleted them, expired them or made room. Where another tab has replaced them, they are not kept here either, and that turn finds its keys.
  return 'lost'
}

/** Brings keys up once, however many ask; `anew` where the server has been seen not to have them. */
function createUploads(
  { service, clock, retryMs }: Environment,
  ring: KeyRing,
): (held: HeldKeys, anew: boolean, context: CallContext) => Promise<number> {
  const there = new Set<string>()
  const running = new Map<string, (context: CallContext) => Promise<number>>()
  return async (held, anew, context) => {
    const digest = held.digest!
    if (anew) there.delete(digest)
    if (there.has(digest)) return 0
    let upload = running.get(digest)
    if (!upload) {
      upload = createShared(async ({ signal, onProgress }) => {
        const options = {
          clock,
          signal,
          retryMs,
          onProgress: (done: number, total: number) => onProgress({ stage: 'upload', done, total }),
        }
        const sent = await uploadKeys(service, digest, () => ring.evaluation(held), options)
        there.add(digest)
        ring.uploaded(held)
        return sent
      })
      running.set(digest, upload)
    }
    return await upload(context)
  }
}
