import type { Logger } from 'pino'
import { announcer } from './announce.ts'
import { opening } from './closers.ts'
import { openPool } from './compute/pool.ts'
import { createSources } from './compute/sources.ts'
import { type Config, isLoopback } from './config.ts'
import { createApp } from './http/app.ts'
import type { Services } from './http/context.ts'
import { serverVersion } from './http/version.ts'
import { openJobService } from './jobs/open.ts'
import { listen } from './listen.ts'
import { createMetrics } from './observe/metrics.ts'
import type { ModelVersion } from './registry/model-version.ts'
import { openSets, readingsOf } from './sets/open.ts'
import { openStores, type Stores } from './stores.ts'

/** A service that listens. */
export interface Service {
  /** With the port that was really taken. */
  readonly url: string
  /** Says that it is not ready, takes no more requests, lets those that run finish, then closes all it had open. */
  close(): Promise<void>
}

const hourMs = 3_600_000

/**
 * Opens a service: storage, threads, jobs, HTTP. It resolves when requests can be sent. Throws GloveboxError `unavailable` where the port, the database, the
 * queue or the objects cannot be had, and leaves nothing open then. `prepare` is called with the stores before the port is opened.
 */
export function openService(
  config: Config,
  log: Logger,
  prepare?: (stores: Stores) => Promise<void>,
): Promise<Service> {
  return opening(async (closers) => {
    let draining = false
    const { limits } = config
    const stores = await openStores(config)
    closers.add(() => stores.close())
    const { registry, keys, objects, database } = stores
    const metrics = createMetrics(serverVersion)
    const sets = await openSets({ folders: config.sets, threads: config.threads, limits, log })
    closers.add(() => sets.close())
    metrics.sets.read(() => readingsOf(sets.senders))
    const compute = openPool(
      createSources(registry, keys),
      {
        threads: config.threads,
        queue: limits.queue,
        tenantQueue: limits.tenantQueue,
        keyMemory: limits.keyMemory,
        threadKeyMemory: limits.threadKeyMemory,
        threadModelMemory: limits.threadModelMemory,
      },
      log,
    )
    closers.add(() => compute.close({ drainMs: config.drainMs }))
    const jobs = await openJobService({
      db: database.db,
      objects,
      compute,
      log,
      redis: config.redis?.reveal(),
      concurrency: config.threads,
      tenantJobs: limits.tenantJobs,
      tenantBytes: limits.tenantJobBytes,
      onEnd: metrics.jobDone,
      expiryMs: limits.jobExpiryMs,
      leaseMs: limits.jobLeaseMs,
      attempts: limits.jobAttempts,
      useKeys: (tenant, digest) => keys.use(tenant, digest),
    })
    const closeJobs = once(() => jobs.close({ drainMs: config.drainMs }))
    closers.add(closeJobs)
    metrics.read({
      compute: () => compute.stats(),
      stored: () => keys.totals(),
      jobs: () => jobs.jobs.counts(),
    })
    const services: Services = {
      ...stores,
      jobs: jobs.jobs,
      compute,
      metrics,
      log,
      limits,
      access: {
        tokens: config.tokens,
        origins: config.origins,
        trustProxy: config.trustProxy,
        tls: config.tls !== undefined,
      },
      intake: { limit: limits.receiving, used: 0 },
      // Not the queue: without it queries are answered all the same, and jobs are kept in the database until it is back.
      ready: () => stores.ready(),
      draining: () => draining,
      sets: sets.senders,
      announce: announcer({ registry, metrics, compute, log }),
      console: config.console,
    }
    const app = createApp(services)
    await prepare?.(stores)
    await compute.started
    const door = await listen(app.fetch as Parameters<typeof listen>[0], config)
    // At the same time, so that stopping takes `drainMs` once.
    closers.add(() => Promise.all([door.close(config.drainMs), closeJobs()]))
    if (!config.tls && config.tokens && !config.trustProxy && !isLoopback(config.host))
      log.warn(
        'tokens travel in the clear here: put TLS in front (GLOVEBOX_TRUST_PROXY=true), or set GLOVEBOX_TLS_CERT and GLOVEBOX_TLS_KEY',
      )
    // Known to the metrics, and prepared, while requests come in already.
    void registry
      .everyVersion()
      .then((versions) => inUse(versions).forEach(services.announce))
      .catch((err: unknown) => log.warn({ err }, 'the models cannot be listed'))
    const sweeper = setInterval(() => void sweep(services), hourMs)
    sweeper.unref()
    closers.add(() => clearInterval(sweeper))
    closers.add(async () => {
      draining = true
      if (config.noticeMs > 0) await new Promise((resolve) => setTimeout(resolve, config.noticeMs))
    })
    return { url: door.url, close: once(() => closers.close()) }
  })
}

/**
 * Versions that somebody may ask for without naming a number, those behind aliases last: what is prepared last stays where memory is short, and the noise
 * margin that the metrics tell is theirs. The rest is prepared by its first query.
 */
function inUse(versions: readonly ModelVersion[]): ModelVersion[] {
  const highest = new Map<string, ModelVersion>()
  for (const version of versions)
    if (version.version > (highest.get(version.name)?.version ?? 0)) highest.set(version.name, version)
  const named = versions.filter(({ aliases }) => aliases.length > 0)
  return [...[...highest.values()].filter((version) => !named.includes(version)), ...named]
}

/** What is past its time goes; what fails is tried again in an hour. */
async function sweep({ keys, registry, jobs, audit, compute, limits, log }: Services): Promise<void> {
  const tasks = [
    async () => {
      for (const { tenant, digest } of await keys.expire()) compute.forget(tenant, digest)
    },
    () => jobs.expire(),
    () => registry.sweep(),
    () => audit.expire(Date.now() - limits.auditExpiryMs),
  ]
  for (const task of tasks)
    await task().catch((err: unknown) => log.warn({ err }, 'what has expired could not be deleted'))
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= run()
    return running
  }
}
