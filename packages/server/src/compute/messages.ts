import type { ErrorCode } from '@glovebox/he'

// What the pool and its threads say to each other. Bytes travel in shared memory or are handed over, never copied.

/** What a thread is started with. */
export interface ThreadData {
  readonly models: readonly { readonly name: string; readonly serverPart: Uint8Array }[]
  /** Bytes of evaluation keys, as uploaded, that the thread keeps decoded. */
  readonly keyMemory: number
}

export type ToThread =
  | {
      readonly kind: 'run'
      readonly model: string
      readonly keysDigest: string | undefined
      readonly keys: Uint8Array | undefined
      readonly query: Uint8Array
      /** Shared: other than 0 once nobody waits for the answer. */
      readonly cancelled: Int32Array
    }
  | { readonly kind: 'forget'; readonly keysDigest: string }

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly reply: Uint8Array; readonly computeMs: number }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
