import { GloveboxError } from '@glovebox/he'
import type { Queue, Worker } from 'bullmq'
import type { Logger } from 'pino'
import type { JobQueue } from './queue.ts'

const name = 'glovebox-jobs'
/** Higher ones are all the same to BullMQ. */
const lowest = 2 ** 21
const answerMs = 5000

/**
 * BullMQ on Redis, 6.2 or newer. Redis may lose everything: the database has the jobs. What a worker had that says nothing for `leaseMs` comes again. Throws GloveboxError `unavailable` where it cannot be reached
 * at the start; later connections are made anew, however long that takes.
 */
export async function openBullQueue(url: string, log: Logger, leaseMs = 30_000): Promise<JobQueue> {
  const bull = await import('bullmq')
  // Calls to a Redis that is away fail at once; the worker's own connection waits.
  const connection = { url, retryStrategy: (times: number) => Math.min(100 * 2 ** Math.min(times, 6), 5000) }
  const queue: Queue = new bull.Queue(name, {
    connection: { ...connection, enableOfflineQueue: false, maxRetriesPerRequest: 1 },
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  })
  // Of every try to connect: one line is enough.
  let away = false
  const failed = (err: Error): void => {
    if (!away) log.warn({ err }, 'Redis is away')
    away = true
  }
  queue.on('error', failed)
  const answered = async <T>(call: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), answerMs)
    })
    try {
      const result = await Promise.race([call, late])
      if (away) log.info('Redis is back')
      away = false
      return result
    } catch (cause) {
      call.catch(() => undefined)
      throw new GloveboxError('unavailable', `Redis cannot be reached: ${(cause as Error).message}`, { cause })
    } finally {
      clearTimeout(timer)
    }
  }
  let worker: Worker | undefined
  try {
    await answered(queue.waitUntilReady())
  } catch (error) {
    await queue.close().catch(() => undefined)
    throw error
  }
  return {
    async add(id, rank) {
      // Ids of BullMQ are unique among its unfinished jobs: one that waits already stays as it is.
      await answered(queue.add('job', {}, { jobId: id, priority: Math.min(Math.max(1, rank), lowest) }))
    },
    consume(concurrency, work) {
      worker = new bull.Worker(
        name,
        async ({ id }) => {
          if (id !== undefined) await work(id)
        },
        {
          connection: { ...connection, maxRetriesPerRequest: null },
          concurrency,
          // One whose worker died comes again; leases in the database decide what that means.
          maxStalledCount: 1000,
          lockDuration: leaseMs,
          stalledInterval: leaseMs / 2,
          removeOnComplete: { count: 0 },
          removeOnFail: { count: 0 },
        },
      )
      worker.on('error', failed)
      worker.on('failed', (job, err) => log.error({ err, job: job?.id }, 'a job was left'))
    },
    async waiting() {
      const counts = await answered(queue.getJobCounts('waiting', 'prioritized'))
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    ready: () => answered(queue.waitUntilReady().then(() => queue.getJobCounts('waiting'))).then(() => undefined),
    async close() {
      // Waits for those at work; a Redis that is away is not waited for.
      const closing = Promise.allSettled([worker?.close(), queue.close()])
      if (!away) await closing
      else await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, 2000).unref())])
    },
  }
}
