import type { Fetch } from '../http/service.ts'
import type { Sample } from '../samples.ts'
import type { CallContext, Progress } from '../session/progress.ts'
import type { KeyStorage } from '../storage/storage.ts'

/** What `glovebox` may be told besides the address. */
export interface GloveboxOptions {
  /** Of the service, sent as bearer token with every request. */
  readonly token?: string
  /** Where keys are kept. Default: IndexedDB in a browser, files of this user in Node; `memoryStorage()` keeps none. */
  readonly keys?: KeyStorage
  /**
   * Where keys live and computing is done: in a worker (default), or with false, in Node only, here. In a browser a function may make the module worker, from
   * `@glovebox/client/worker`, for bundlers that do not place it themselves.
   */
  readonly worker?: boolean | (() => Worker)
  /** Default: the platform's fetch. */
  readonly fetch?: Fetch
  /** In Node: the folder of the files with keys, mode 0700. Default: `glovebox/keys` where the platform has the data of users. */
  readonly directory?: string
  /** Threads that make keys; default 1. In a browser more than one needs a page that is cross-origin isolated. */
  readonly threads?: number | 'auto'
  /** Days after which keys are replaced by new ones; default 30. */
  readonly keyDays?: number
  /** Milliseconds for which the server may be away before a call fails; default 60,000. */
  readonly retryMs?: number
}

/** How a call is given up, and who hears how far it is. */
export interface CallOptions {
  /** Gives the call up; it then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /** Gives the call up after so many milliseconds; it then rejects with a DOMException `TimeoutError`. */
  readonly timeoutMs?: number | undefined
  /** Hears of every step. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What `predict` may be told. */
export interface PredictOptions extends CallOptions {
  /** The values are pixels from 0 to 255, to be scaled as the model says. Default: pictures and bytes are, numbers are not. */
  readonly pixels?: boolean | undefined
}

/** Anything that a model may take. */
export type AnySample = Sample

export function contextOf({ signal, timeoutMs, onProgress }: CallOptions): CallContext {
  const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
  const either = late && signal ? AbortSignal.any([late, signal]) : (late ?? signal)
  return { signal: either, onProgress }
}
