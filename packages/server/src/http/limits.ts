/** What one service takes before it says no. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** The body of one `infer` request, or of one job. */
  readonly queryBytes: number
  /** One set of evaluation keys. */
  readonly keyBytes: number
  /** All sets of one tenant that are kept in storage. */
  readonly tenantKeyBytes: number
  /** Evaluation keys that are kept in memory, and those of receivers for each set; the least recently used go first. */
  readonly keyMemory: number
  /** Evaluation keys that each thread keeps decoded, by their uploaded size; decoded they take about three times that. */
  readonly threadKeyMemory: number
  /** What contexts of prepared models may take in each thread, with keys; the least recently used are closed. */
  readonly threadModelMemory: number
  /** Time after its last use at which a set of evaluation keys is deleted. */
  readonly keyExpiryMs: number
  /** One file of a model. */
  readonly blobBytes: number
  /** One part of an upload in parts. */
  readonly partBytes: number
  /** Bodies of uploads of one tenant that come in at one time, of keys or of files of models. */
  readonly tenantUploads: number
  /** A JSON body. */
  readonly jsonBytes: number
  /** All bodies that are being received or computed on at one time. */
  readonly receiving: number
  /** Queries that wait for a free thread, or for that of a set; the next one is told to come back. */
  readonly queue: number
  /** Of these, queries of one tenant. */
  readonly tenantQueue: number
  /** Jobs of one tenant that are not finished. */
  readonly tenantJobs: number
  /** What queries and results of the jobs of one tenant may take in storage. */
  readonly tenantJobBytes: number
  /** Time for which a worker that gives no sign of life keeps its jobs; clocks of workers should agree to a fraction of it. */
  readonly jobLeaseMs: number
  /** How often a job is begun whose workers die with it, or fail for no reason of the job's own. */
  readonly jobAttempts: number
  /** Time after which a finished job and its result are deleted. */
  readonly jobExpiryMs: number
  /** Time for which the audit log is kept. */
  readonly auditExpiryMs: number
  /** From the arrival of a query to its reply; then it is stopped. */
  readonly inferMs: number
  /** Between two pieces of a body; then the connection is closed. */
  readonly idleMs: number
  /** Elements that go through the OPRF of a set in an hour, by token, or by address without one: what stands between a receiver and guessing the items; 0 for no limit. */
  readonly setElementsPerHour: number
  /** Queries of a set in an hour, likewise. */
  readonly setQueriesPerHour: number
  /** Uploads of receivers' keys for a set in an hour, likewise. */
  readonly setKeysPerHour: number
  /** Requests with one token in a minute; 0 for no limit. */
  readonly requestsPerMinute: number
  /** Requests in a minute with a wrong token from one address, or for what a token does not allow; 0 for no limit. */
  readonly failuresPerMinute: number
}

const MiB = 2 ** 20
const day = 86_400_000

/** The limits of a service that was told none. */
export const defaultLimits: Limits = {
  queryBytes: 64 * MiB,
  keyBytes: 256 * MiB,
  tenantKeyBytes: 16 * 1024 * MiB,
  keyMemory: 512 * MiB,
  threadKeyMemory: 64 * MiB,
  threadModelMemory: 1024 * MiB,
  keyExpiryMs: 30 * day,
  blobBytes: 1024 * MiB,
  partBytes: 8 * MiB,
  tenantUploads: 16,
  jsonBytes: MiB / 4,
  receiving: 512 * MiB,
  queue: 64,
  tenantQueue: 64,
  tenantJobs: 1000,
  tenantJobBytes: 16 * 1024 * MiB,
  jobLeaseMs: 30_000,
  jobAttempts: 3,
  jobExpiryMs: 7 * day,
  auditExpiryMs: 400 * day,
  inferMs: 10 * 60_000,
  idleMs: 30_000,
  setElementsPerHour: 10_000,
  setQueriesPerHour: 10_000,
  setKeysPerHour: 600,
  requestsPerMinute: 120_000,
  failuresPerMinute: 30,
}
