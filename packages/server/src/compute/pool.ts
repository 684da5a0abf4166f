import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import { createWarm } from '../keys/warm.ts'
import { createAlarm } from './alarm.ts'
import type { Compute, ComputeSources, ComputeStats, Job } from './compute.ts'
import { createCosts } from './costs.ts'
import { died, type Entry, late, noThreads, openEntry, release, shuttingDown } from './entry.ts'
import { createLines, runMessage } from './lines.ts'
import { type FromThread, keysOf } from './messages.ts'
import { complete, type PoolOptions } from './pool-options.ts'
import { beginPreparation, createPreparations } from './preparations.ts'
import {
  createSlot,
  type Death,
  goFirst,
  isEntry,
  preparedSince,
  type Slot,
  type SlotEvents,
  send,
  startThread,
} from './slot.ts'

export type { PoolOptions } from './pool-options.ts'

/** Threads that run programs, one prediction each. */
export interface Pool extends Compute {
  /** Resolves when every thread runs; rejects where one cannot. */
  readonly started: Promise<void>
}

/** A thread that does not stop in this time, though it looks every few milliseconds, hangs. */
const hangMs = 10_000

/**
 * Threads that compute, each with its own contexts, prepared models and decoded keys, behind one bounded queue that is fair to tenants. A thread that dies
 * fails its own job only and is replaced.
 */
