import type { Logger } from 'pino'
import { announcer } from './announce.ts'
import { opening } from './closers.ts'
import { openPool } from './compute/pool.ts'
import type { Config } from './config.ts'
import { createApp } from './http/app.ts'
import type { Services } from './http/context.ts'
import { serverVersion } from './http/version.ts'
import { openJobService } from './jobs/open.ts'
import { listen } from './listen.ts'
import { createMetrics } from './observe/metrics.ts'
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
    const compute = openPool(
      {
        async serverPart(sha256) {
          const bytes = await registry.serverPart(sha256)
          return { bytes: bytes.length, body: one(bytes) }
        },
        async keys(tenant, digest) {
          const { bytes } = await keys.use(tenant, digest)
          return { bytes, body: keys.bytes(tenant, digest) }
        },
      },
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
      expiryMs: limits.jobExpiryMs,
      leaseMs: limits.jobLeaseMs,
      attempts: limits.jobAttempts,
      useKeys: (tenant, digest) => keys.use(tenant, digest),
    })
    closers.add(() => jobs.close({ drainMs: config.drainMs }))
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
      async ready() {
        await Promise.all([stores.ready(), jobs.ready()])
      },
      draining: () => draining,
      announce: announcer({ registry, metrics, compute, log }),
      console: config.console,
    }
    const app = createApp(services)
    await prepare?.(stores)
    await compute.started
    const door = await listen(app.fetch as Parameters<typeof listen>[0], config)
    closers.add(() => door.close(config.drainMs))
    if (!config.tls && config.tokens && config.origins.length >= 0 && !config.trustProxy)
      log.warn(
        'tokens travel in the clear here: put TLS in front (GLOVEBOX_TRUST_PROXY=true), or set GLOVEBOX_TLS_CERT and GLOVEBOX_TLS_KEY',
      )
    // Known to the metrics, and prepared, while requests come in already.
    void registry
      .everyVersion()
      .then((versions) => versions.forEach(services.announce))
      .catch((err: unknown) => log.warn({ err }, 'the models cannot be listed'))
    const sweeper = setInterval(() => void sweep(services, jobs.jobs), hourMs)
    sweeper.unref()
    closers.add(() => clearInterval(sweeper))
    closers.add(async () => {
      draining = true
      if (config.noticeMs > 0) await new Promise((resolve) => setTimeout(resolve, config.noticeMs))
    })
    return { url: door.url, close: once(() => closers.close()) }
  })
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** What is past its time goes; what fails is tried again in an hour. */
async function sweep({ keys, registry, compute, log }: Services, jobs: Services['jobs']): Promise<void> {
  try {
    for (const { tenant, digest } of await keys.expire()) compute.forget(tenant, digest)
    await jobs.expire()
    await registry.sweep()
  } catch (err) {
    log.warn({ err }, 'what has expired could not be deleted')
  }
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= run()
    return running
  }
}
