/** What a client is at. */
export type Stage = 'download' | 'keys' | 'upload' | 'encrypt' | 'infer' | 'decrypt'

/** How far it is: keys, bytes (of downloads and uploads) or samples. */
export interface Progress {
  /** What is being done. */
  readonly stage: Stage
  /** So much of `total`. */
  readonly done: number
  /** All of it. */
  readonly total: number
}

/** What goes with every call: how to give it up, and whom to tell how far it is. */
export interface CallContext {
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined
  /** Hears of every step. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}
