import type { Logger } from 'pino'
import type { JobQueue } from './queue.ts'

/** A queue of this process. */
export function createMemoryQueue(log: Logger): JobQueue {
  const waiting: { readonly id: string; readonly rank: number }[] = []
  /** Waiting or at work: an id that comes again meanwhile is the same. */
  const known = new Set<string>()
  const running = new Set<Promise<void>>()
  let consumer: { readonly concurrency: number; readonly work: (id: string) => Promise<void> } | undefined
  let closed = false

  const pump = (): void => {
    while (consumer && !closed && running.size < consumer.concurrency) {
      const next = waiting.shift()
      if (!next) return
      const { id } = next
      const done = consumer
        .work(id)
        .catch((err: unknown) => log.error({ err, job: id }, 'a job was left'))
        .finally(() => {
          known.delete(id)
          running.delete(done)
          pump()
        })
      running.add(done)
    }
  }

  return {
    async add(id, rank) {
      if (closed || known.has(id)) return
      known.add(id)
      let at = waiting.length
      while (at > 0 && waiting[at - 1]!.rank > rank) at--
      waiting.splice(at, 0, { id, rank })
      pump()
    },
    consume(concurrency, work) {
      consumer = { concurrency, work }
      pump()
    },
    waiting: async () => waiting.length,
    ready: async () => undefined,
    async close() {
      closed = true
      await Promise.all(running)
    },
  }
}