export function openPool(sources: ComputeSources, options: PoolOptions, log: Logger): Pool {
  const sizes = complete(options)
  const { threads, queue, keyMemory, serverPartMemory, threadMemory } = sizes
  const data = { keyMemory: sizes.threadKeyMemory, modelMemory: sizes.threadModelMemory }
  const [warmKeys, warmModels] = [
    createWarm(keyMemory, 'the set of evaluation keys'),
    createWarm(serverPartMemory, 'the server part'),
  ]
  const slots: Slot[] = Array.from({ length: threads }, createSlot)
  const costs = createCosts()
  const counters = { served: 0, refused: 0, failed: 0, turnedAway: 0, died: 0, recycled: 0 }
  let closing = false
  let idle: (() => void) | undefined

  const turnAway = (entry: Entry, error: GloveboxError): void => {
    counters.turnedAway++
    entry.reject(error)
  }
  const alarm = createAlarm(() => dispatch())
  const lines = createLines({
    slots,
    sources,
    warmKeys,
    warmModels,
    costs,
    queue,
    tenantQueue: sizes.tenantQueue,
    tenantThreads: sizes.tenantThreads,
    wake: alarm.set,
    giveWay: turnAway,
  })

  const start = (slot: Slot, entry: Entry): void => {
    const { serverPart } = entry.job.model
    slot.current = entry
    entry.stage = 'running'
    if (!entry.part) {
      entry.preparedMs = preparedSince(slot, serverPart, entry.since)
      entry.waitMs = performance.now() - entry.since - entry.preparedMs
    }
    entry.charged = costs.running(serverPart)
    lines.charge(entry, entry.charged)
    send(slot, runMessage(slot, entry))
  }

  /** Gives a thread what is next; false where there is nothing. */
  const feed = (slot: Slot): boolean => {
    const preparation = slot.preparations.shift()
    const entry = preparation ? undefined : lines.next(slot)
    try {
      if (preparation) beginPreparation(slot, preparation)
      else if (entry) start(slot, entry)
    } catch (error) {
      // It was not sent, for example because it cannot be copied: the thread has not heard of it and is free.
      slot.current = undefined
      clearTimeout(slot.watch)
      if (entry) counters.failed++
      entry?.reject(error)
      preparation?.done(error)
    }
    return preparation !== undefined || entry !== undefined
  }

  const dispatch = (): void => {
    for (const slot of slots) while (slot.ready && !slot.current && !slot.recycling && feed(slot));
    if (lines.pressing) goFirst(slots)
    if (closing && slots.every(({ current }) => !current)) idle?.()
  }

  const finish = (entry: Entry, message: Extract<FromThread, { openMs: number }>): void => {
    const { job } = entry
    if (message.kind === 'cold') {
      lines.charge(entry, -entry.charged)
      release(entry)
      lines.load(entry)
      return
    }
    const warmMs = message.openMs + message.keysMs
    if (message.kind === 'paused' || message.kind === 'done') entry.computeMs += message.computeMs
    if (message.kind === 'done') {
      counters.served++
      lines.charge(entry, warmMs + message.computeMs - entry.charged)
      costs.learn(job.model.serverPart, message, message.computeMs)
      const answer = {
        reply: message.reply,
        computeMs: entry.computeMs,
        waitMs: entry.waitMs,
        warmMs: warmMs + entry.preparedMs,
      }
      entry.resolve(answer)
      options.onAnswer?.(job, answer)
    } else if (message.kind === 'paused') {
      lines.charge(entry, warmMs + message.computeMs - entry.charged)
      if (closing || entry.stopped) {
        entry.reject(entry.stopped ?? shuttingDown())
        return
      }
      Atomics.store(entry.control, 3, 0)
      release(entry)
      entry.part = message.part
      entry.stage = 'waiting'
      lines.push(entry)
    } else if (message.kind === 'refused') {
      if (!entry.stopped) counters.refused++
      entry.reject(entry.stopped ?? new GloveboxError(message.code, message.message))
    }
  }

  const events: SlotEvents = {
    ready: () => dispatch(),
    heard(slot, message) {
      slot.memory = message.memory
      if (message.state) {
        slot.models = new Set(message.state.models)
        slot.keys = new Set(message.state.keys)
      }
      if (message.kind === 'forgotten') return
      const { current } = slot
      slot.current = undefined
      clearTimeout(slot.watch)
      // Not for what it has prepared: the next one would do that again.
      if (slot.memory > threadMemory && current && isEntry(current) && !closing) {
        counters.recycled++
        slot.recycling = true
        void slot.worker?.terminate()
      }
      if (current && isEntry(current)) finish(current, message)
      else if (current) {
        const { serverPart } = current.model
        costs.learn(serverPart, message)
        slot.prepared = { serverPart, at: performance.now(), ms: message.openMs + message.keysMs }
        current.done(message.kind === 'refused' ? new GloveboxError(message.code, message.message) : undefined)
      }
      dispatch()
    },
    died(slot, { error, current, models, recycled }) {
      if (current && isEntry(current)) {
        counters.failed++
        current.reject(closing ? shuttingDown() : (current.stopped ?? died(error)))
      } else current?.done(closing ? shuttingDown() : died(error))
      if (!closing) replaced(slot, { error, current, models, recycled })
      // What it did may have held up others, that may go to another thread.
      dispatch()
    },
  }

  const replaced = (slot: Slot, { error, current, models, recycled }: Death): void => {
    if (recycled) log.info('a thread is replaced because of its memory')
    else {
      counters.died++
      log.error({ err: error }, 'a thread died and is replaced')
    }
    // What killed it is not tried again.
    const suspect = current && (isEntry(current) ? current.job.model.serverPart : current.model.serverPart)
    for (const serverPart of models)
      if (serverPart !== suspect) prepareOn(slot, { name: serverPart, serverPart, digest: '' }).catch(() => undefined)
    if (!slot.failed) return
    for (const { done } of slot.preparations.splice(0)) done(died(error))
    // Jobs of a batch can wait.
    if (noneStarts()) for (const entry of lines.drain({ background: false })) turnAway(entry, noThreads())
  }
  const noneStarts = (): boolean => threads > 0 && slots.every(({ failed }) => failed)

  const { prepareOn, prepare, warm } = createPreparations({
    slots,
    sources,
    warmKeys,
    warmModels,
    refusal: () => (closing ? shuttingDown() : undefined),
    wake: () => dispatch(),
  })

  /** The client has left, or the deadline has passed. */
  const stop = (entry: Entry): void => {
    const { stage, stopped } = entry
    if (stage === 'running') {
      const slot = slots.find(({ current }) => current === entry)
      const hung = (): void => {
        if (slot && slot.current === entry) void slot.worker?.terminate()
      }
      setTimeout(hung, hangMs).unref()
      return
    }
    lines.remove(entry)
    turnAway(entry, stopped!)
  }

  const refuse = (job: Job): GloveboxError | undefined => {
    if (closing) return shuttingDown()
    if (threads === 0)
      return new GloveboxError('unavailable', 'this server leaves computing to workers: send the queries as a job')
    if (noneStarts() && !job.background) return noThreads()
    if (job.signal?.aborted) return new GloveboxError('unavailable', 'the query was withdrawn')
    if (job.deadline !== undefined && job.deadline <= Date.now())
      return new GloveboxError('unavailable', late(false, 0))
    return lines.makeRoom(job)
  }

  const started = Promise.all(slots.map((slot) => startThread(slot, { data, script: options.script }, events)))
  // Heard by those who ask.
  started.catch(() => undefined)
  return {
    started: started.then(() => undefined),
    get ready() {
      return !closing && (threads === 0 || slots.some((slot) => slot.ready))
    },
    run(job) {
      return new Promise((resolve, reject) => {
        const refusal = refuse(job)
        const entry = openEntry(job, stop, { resolve, reject })
        if (refusal) return turnAway(entry, refusal)
        lines.push(entry)
        dispatch()
      })
    },
    prepare,
    warm,
    forget(tenant, digest) {
      const keys = keysOf(tenant, digest)
      warmKeys.forget(keys)
      for (const slot of slots) if (slot.ready) send(slot, { kind: 'forget', keys })
    },
    stats: (): ComputeStats => ({
      threads,
      busy: slots.filter(({ current }) => current).length,
      waiting: lines.counts(),
      queue,
      keys: warmKeys.stats(),
      models: warmModels.stats(),
      byThread: slots.map(({ models, keys, memory }) => ({ models: models.size, keys: keys.size, memory })),
      ...counters,
    }),
    async close({ drainMs = 0 } = {}) {
      closing = true
      alarm.clear()
      for (const entry of lines.drain()) turnAway(entry, shuttingDown())
      for (const { preparations } of slots) for (const { done } of preparations.splice(0)) done(shuttingDown())
      if (drainMs > 0 && slots.some(({ current }) => current))
        await new Promise<void>((resolve) => {
          const over = setTimeout(resolve, drainMs)
          idle = () => {
            clearTimeout(over)
            resolve()
          }
        })
      for (const entry of lines.drain()) turnAway(entry, shuttingDown())
      for (const slot of slots) slot.closed = true
      await Promise.all(slots.map(({ worker }) => worker?.terminate()))
    },
  }
}
