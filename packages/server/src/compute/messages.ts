import type { ErrorCode } from '@glovebox/he'
import type { Part } from './engine.ts'

// What the pool and its threads say to each other: one message each way for a job. Bytes travel in shared memory or are handed over, never copied.

/** What a thread is started with. */
export interface ThreadData {
  /** Bytes of evaluation keys, as uploaded, that the thread keeps decoded. */
  readonly keyMemory: number
  /** Bytes of contexts with their models; the least recently used are closed. */
  readonly modelMemory: number
}

export interface RunMessage {
  readonly kind: 'run'
  /** `bytes` where the thread has it not prepared. */
  readonly model: ModelMessage
  /** `bytes` where the thread has them not decoded. */
  readonly keys: { readonly id: string; readonly bytes: Uint8Array | undefined } | undefined
  readonly query: Uint8Array
  /** Shared: other than 0 once nobody waits for the answer; samples done; of how many; other than 0 where others are to go first. */
  readonly control: Int32Array
  /** Of an earlier run, to go on from. */
  readonly part: Part | undefined
}

export interface ModelMessage {
  readonly name: string
  readonly serverPart: string
  readonly bytes: Uint8Array | undefined
}

export type ToThread =
  | RunMessage
  | { readonly kind: 'prepare'; readonly model: ModelMessage; readonly keys: RunMessage['keys'] }
  | { readonly kind: 'forget'; readonly keys: string }

/** What a thread has at hand. */
export interface ThreadState {
  /** SHA-256 of server parts. */
  readonly models: readonly string[]
  /** Sets of keys, see `keysIn`. */
  readonly keys: readonly string[]
}

/** After everything that a thread did. */
export interface Aftermath {
  /** Where it has changed. */
  readonly state: ThreadState | undefined
  /** Bytes of its contexts and its heap. */
  readonly memory: number
  /** Milliseconds in which a model was prepared. */
  readonly openMs: number
  /** Milliseconds in which keys were read. */
  readonly keysMs: number
}

export type FromThread =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'done'; readonly reply: Uint8Array; readonly computeMs: number } & Aftermath)
  | ({ readonly kind: 'paused'; readonly part: Part; readonly computeMs: number } & Aftermath)
  | ({ readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string } & Aftermath)
  /** A model or keys were expected to be here, and are not: send them along. */
  | ({ readonly kind: 'cold' } & Aftermath)
  | ({ readonly kind: 'prepared' } & Aftermath)
  | ({ readonly kind: 'forgotten' } & Aftermath)

/** Keys of a tenant. */
export function keysOf(tenant: string, digest: string): string {
  return `${tenant}/${digest}`
}

/** Keys of a tenant as they are decoded for a model. */
export function keysIn(serverPart: string, keys: string): string {
  return `${serverPart}/${keys}`
}
