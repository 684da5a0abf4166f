import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import { createWarm, type Lease } from '../keys/warm.ts'
import type { Compute, ComputeSources, ComputeStats, Job, ModelRef } from './compute.ts'
import { createCosts } from './costs.ts'
import { died, type Entry, late, openEntry, release, shuttingDown } from './entry.ts'
import { createLines, keysAreWarm, modelIsWarm } from './lines.ts'
import { type FromThread, keysIn, keysOf } from './messages.ts'
import { complete, type PoolOptions } from './pool-options.ts'
import {
  createSlot,
  goFirst,
  isEntry,
  leastBusy,
  type Preparation,
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
  let later: NodeJS.Timeout | undefined
  let laterAt = 0
  let idle: (() => void) | undefined

  const turnAway = (entry: Entry, error: GloveboxError): void => {
    counters.turnedAway++
    entry.reject(error)
  }
  const wake = (ms: number): void => {
    if (ms <= 0) return void dispatch()
    const at = performance.now() + ms
    // The earliest one finds out about the others.
    if (later && laterAt <= at) return
    clearTimeout(later)
    laterAt = at
    later = setTimeout(() => {
      later = undefined
      dispatch()
    }, ms)
  }
  const lines = createLines({
    slots,
    sources,
    warmKeys,
    warmModels,
    costs,
    queue,
    tenantQueue: sizes.tenantQueue,
    tenantThreads: sizes.tenantThreads,
    wake,
    giveWay: turnAway,
  })

  const start = (slot: Slot, entry: Entry): void => {
    const { job, leases, control } = entry
    const { name, serverPart } = job.model
    slot.current = entry
    entry.stage = 'running'
    if (!entry.part) {
      entry.preparedMs = preparedSince(slot, serverPart, entry.since)
      entry.waitMs = performance.now() - entry.since - entry.preparedMs
    }
    entry.charged = costs.running(serverPart)
    lines.charge(entry, entry.charged)
    send(slot, {
      kind: 'run',
      model: { name, serverPart, bytes: modelIsWarm(slot, entry) ? undefined : leases.model?.bytes },
      keys:
        entry.keys === undefined
          ? undefined
          : { id: entry.keys, bytes: keysAreWarm(slot, entry) ? undefined : leases.keys?.bytes },
      query: job.query,
      control,
      part: entry.part,
    })
  }

  const dispatch = (): void => {
    for (const slot of slots) {
      if (!slot.ready || slot.current || slot.recycling) continue
      const preparation = slot.preparations.shift()
      if (preparation) {
        const { model, lease, keys } = preparation
        slot.current = preparation
        send(slot, {
          kind: 'prepare',
          model: { name: model.name, serverPart: model.serverPart, bytes: lease.bytes },
          keys: keys && { id: keys.id, bytes: keys.lease.bytes },
        })
      } else {
        const entry = lines.next(slot)
        if (entry) start(slot, entry)
      }
    }
    if (lines.pressing) goFirst(slots)
    if (closing && slots.every(({ current }) => !current)) idle?.()
  }

  const finish = (entry: Entry, message: Extract<FromThread, { openMs: number }>): void => {
    const { job } = entry
    if (message.kind === 'cold') {
      lines.charge(entry, -entry.charged)
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
      } else if (current) {
        current.done(error)
      }
      if (closing) return dispatch()
      if (recycled) log.info('a thread is replaced because of its memory')
      else {
        counters.died++
        log.error({ err: error }, 'a thread died and is replaced')
      }
      // What killed it is not tried again.
      const suspect = current && (isEntry(current) ? current.job.model.serverPart : current.model.serverPart)
      for (const serverPart of models)
        if (serverPart !== suspect) prepareOn(slot, { name: serverPart, serverPart, digest: '' }).catch(() => undefined)
    },
  }

  const prepareOn = async (slot: Slot, model: ModelRef): Promise<void> => {
    if (slot.models.has(model.serverPart)) return
    await queuePreparation(slot, model, await leaseOf(model))
  }
  const leaseOf = (model: ModelRef): Promise<Lease> =>
    warmModels.acquire(model.serverPart, () => sources.serverPart(model.serverPart))
  const queuePreparation = (slot: Slot, model: ModelRef, lease: Lease, keys?: Preparation['keys']): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: unknown): void => {
        lease.release()
        keys?.lease.release()
        if (error === undefined) resolve()
        else reject(error)
      }
      if (closing) return done(shuttingDown())
      slot.preparations.push({ model, lease, keys, done })
      goFirst([slot])
      dispatch()
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
    async prepare(model) {
      await Promise.all(slots.map((slot) => prepareOn(slot, model)))
    },
    async warm({ model, tenant, keysDigest }) {
      const id = keysOf(tenant, keysDigest)
      const decoded = keysIn(model.serverPart, id)
      if (slots.length === 0 || slots.some(({ keys }) => keys.has(decoded))) return
      const [first, second] = await Promise.allSettled([
        leaseOf(model),
        warmKeys.acquire(id, () => sources.keys(tenant, keysDigest)),
      ])
      if (first.status === 'rejected' || second.status === 'rejected') {
        for (const result of [first, second]) if (result.status === 'fulfilled') result.value.release()
        throw first.status === 'rejected' ? first.reason : (second as PromiseRejectedResult).reason
      }
      await queuePreparation(leastBusy(slots), model, first.value, { id, lease: second.value })
    },
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
      clearTimeout(later)
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
