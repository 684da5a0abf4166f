/** One encrypted query for one model. */
export interface Job {
  readonly model: string
  readonly keysDigest: string
  /**
   * A frame of kind 'evaluation keys of a program', in shared memory, so that a thread reads it in place. Asked for when a thread is
   * free, as a job that waits must not hold keys that the store has dropped; undefined where they are gone.
   */
  readonly keys: () => Uint8Array | undefined
  /** A frame of kind 'query'. */
  readonly query: Uint8Array
  /** Takes the job back while it waits, or before its next sample. */
  readonly signal?: AbortSignal
}

export interface Answer {
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  readonly computeMs: number
}

/** Whatever computes on ciphertexts: a pool of threads in a service, a stub in a test. */
export interface Compute {
  /** Models are prepared and at least one thread runs. */
  readonly ready: boolean
  /** Throws GloveboxError for what the query or the keys are to blame for, `unavailable` when the queue is full, `not-found` for keys that are gone. */
  run(job: Job): Promise<Answer>
  /** Drops what was kept of these keys. */
  forget(keysDigest: string): void
  close(): Promise<void>
}
