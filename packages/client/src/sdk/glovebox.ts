import { addressOf } from '../http/service.ts'
import type { ModelTypes } from '../session/prediction.ts'
import type { SessionConfig } from '../session/session.ts'
import type { Backend } from '../thread/backend.ts'
import type { Placed } from '../thread/placed.ts'
import { isRecord, readJson } from './json.ts'
import { type EncryptedModel, openModelOf } from './model.ts'
import { type AnySample, type CallOptions, contextOf, type GloveboxOptions } from './options.ts'

/** What a model takes and says, where its types were not generated. */
export interface AnyModel extends ModelTypes {
  /** Numbers, a row by names, a text or a picture: as the model has it. */
  readonly input: AnySample
  /** Class names. */
  readonly label: string | undefined
  /** Any name. */
  readonly score: string
}

/** What `model` may be told. */
export interface ModelOptions extends CallOptions {
  /** A number or an alias; default: what the service has in production. */
  readonly version?: string | number
}

/** A model as a service lists it; what else the service tells is there too. */
export interface ListedModel {
  /** By which it is asked for. */
  readonly name: string
  readonly [key: string]: unknown
}

/** A service that computes on what it cannot read. Nothing is sent before it is asked for something. */
export interface Glovebox extends AsyncDisposable {
  /** Of the service, without a slash at its end. */
  readonly url: string
  /**
   * Downloads the public part of a model; `T` is what `glovebox types` wrote of it. Throws GloveboxError `not-found`, `unauthorised` or `unavailable`.
   */
  model<T extends ModelTypes = AnyModel>(name: string, options?: ModelOptions): Promise<EncryptedModel<T>>
  /** The models that the caller may use. */
  list(options?: CallOptions): Promise<ListedModel[]>
  /** Forgets what is in memory and ends the worker; kept keys stay. */
  close(): Promise<void>
}

const day = 86_400_000

function listOf(value: unknown): ListedModel[] | undefined {
  const models = isRecord(value) ? value.models : undefined
  return Array.isArray(models) && models.every((model) => isRecord(model) && typeof model.name === 'string')
    ? models
    : undefined
}

/** `glovebox` of a platform. */
export function createGlovebox(
  open: (config: SessionConfig, placed: Placed) => Backend,
): (url: string, options?: GloveboxOptions) => Glovebox {
  return (address, options = {}) => {
    const { token, keys, worker = true, fetch, directory, threads = 1, keyDays = 30, retryMs = 60_000 } = options
    const url = addressOf(address)
    if (!(keyDays > 0)) throw new RangeError(`"keyDays" expected a number above 0, got ${keyDays}`)
    if (!(retryMs >= 0)) throw new RangeError(`"retryMs" expected a number from 0, got ${retryMs}`)
    const config: SessionConfig = { url, token, maxKeyAgeMs: keyDays * day, retryMs, threads }
    // A worker costs milliseconds to start: it does while the caller goes on.
    const backend = open(config, { fetch, keys, worker, directory })
    const close = (): Promise<void> => backend.close()
    return {
      url,
      async model(name, modelOptions = {}) {
        const { version } = modelOptions
        const args = { name, version: version === undefined ? undefined : String(version) }
        return openModelOf(backend, name, await backend.call('open', args, contextOf(modelOptions)))
      },
      async list(callOptions = {}) {
        const text = await backend.call('text', { path: '/v2/models' }, contextOf(callOptions))
        return text === undefined ? [] : readJson(text, 'the list of models', listOf)
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  }
}
