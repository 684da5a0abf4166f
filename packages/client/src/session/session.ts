import { GloveboxError } from '@glovebox/he'
import type { ClientPart } from '@glovebox/ml'
import { type Clock, retrying, systemClock } from '../http/retry.ts'
import { type Fetch, openService } from '../http/service.ts'
import type { Sample } from '../samples.ts'
import type { KeyStorage } from '../storage/storage.ts'
import { type JobState, type Jobs, openJobs } from './jobs.ts'
import { predict } from './predict.ts'
import type { Prediction } from './prediction.ts'
import type { CallContext } from './progress.ts'
import { openRemoteModel, type RemoteModel } from './remote-model.ts'

/** What a session is told; plain data, as it may go to another thread. */
export interface SessionConfig {
  readonly url: string
  readonly token?: string | undefined
  readonly maxKeyAgeMs: number
  readonly retryMs: number
  readonly threads: number | 'auto'
}

/** A model of the session, by a number. */
export interface Handle {
  readonly model: number
}

export interface Opened extends Handle {
  readonly part: ClientPart
  readonly version: string | undefined
}

/** Keys that are kept for a model. */
export interface KeptKeys {
  /** Of the evaluation keys, by which a server knows them; undefined for a model that needs none. */
  readonly digest: string | undefined
  /** When they were made, in milliseconds since 1970. */
  readonly created: number
}

/** All that the page, or the main thread, may ask of where the keys are. What goes in and out is plain data; no key is among it. */
export interface Session {
  open(args: { readonly name: string; readonly version: string | undefined }, context: CallContext): Promise<Opened>
  prepare(args: Handle, context: CallContext): Promise<void>
  predict(
    args: Handle & { readonly samples: readonly Sample[]; readonly pixels: boolean | undefined },
    context: CallContext,
  ): Promise<Prediction[]>
  submit(
    args: Handle & { readonly samples: readonly Sample[]; readonly pixels: boolean | undefined },
    context: CallContext,
  ): Promise<JobState>
  jobState(args: Handle & { readonly id: string }, context: CallContext): Promise<JobState>
  jobResult(args: Handle & { readonly id: string }, context: CallContext): Promise<Prediction[]>
  cancelJob(args: Handle & { readonly id: string }, context: CallContext): Promise<void>
  keys(args: Handle, context: CallContext): Promise<KeptKeys | undefined>
  /** Deletes the keys, here and at the server. */
  forgetKeys(args: Handle, context: CallContext): Promise<void>
  /** A text that the service has, undefined where it has none. */
  text(args: { readonly path: string }, context: CallContext): Promise<string | undefined>
  close(): Promise<void>
}

/** Where a session is: what it is reached and kept by. */
export interface Surroundings {
  readonly fetch: Fetch
  readonly storage: KeyStorage
  /** A test has its own. */
  readonly clock?: Clock
}

function requireSome(samples: readonly Sample[]): void {
  if (samples.length === 0) throw new RangeError('"samples" expected at least one sample, got none')
}

/** Throws TypeError for something that is no http address. */
export function openSession(config: SessionConfig, { fetch, storage, clock = systemClock }: Surroundings): Session {
  const { maxKeyAgeMs, retryMs, threads } = config
  const service = openService(config.url, fetch, config.token)
  const environment = { service, storage, clock, maxKeyAgeMs, retryMs, threads }
  const models: { readonly remote: RemoteModel; readonly jobs: Jobs }[] = []
  let closed = false
  const of = ({ model }: Handle): (typeof models)[number] => {
    if (closed) throw new GloveboxError('disposed', 'the service was closed')
    return models[model]!
  }
  const request = (method: string, path: string, { signal }: CallContext, accept: readonly number[]) =>
    retrying(() => service.request(method, path, { signal, accept }), { clock, signal, retryMs })

  return {
    async open({ name, version }, context) {
      const remote = await openRemoteModel(name, version, environment, context)
      models.push({ remote, jobs: openJobs(remote) })
      return { model: models.length - 1, part: remote.model.part, version: remote.version }
    },
    async prepare(args, context) {
      await of(args).remote.prepare(context)
    },
    async predict({ samples, pixels, ...handle }, context) {
      const { remote } = of(handle)
      requireSome(samples)
      return predict(remote, remote.read(samples, pixels), context)
    },
    async submit({ samples, pixels, ...handle }, context) {
      const { remote, jobs } = of(handle)
      requireSome(samples)
      return jobs.submit(remote.read(samples, pixels), context)
    },
    jobState: async (args, context) => of(args).jobs.state(args.id, context),
    jobResult: async (args, context) => of(args).jobs.result(args.id, context),
    cancelJob: async (args, context) => of(args).jobs.cancel(args.id, context),
    keys: async (args) => {
      const kept = await of(args).remote.ring.peek()
      return kept && { digest: kept.digest, created: kept.created }
    },
    async forgetKeys(args, context) {
      const { ring } = of(args).remote
      const kept = await ring.peek()
      await ring.forget()
      if (kept?.digest !== undefined) await request('DELETE', `/v2/keys/${kept.digest}`, context, [404])
    },
    async text({ path }, context) {
      const { status, body } = await request('GET', path, context, [404])
      return status === 404 ? undefined : new TextDecoder().decode(body)
    },
    async close() {
      closed = true
      for (const { remote } of models) remote[Symbol.dispose]()
      storage.close()
    },
  }
}
