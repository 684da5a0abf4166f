import { GloveboxError } from '@glovebox/he'
import { type Fetch, readAll } from '../http/service.ts'
import type { Session, SessionConfig } from '../session/session.ts'
import type { KeyStorage } from '../storage/storage.ts'
import { type Caller, type Channel, type Line, openChannel } from './channel.ts'

/** What the thread with the keys may ask of the one without. */
export interface Outside {
  fetch(
    args: {
      readonly url: string
      readonly method: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: Uint8Array<ArrayBuffer> | undefined
    },
    context: object,
  ): Promise<{
    readonly status: number
    readonly headers: readonly [string, string][]
    readonly body: Uint8Array<ArrayBuffer>
  }>
  load(args: readonly [id: string]): ReturnType<KeyStorage['load']>
  keep(args: Parameters<KeyStorage['keep']>): ReturnType<KeyStorage['keep']>
  evaluation(args: Parameters<KeyStorage['evaluation']>): ReturnType<KeyStorage['evaluation']>
  delete(args: readonly [id: string]): Promise<void>
}

/** What the other thread is told first. */
export interface Start {
  readonly config: SessionConfig
  /** Whether requests go through `Outside.fetch`, as the caller gave a fetch of its own. */
  readonly outsideFetch: boolean
  /** Whether keys are kept by `Outside`, as the caller gave a storage of its own. */
  readonly outsideStorage: boolean
  /** Of files with keys, in Node. */
  readonly directory?: string | undefined
}

/** A session, here or in a thread. */
export interface Backend {
  readonly call: Caller<Session>
  close(): Promise<void>
}

/** What the caller gave, as methods for the thread. */
export function outsideOf(fetch: Fetch | undefined, storage: KeyStorage | undefined): Partial<Outside> {
  return {
    ...(fetch && {
      async fetch({ url, method, headers, body }, { signal }: { signal?: AbortSignal } = {}) {
        const init = { method, headers, redirect: 'error' as const, ...(body && { body }), ...(signal && { signal }) }
        const response = await fetch(url, init)
        return {
          status: response.status,
          headers: [...response.headers],
          body: await readAll(response),
        }
      },
    }),
    ...(storage && {
      load: ([id]) => storage.load(id),
      keep: (args) => storage.keep(...args),
      evaluation: (args) => storage.evaluation(...args),
      delete: ([id]) => storage.delete(id),
    }),
  }
}

/** The fetch of the other thread. */
export function fetchOutside(call: Caller<Outside>): Fetch {
  return async (url, { method = 'GET', headers, body, signal }) => {
    const sent = headers as Readonly<Record<string, string>>
    const args = { url, method, headers: sent, body: body as Uint8Array<ArrayBuffer> | undefined }
    const answer = await call('fetch', args, signal ? { signal } : {})
    const empty = [101, 204, 205, 304].includes(answer.status) || answer.body.length === 0
    return new Response(empty ? null : answer.body, { status: answer.status, headers: [...answer.headers] })
  }
}

/** The storage of the other thread. */
export function storageOutside(call: Caller<Outside>): KeyStorage {
  return {
    load: (id) => call('load', [id]),
    keep: (...args) => call('keep', args),
    evaluation: (...args) => call('evaluation', args),
    delete: (id) => call('delete', [id]),
    close: () => undefined,
  }
}

/** A backend on a line to a thread that was started. `terminate` ends it. */
export function threadBackend(
  line: Line,
  outside: object,
  terminate: () => void,
): Backend & { fail: Channel<Session>['fail'] } {
  const channel = openChannel<Session>(line, outside)
  return {
    call: channel.call,
    fail: channel.fail,
    async close() {
      await channel.call('close', undefined as never).catch(() => undefined)
      channel.fail(new GloveboxError('disposed', 'the service was closed'))
      terminate()
    },
  }
}
