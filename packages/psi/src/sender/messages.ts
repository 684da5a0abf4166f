import type { ErrorCode } from '@glovebox/he'

// What a sender and the thread that computes for it say to each other: one answer to each task, in order.

/** What a thread is started with. */
export interface ThreadData {
  /** Directory of the set. */
  readonly directory: string
  /** That share out one query. */
  readonly threads: number | 'auto'
  /** Bytes of receivers' keys, as uploaded, that stay decoded. */
  readonly keyMemory: number
  /** Shared: other than 0 once the thread is to end, which it sees while it reads the set. */
  readonly control: Int32Array
}

/** Keys of a receiver by their digest. Bytes lie in shared memory, and are read where the thread has them not decoded. */
export interface NamedKeys {
  readonly id: string
  readonly bytes: Uint8Array
}

export type Task =
  | {
      readonly kind: 'query'
      /** In shared memory, as a rule. */
      readonly query: Uint8Array
      readonly keys: NamedKeys | undefined
      readonly maxBytes: number
    }
  /** Looks whether keys are what the set needs, and keeps them decoded. */
  | { readonly kind: 'keys'; readonly keys: NamedKeys; readonly maxBytes: number }
  | { readonly kind: 'forget'; readonly id: string }
  /** No answer comes: the thread gives back what it holds, and ends. */
  | { readonly kind: 'close' }

export type Result =
  | { readonly kind: 'reply'; readonly reply: Uint8Array; readonly computeMs: number; readonly memory: number }
  | { readonly kind: 'done'; readonly memory: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }

export type FromThread =
  /** The set is in memory, with the content of this digest. */
  | { readonly kind: 'ready'; readonly digest: string; readonly items: number; readonly memory: number }
  /** The set cannot be opened; the thread ends. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | Result
