import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Compute } from '../compute/compute.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { Tables } from '../store/tables.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { createLeases, type LeaseOptions } from './leases.ts'
import type { JobQueue } from './queue.ts'
import { openBullQueue } from './queue-bullmq.ts'
import { createMemoryQueue } from './queue-memory.ts'
import { openRunner } from './runner.ts'

/** What jobs stand on. */
export interface JobServiceOptions extends LeaseOptions {
  readonly db: Kysely<Tables>
  readonly objects: ObjectStore
  readonly compute: Compute
  readonly log: Logger
  /** `redis://…`; without, the database is looked at. */
  readonly redis?: string | undefined
  /** Jobs at the same time; 0 leaves all to workers elsewhere. Default 1. */
  readonly concurrency?: number
  /** Whether they leave threads to queries that somebody waits for. Default true. */
  readonly background?: boolean
  /** Unfinished ones of a tenant. Default 1000. */
  readonly tenantJobs?: number
  /** What jobs of a tenant may store, in bytes. */
  readonly tenantBytes?: number
  /** Hears of every job that came to an end here. */
  readonly onEnd?: (status: 'done' | 'failed') => void
  /** See `RunnerOptions`. */
  readonly sweepMs?: number
  /** Notes that keys are used; throws GloveboxError `not-found` where they are gone. */
  readonly useKeys?: (tenant: string, digest: string) => Promise<unknown>
}

/** Jobs, and who works on them here. */
export interface JobService {
  readonly jobs: Jobs
  /** Throws where the queue cannot be reached. */
  ready(): Promise<void>
  /** Before compute and the stores: gives those at work `drainMs`, then back to the queue. */
  close(options?: { readonly drainMs?: number }): Promise<void>
}

/** Opens the queue, jobs and, where this process computes, a runner. Throws GloveboxError `unavailable` where Redis cannot be reached. */
export async function openJobService(options: JobServiceOptions): Promise<JobService> {
  const {
    db,
    objects,
    compute,
    log,
    redis,
    concurrency = 1,
    leaseMs = 30_000,
    sweepMs = Math.min(5000, leaseMs / 4),
    background = true,
  } = options
  const queue: JobQueue = redis === undefined ? createMemoryQueue(log) : await openBullQueue(redis, log, leaseMs)
  const leases = createLeases(db, `${hostname().toLowerCase()}/${randomUUID()}`, options)
  const runner =
    concurrency === 0
      ? undefined
      : openRunner({
          leases,
          queue,
          compute,
          objects,
          log,
          concurrency,
          background,
          beatMs: leaseMs / 3,
          sweepMs,
          ...(options.onEnd && { onEnd: options.onEnd }),
          ...(options.useKeys && { useKeys: options.useKeys }),
        })
  return {
    jobs: createJobs(db, objects, queue, log, options),
    ready: () => queue.ready(),
    async close(how) {
      await runner?.close(how)
      if (!runner) await queue.close()
    },
  }
}
