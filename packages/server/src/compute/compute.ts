import type { Bytes, WarmStats } from '../keys/warm.ts'

export type { Bytes, WarmStats } from '../keys/warm.ts'

/** A version of a model, as far as computing needs to know it. */
export interface ModelRef {
  /** For messages and metrics. */
  readonly name: string
  /** Digest of the program that queries and keys are bound to, 64 hexadecimal digits. */
  readonly digest: string
  /** SHA-256 of the server part, 64 hexadecimal digits. */
  readonly serverPart: string
}

/** One encrypted query for one model. That the tenant may use the model and has the keys is checked before. */
export interface Job {
  /** What computes on it. */
  readonly model: ModelRef
  /** Whose turn it is; keys are looked for among the keys of this tenant. */
  readonly tenant: string
  /** SHA-256 of the evaluation keys to compute with, in hexadecimal; undefined for a model that needs none. */
  readonly keysDigest: string | undefined
  /** A frame of kind 'query'; in shared memory a thread reads it in place, otherwise it is copied once. */
  readonly query: Uint8Array
  /** Takes the job back while it waits, and stops it within milliseconds while it is computed on. */
  readonly signal?: AbortSignal
  /** Milliseconds since 1970: past it the job is not started, or stopped. */
  readonly deadline?: number
  /** Waits until no other job waits, between its samples too, and never takes the last free thread of several: batch jobs. */
  readonly background?: boolean
  /** Hears a few times a second how many samples are done, where there are several. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A reply and what it took. */
export interface Answer {
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  /** Milliseconds of computing, without queueing, transfer, and reading of keys. */
  readonly computeMs: number
  /** Milliseconds from `run` to the start on a thread. */
  readonly waitMs: number
  /** Milliseconds in which the thread prepared the model and read the keys; 0 where both were warm. */
  readonly warmMs: number
}

/** Where compute gets bytes from. Both may be asked for the same bytes again after they were dropped from memory. */
export interface ComputeSources {
  /** A server part by its SHA-256. */
  serverPart(sha256: string): Promise<Bytes>
  /** Evaluation keys of a tenant. Throws GloveboxError `not-found`. */
  keys(tenant: string, digest: string): Promise<Bytes>
}

/** A moment of a compute; counters since its start. */
export interface ComputeStats {
  readonly threads: number
  readonly busy: number
  /** Jobs that wait for a thread, or for their keys, by tenant; tenants with none are not named. */
  readonly waiting: Readonly<Record<string, number>>
  /** The most that may wait. */
  readonly queue: number
  /** Sets of evaluation keys in shared memory. */
  readonly keys: WarmStats
  /** Server parts in shared memory. */
  readonly models: WarmStats
  /** By thread: prepared models, sets of keys that are decoded, bytes of memory. */
  readonly byThread: readonly { readonly models: number; readonly keys: number; readonly memory: number }[]
  /** Answered. */
  readonly served: number
  /** Refused by a thread, for what the query or the keys are to blame for. */
  readonly refused: number
  /** Lost with a thread. */
  readonly failed: number
  /** Told to come back: queue full, limit of a tenant, deadline, closing. */
  readonly turnedAway: number
  /** Threads that died and were replaced. */
  readonly died: number
  /** Threads that were replaced because of their memory. */
  readonly recycled: number
}

/** Whatever computes on ciphertexts: a pool of threads in a service, a stub in a test. */
export interface Compute {
  /** At least one thread runs, or there are to be none. */
  readonly ready: boolean
  /**
   * Throws GloveboxError for what the query or the keys are to blame for; `unavailable` when the queue is full, the tenant has too many jobs, the deadline
   * has passed, a thread dies with it, none can start, or it is closing; `not-found` for keys that are gone; `unsupported` for a program that this version cannot run.
   */
  run(job: Job): Promise<Answer>
  /** Prepares a model on every thread, so that its first query is quick. Throws what the model is to blame for. */
  prepare(model: ModelRef): Promise<void>
  /** Reads keys on one thread, so that their first query is quick. Throws what `run` would. */
  warm(job: Pick<Job, 'model' | 'tenant'> & { readonly keysDigest: string }): Promise<void>
  /** Drops what was kept of these keys. */
  forget(tenant: string, keysDigest: string): void
  /** How it is at the moment. */
  stats(): ComputeStats
  /** Takes no more; jobs that wait are told to come back, those that run may finish within `drainMs` (default 0), then threads end. */
  close(options?: { readonly drainMs?: number }): Promise<void>
}
