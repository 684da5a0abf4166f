/** One encrypted query for one model. */
export interface Job {
  /** Name of a registered model. */
  readonly model: string
  /** SHA-256 of the evaluation keys to compute with, in hexadecimal; undefined for a model that needs none. */
  readonly keysDigest: string | undefined
  /**
   * A frame of kind 'evaluation keys of a program', in shared memory, so that a thread reads it in place. Asked for when a thread is
   * free, as a job that waits must not hold keys that the store has dropped; undefined where they are gone.
   */
  readonly keys: () => Uint8Array | undefined
  /** A frame of kind 'query'. */
  readonly query: Uint8Array
  /** Takes the job back while it waits, and stops it within milliseconds while it is computed on. */
  readonly signal?: AbortSignal
}

/** A reply and what it took. */
export interface Answer {
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  /** Milliseconds of computing, without queueing and transfer. */
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
  /** Ends its threads; jobs that are under way fail. */
  close(): Promise<void>
}
