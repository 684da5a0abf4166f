import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import { opening } from '../closers.ts'
import { openPool } from '../compute/pool.ts'
import { createSources } from '../compute/sources.ts'
import type { Config } from '../config.ts'
import { openStores } from '../stores.ts'
import { openJobService } from './open.ts'

/** A process that works on jobs and answers nobody. */
export interface JobWorker {
  /** Gives jobs at work `drainMs` of the configuration, then back to the queue. */
  close(): Promise<void>
}

const hourMs = 3_600_000

/**
 * Works on the jobs that servers with the same database, objects and queue have taken, as many at a time as there are threads. Throws GloveboxError
 * `unavailable` where one of those cannot be reached, `unsupported` for a configuration in which there is nothing to share.
 */
export function openWorker(config: Config, log: Logger): Promise<JobWorker> {
  if (!config.database && !(config.data && config.redis))
    throw new GloveboxError(
      'unsupported',
      'a worker shares the database of its servers: set DATABASE_URL, REDIS_URL, and S3_BUCKET or a data directory that all of them have',
    )
  const { drainMs, limits } = config
  const threads = Math.max(1, config.threads)
  return opening(async (closers) => {
    const stores = await openStores(config)
    closers.add(() => stores.close())
    const { registry, keys, objects, database } = stores
    const compute = openPool(
      createSources(registry, keys),
      {
        threads,
        // Each job that was taken from the queue has its place.
        queue: threads + 1,
        keyMemory: limits.keyMemory,
        threadKeyMemory: limits.threadKeyMemory,
        threadModelMemory: limits.threadModelMemory,
      },
      log,
    )
    closers.add(() => compute.close())
    await compute.started
    const service = await openJobService({
      db: database.db,
      objects,
      compute,
      log,
      redis: config.redis?.reveal(),
      concurrency: threads,
      background: false,
      expiryMs: limits.jobExpiryMs,
      leaseMs: limits.jobLeaseMs,
      attempts: limits.jobAttempts,
      useKeys: (tenant, digest) => keys.use(tenant, digest),
    })
    closers.add(() => service.close({ drainMs }))
    const sweeper = setInterval(() => {
      service.jobs.expire().catch((err: unknown) => log.warn({ err }, 'what has expired could not be deleted'))
    }, hourMs)
    closers.add(() => clearInterval(sweeper))
    return { close: closers.close }
  })
}
