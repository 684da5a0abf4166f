import { GloveboxError } from '@glovebox/he'
import type { Lease } from '../keys/warm.ts'
import type { Answer, Job } from './compute.ts'
import type { Part } from './engine.ts'
import { keysIn, keysOf } from './messages.ts'

/** A job on its way: it waits for a thread, is loaded into memory, waits with what was loaded, runs, is over. */
export interface Entry {
  readonly job: Job
  /** Keys of the tenant; undefined where none are needed. */
  readonly keys: string | undefined
  /** The same as decoded for the model. */
  readonly keysIn: string | undefined
  /** Of `performance.now()`. */
  readonly since: number
  readonly control: Int32Array
  stage: 'waiting' | 'loading' | 'loaded' | 'running' | 'over'
  /** What it holds in shared memory. */
  leases: { readonly model?: Lease | undefined; readonly keys?: Lease | undefined }
  /** What was charged to its tenant. */
  charged: number
  waitMs: number
  /** Of its wait: in which the thread made its model warm ahead of it. */
  preparedMs: number
  /** What it came to before others went first, and what that took. */
  part: Part | undefined
  computeMs: number
  /** Why it is to end, where it was told to. */
  stopped: GloveboxError | undefined
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * A job and whoever waits for it. `stop` is called when the client has left or the deadline has passed, once, and never when it is over.
 */
export function openEntry(
  job: Job,
  stop: (entry: Entry) => void,
  settle: { resolve(answer: Answer): void; reject(error: unknown): void },
): Entry {
  const keys = job.keysDigest === undefined ? undefined : keysOf(job.tenant, job.keysDigest)
  const control = new Int32Array(new SharedArrayBuffer(16))
  const withdraw = (): void => tell('the query was withdrawn')
  const tell = (text: string): void => {
    if (entry.stage === 'over' || entry.stopped) return
    entry.stopped = new GloveboxError('unavailable', text)
    Atomics.store(control, 0, 1)
    stop(entry)
  }
  const { deadline, signal, onProgress } = job
  const timer =
    deadline === undefined
      ? undefined
      : setTimeout(
          () => tell(late(entry.stage === 'running', performance.now() - entry.since)),
          // Longer ones would fire at once.
          Math.max(1, Math.min(deadline - Date.now(), 2 ** 31 - 1)),
        )
  let heard = 0
  const hear = (): void => {
    const done = Atomics.load(control, 1)
    if (done !== heard) onProgress!(done, Atomics.load(control, 2))
    heard = done
  }
  const ticking = onProgress && setInterval(hear, 200)
  const end = (): void => {
    entry.stage = 'over'
    clearTimeout(timer)
    clearInterval(ticking)
    signal?.removeEventListener('abort', withdraw)
    release(entry)
  }
  const entry: Entry = {
    job,
    keys,
    keysIn: keys && keysIn(job.model.serverPart, keys),
    since: performance.now(),
    control,
    stage: 'waiting',
    leases: {},
    charged: 0,
    waitMs: 0,
    preparedMs: 0,
    part: undefined,
    computeMs: 0,
    stopped: undefined,
    resolve(answer) {
      end()
      settle.resolve(answer)
    },
    reject(error) {
      end()
      settle.reject(error)
    },
  }
  signal?.addEventListener('abort', withdraw, { once: true })
  return entry
}

/** Gives back what it holds in shared memory. */
export function release(entry: Entry): void {
  entry.leases.model?.release()
  entry.leases.keys?.release()
  entry.leases = {}
}

/** The deadline of a job has passed. */
export function late(running: boolean, ms: number): string {
  const seconds = (ms / 1000).toPrecision(2)
  return running
    ? `the query was stopped: it took longer than ${seconds} s`
    : `the query waited until its time was over, ${seconds} s: try again in a moment`
}

/** What killed the thread may have been another one's doing: to be tried again. */
export function died(cause: Error): GloveboxError {
  return new GloveboxError('unavailable', 'the thread that computed died: try again in a moment', {
    cause,
  })
}

/** Threads die before they are ready, and are tried again and again. */
export function noThreads(): GloveboxError {
  return new GloveboxError('unavailable', 'the server has no thread that computes at the moment: try again later')
}

export function shuttingDown(): GloveboxError {
  return new GloveboxError('unavailable', 'the server is shutting down: try again in a moment')
}
