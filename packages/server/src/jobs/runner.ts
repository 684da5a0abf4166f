import { randomUUID } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import type { Answer, Compute } from '../compute/compute.ts'
import type { ObjectStore } from '../store/objects.ts'
import { queryKey } from './jobs.ts'
import type { Claim, JobLeases } from './leases.ts'
import type { JobQueue } from './queue.ts'

/** What works on jobs. */
export interface JobRunner {
  /** Begins no more, waits `drainMs` for those at work; what is left then waits again, for others. */
  close(options?: { readonly drainMs?: number }): Promise<void>
}

export interface RunnerOptions {
  readonly leases: JobLeases
  readonly queue: JobQueue
  readonly compute: Compute
  readonly objects: ObjectStore
  readonly log: Logger
  /** Notes that keys are used; throws GloveboxError `not-found` where they are gone. */
  readonly useKeys?: (tenant: string, digest: string) => Promise<unknown>
  /** Hears of every job that came to an end here. */
  readonly onEnd?: (status: 'done' | 'failed') => void
  /** Jobs at the same time. Default 1. */
  readonly concurrency?: number
  /** Whether they leave threads to queries that somebody waits for. Default true. */
  readonly background?: boolean
  /** Milliseconds between two signs of life, a third of a lease or less. Default 10 s. */
  readonly beatMs?: number
  /** Milliseconds between two looks at the database for jobs that nobody works on. Default 5 s. */
  readonly sweepMs?: number
}

/** Milliseconds until a job that failed for no reason of its own is begun again. */
const retryMs = 5000
/** Milliseconds in which a result is tried to be noted. */
const notingMs = 20_000

/** Takes jobs from the queue, and from the database what the queue has lost or another worker has left. */
export function openRunner(options: RunnerOptions): JobRunner {
  const {
    leases,
    queue,
    compute,
    objects,
    log,
    concurrency = 1,
    background = true,
    beatMs = 10_000,
    sweepMs = 5000,
  } = options
  const closing = new AbortController()
  /** Those that run, to be stopped. */
  const active = new Map<AbortController, Promise<void>>()

  const work = async (id: string): Promise<void> => {
    if (closing.signal.aborted) return
    const claim = await leases.claim(id)
    if (!claim) return
    const stop = new AbortController()
    const done = attempt(claim, stop)
    active.set(stop, done)
    await done.finally(() => active.delete(stop))
  }

  const attempt = async (claim: Claim, stop: AbortController): Promise<void> => {
    const jobLog = log.child({ job: claim.id, model: claim.model, attempt: claim.attempt })
    const progress = { done: 0, total: 0 }
    let lost = false
    const beat = (): void => {
      leases.beat(claim, progress.done, progress.total).then(
        (ours) => {
          if (ours || lost) return
          lost = true
          stop.abort()
        },
        (err: unknown) => jobLog.warn({ err }, 'no sign of life could be given'),
      )
    }
    const beating = setInterval(beat, beatMs)
    let shown = 0
    try {
      const answer = await answerOf(claim, stop.signal, (done, total) => {
        Object.assign(progress, { done, total })
        if (performance.now() - shown < 1000) return
        shown = performance.now()
        beat()
      })
      const won = await keep(claim, answer, Math.max(1, progress.total))
      if (won) options.onEnd?.('done')
      jobLog.info({ computeMs: Math.round(answer.computeMs), replyBytes: answer.reply.length, won }, 'job done')
    } catch (error) {
      if (lost) jobLog.info('the job was cancelled, or another worker has it')
      else await giveUp(claim, error, jobLog)
    } finally {
      clearInterval(beating)
    }
  }

  const answerOf = async (
    claim: Claim,
    signal: AbortSignal,
    onProgress: (done: number, total: number) => void,
  ): Promise<Answer> => {
    const { tenant, model, digest, server_part: serverPart, keys, id, query_bytes: bytes } = claim
    if (keys !== null) await options.useKeys?.(tenant, keys)
    const query = await readShared(objects, queryKey(id), bytes)
    return compute.run({
      model: { name: model, digest, serverPart },
      tenant,
      keysDigest: keys ?? undefined,
      query,
      signal,
      background,
      onProgress,
    })
  }

  /** Puts the reply, then says that it is the result; the loser's is deleted. */
  const keep = async (claim: Claim, { reply, computeMs }: Answer, samples: number): Promise<boolean> => {
    // A name of its own, so that no other attempt can write under it.
    const key = `jobs/${claim.id}/reply-${randomUUID()}`
    const bytes = await objects.put(key, once(reply))
    const until = Date.now() + notingMs
    for (;;) {
      try {
        const won = await leases.finish(claim, { key, bytes, computeMs, samples })
        await objects.delete(won ? queryKey(claim.id) : key).catch(() => undefined)
        return won
      } catch (error) {
        if (Date.now() > until || closing.signal.aborted) throw error
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
  }

  const giveUp = async (claim: Claim, error: unknown, jobLog: Logger): Promise<void> => {
    if (closing.signal.aborted) return leases.release(claim, { counted: false, delayMs: 0 })
    if (error instanceof GloveboxError && error.code !== 'unavailable') {
      jobLog.warn({ reason: error.message }, 'job failed')
      await leases.fail(claim, error.code, error.message)
      options.onEnd?.('failed')
      await objects.delete(queryKey(claim.id)).catch(() => undefined)
      return
    }
    jobLog.error({ err: error }, 'an attempt at a job failed')
    return leases.release(claim, { counted: true, delayMs: retryMs * Math.min(claim.attempt, 6) })
  }

  const sweep = async (): Promise<void> => {
    for (const { id, rank } of await leases.overdue()) {
      if (closing.signal.aborted) return
      await queue.add(id, rank)
    }
  }
  let sweeping: Promise<void> | undefined
  const sweepOnce = (): void => {
    sweeping ??= sweep()
      .catch((err: unknown) => log.warn({ err }, 'jobs could not be looked for'))
      .finally(() => {
        sweeping = undefined
      })
  }
  const timer = setInterval(sweepOnce, sweepMs)
  queue.consume(concurrency, work)
  sweepOnce()

  return {
    async close({ drainMs = 0 } = {}) {
      clearInterval(timer)
      closing.abort()
      const closed = queue.close()
      const timeout = setTimeout(() => {
        for (const stop of active.keys()) stop.abort()
      }, drainMs)
      await Promise.allSettled(active.values())
      clearTimeout(timeout)
      await closed
      await sweeping
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function readShared(objects: ObjectStore, key: string, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(new SharedArrayBuffer(length))
  let at = 0
  for await (const part of objects.get(key)) {
    if (at + part.length > length) break
    bytes.set(part, at)
    at += part.length
  }
  if (at !== length) throw new Error(`the query expected ${length} bytes from where it is kept`)
  return bytes
}
