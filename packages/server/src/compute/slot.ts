import { Worker } from 'node:worker_threads'
import type { Lease } from '../keys/warm.ts'
import type { ModelRef } from './compute.ts'
import type { Entry } from './entry.ts'
import type { FromThread, ThreadData, ToThread } from './messages.ts'

/** A model, and keys, that are to be made warm on a thread before its next job. */
export interface Preparation {
  readonly model: ModelRef
  readonly lease: Lease
  readonly keys?: { readonly id: string; readonly lease: Lease } | undefined
  done(error?: unknown): void
}

/** The place of one thread; threads come and go in it. */
export interface Slot {
  worker: Worker | undefined
  ready: boolean
  /** No thread is started any more. */
  closed: boolean
  current: Entry | Preparation | undefined
  readonly preparations: Preparation[]
  /** The last one that is done, when it was and what it took, in ms. */
  prepared: { readonly serverPart: string; readonly at: number; readonly ms: number } | undefined
  models: ReadonlySet<string>
  keys: ReadonlySet<string>
  memory: number
  /** Its thread is being ended on purpose. */
  recycling: boolean
  /** Its last thread died before it was ready, and none was since. */
  failed: boolean
  /** Ends a thread that starts or prepares for too long. */
  watch: NodeJS.Timeout | undefined
}

export interface SlotOptions {
  readonly data: ThreadData
  readonly script: URL | undefined
}

/** What a slot tells the pool. */
export interface SlotEvents {
  ready(slot: Slot): void
  heard(slot: Slot, message: Exclude<FromThread, { kind: 'ready' }>): void
  /** The thread is gone, and what it was busy with; a new one starts. */
  died(slot: Slot, death: Death): void
}

/** The end of a thread. */
export interface Death {
  readonly error: Error
  readonly current: Slot['current']
  /** That it had prepared. */
  readonly models: readonly string[]
  /** It was meant to end. */
  readonly recycled: boolean
}

/** A thread that dies before it is ready is started again after this time, not at once: what killed it may still be there. */
const restartDelayMs = 1000
/** A thread that is not ready in this time hangs. */
const startMs = 60_000

/** From sources a thread is started from sources too, and from the build likewise. */
const fromSources = import.meta.url.endsWith('.ts')
const threadScript: URL = new URL(fromSources ? './thread.ts' : './thread.js', import.meta.url)

export function createSlot(): Slot {
  return {
    worker: undefined,
    ready: false,
    closed: false,
    current: undefined,
    preparations: [],
    prepared: undefined,
    models: new Set(),
    keys: new Set(),
    memory: 0,
    recycling: false,
    failed: false,
    watch: undefined,
  }
}

export function send(slot: Slot, message: ToThread): void {
  slot.worker?.postMessage(message)
}

export function isEntry(current: Entry | Preparation): current is Entry {
  return 'job' in current
}

/** Ends the thread of a slot as dead, unless `slot.watch` is cleared in time. */
export function endUnless(slot: Slot, ms: number, done: string): void {
  const { worker } = slot
  clearTimeout(slot.watch)
  slot.watch = setTimeout(() => {
    if (worker && slot.worker === worker) end(worker, new Error(`a thread has not ${done} in ${ms / 1000} s`))
  }, ms).unref()
}

/** Why threads were ended, where they did not end by themselves. */
const causes = new WeakMap<Worker, Error>()
function end(worker: Worker, cause: Error): void {
  causes.set(worker, cause)
  void worker.terminate()
}

/** Starts a thread. Resolves when it is ready, rejects when it dies before; one that dies is replaced either way. */
export function startThread(slot: Slot, options: SlotOptions, events: SlotEvents): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const ended = (error: Error): void => {
      const { current, ready, recycling } = slot
      const known = [...slot.models]
      clearTimeout(slot.watch)
      Object.assign(slot, createSlot(), { preparations: slot.preparations, closed: slot.closed, failed: !ready })
      reject(error)
      const again = (): void => {
        if (!slot.closed) startThread(slot, options, events).catch(() => undefined)
      }
      events.died(slot, { error, current, models: known, recycled: recycling })
      if (ready) again()
      else setTimeout(again, restartDelayMs).unref()
    }
    let worker: Worker
    try {
      worker = openWorker(options)
    } catch (error) {
      // The system has no thread or memory left.
      return ended(asError(error))
    }
    slot.worker = worker
    endUnless(slot, startMs, 'started')
    worker.on('message', (message: FromThread) => {
      if (message.kind !== 'ready') return events.heard(slot, message)
      clearTimeout(slot.watch)
      slot.ready = true
      slot.failed = false
      events.ready(slot)
      resolve()
    })
    // What it said is lost, so nobody knows what it is at.
    worker.on('messageerror', (error) => end(worker, asError(error)))
    worker.on('error', (error: unknown) => causes.set(worker, asError(error)))
    worker.on('exit', (code) => ended(causes.get(worker) ?? new Error(`a thread ended with code ${code}`)))
  })
}

function openWorker({ data, script }: SlotOptions): Worker {
  return new Worker(script ?? threadScript, {
    workerData: data,
    // Little of what a query leaves behind is long-lived: a larger one only takes memory.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
    execArgv: fromSources ? ['--conditions=@glovebox/source'] : [],
  })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

/** Milliseconds since a time in which a slot has prepared a model, as far as it was the last one. */
export function preparedSince({ prepared }: Slot, serverPart: string, since: number): number {
  return prepared?.serverPart === serverPart ? Math.max(0, Math.min(prepared.ms, prepared.at - since)) : 0
}

/** Where a preparation disturbs least. */
export function leastBusy(slots: readonly Slot[]): Slot {
  const load = ({ ready, current, preparations }: Slot): number =>
    (ready ? 0 : 9) + (current ? 1 : 0) + preparations.length
  return slots.reduce((best, other) => (load(other) < load(best) ? other : best))
}

/** Has a job that nobody waits for pause behind its sample at hand, where no thread is free: it goes on when no other job waits. */
export function goFirst(among: readonly Slot[]): void {
  if (among.some(({ ready, current }) => ready && !current)) return
  const behind = among.flatMap(({ current }) =>
    current && isEntry(current) && current.job.background ? [current.control] : [],
  )
  const [first] = behind
  if (first && behind.every((control) => Atomics.load(control, 3) === 0)) Atomics.store(first, 3, 1)
}
