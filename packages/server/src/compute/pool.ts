import { Worker } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import type { Model } from '../registry/registry.ts'
import type { Answer, Compute, Job } from './compute.ts'
import type { FromThread, ThreadData, ToThread } from './messages.ts'

/** How large a pool is. */
export interface PoolOptions {
  /** Worker threads; each has its own context and keys. */
  readonly threads: number
  /** Jobs that may wait for a thread. */
  readonly queue: number
  /** Bytes of evaluation keys, as uploaded, that each thread keeps decoded. */
  readonly keyMemory: number
  /** What the threads run; a test may put another script here. */
  readonly script?: URL
}

/** A job and whoever waits for it. */
interface Entry {
  readonly job: Job
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
  /** Shared with the thread, which looks at it every few milliseconds. */
  readonly cancelled: Int32Array
}

interface Slot {
  worker: Worker | undefined
  ready: boolean
  current: Entry | undefined
}

/** A thread that dies before it is ready is started again after this time, not at once: what killed it may still be there. */
const restartDelayMs = 1000

/** From sources a thread is started from sources too, and from the build likewise. */
const fromSources = import.meta.url.endsWith('.ts')
const threadScript: URL = new URL(fromSources ? './thread.ts' : './thread.js', import.meta.url)

/** Threads that run programs, one prediction each. */
export interface Pool extends Compute {
  /** Resolves when every thread has prepared every model; rejects where one cannot. */
  readonly started: Promise<void>
}

/**
 * Threads that compute, each with its own context and prepared models, behind one bounded queue. A thread that dies fails its own
 * job only and is replaced.
 */
export function openPool(models: readonly Model[], options: PoolOptions, log: Logger): Pool {
  const workerData: ThreadData = {
    models: models.map(({ name, serverPart }) => ({ name, serverPart: toShared(serverPart) })),
    keyMemory: options.keyMemory,
  }
  const waiting: Entry[] = []
  const slots: Slot[] = Array.from({ length: options.threads }, () => ({
    worker: undefined,
    ready: false,
    current: undefined,
  }))
  let closing = false

  const send = (slot: Slot, message: ToThread): void => slot.worker?.postMessage(message)

  /** Fails the jobs on its way whose keys were dropped while they waited. */
  const nextWithKeys = (): { entry: Entry; keys: Uint8Array | undefined } | undefined => {
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      const keys = entry.job.keys()
      if (keys || entry.job.keysDigest === undefined) return { entry, keys }
      entry.reject(
        new GloveboxError(
          'not-found',
          'the evaluation keys were dropped while the query was waiting: upload them again',
        ),
      )
    }
    return undefined
  }

  const assign = (): void => {
    for (const slot of slots) {
      if (!slot.ready || slot.current) continue
      const next = nextWithKeys()
      if (!next) return
      const { entry, keys } = next
      slot.current = entry
      const { model, keysDigest, query } = entry.job
      send(slot, { kind: 'run', model, keysDigest, keys, query, cancelled: entry.cancelled })
    }
  }

  const receive = (slot: Slot, message: FromThread): void => {
    if (message.kind === 'ready') {
      slot.ready = true
    } else {
      const entry = slot.current
      slot.current = undefined
      if (message.kind === 'done') entry?.resolve({ reply: message.reply, computeMs: message.computeMs })
      else entry?.reject(new GloveboxError(message.code, message.message))
    }
    assign()
  }

  /** Resolves when the thread is ready, rejects when it dies before; one that dies is replaced either way. */
  const start = (slot: Slot): Promise<void> =>
    new Promise((resolve, reject) => {
      let death: Error | undefined
      const worker = new Worker(options.script ?? threadScript, {
        workerData,
        execArgv: fromSources ? ['--conditions=@glovebox/source'] : [],
      })
      slot.worker = worker
      worker.on('message', (message: FromThread) => {
        receive(slot, message)
        if (message.kind === 'ready') resolve()
      })
      worker.on('error', (error: unknown) => {
        death = error instanceof Error ? error : new Error(String(error))
      })
      worker.on('exit', (code) => {
        const { ready, current } = slot
        Object.assign(slot, { ready: false, current: undefined })
        const error = death ?? new Error(`a thread ended with code ${code}`)
        current?.reject(closing ? shuttingDown() : error)
        reject(error)
        if (closing) return
        log.error({ err: error }, 'a thread died and is replaced')
        setTimeout(() => closing || start(slot).catch(() => undefined), ready ? 0 : restartDelayMs).unref()
      })
    })

  const close = async (): Promise<void> => {
    closing = true
    for (const { reject } of waiting.splice(0)) reject(shuttingDown())
    await Promise.all(slots.map((slot) => slot.worker?.terminate()))
  }

  return {
    started: Promise.all(slots.map(start)).then(() => undefined),
    get ready() {
      return !closing && slots.some((slot) => slot.ready)
    },
    async run(job) {
      if (closing) throw shuttingDown()
      if (waiting.length >= options.queue) {
        throw new GloveboxError(
          'unavailable',
          `the server is busy, ${waiting.length} queries are waiting: try again in a moment`,
        )
      }
      return new Promise((resolve, reject) => {
        const cancelled = new Int32Array(new SharedArrayBuffer(4))
        const entry: Entry = { job, resolve, reject, cancelled }
        const withdraw = (): void => {
          Atomics.store(cancelled, 0, 1)
          const at = waiting.indexOf(entry)
          // One that runs is answered by its thread, which holds the query until then.
          if (at < 0) return
          waiting.splice(at, 1)
          reject(new GloveboxError('unavailable', 'the query was withdrawn while it was waiting'))
        }
        waiting.push(entry)
        if (job.signal?.aborted) withdraw()
        job.signal?.addEventListener('abort', withdraw, { once: true })
        assign()
      })
    },
    forget(keysDigest) {
      for (const slot of slots) send(slot, { kind: 'forget', keysDigest })
    },
    close,
  }
}

function shuttingDown(): GloveboxError {
  return new GloveboxError('unavailable', 'the server is shutting down')
}

/** The same bytes where all threads can read them. */
function toShared(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}
