/** What one service takes before it says no. Sizes in bytes. */
export interface Limits {
  /** The body of one `infer` request. */
  readonly queryBytes: number
  /** One set of evaluation keys. */
  readonly keyBytes: number
  /** All evaluation keys that are kept; the least recently used go first. */
  readonly keyMemory: number
  /** Evaluation keys that each thread keeps decoded, by their uploaded size; decoded they take about three times that. */
  readonly threadKeyMemory: number
  /** All bodies that are being received or computed on at one time. */
  readonly receiving: number
  /** Queries that wait for a free thread; the next one is told to come back. */
  readonly queue: number
  /** Milliseconds from the arrival of a query to its reply; then it is stopped. */
  readonly inferMs: number
}

const MiB = 2 ** 20

/** The limits of a service that was told none. */
export const defaultLimits: Limits = {
  queryBytes: 64 * MiB,
  keyBytes: 128 * MiB,
  keyMemory: 512 * MiB,
  threadKeyMemory: 64 * MiB,
  receiving: 512 * MiB,
  queue: 64,
  inferMs: 10 * 60_000,
}
