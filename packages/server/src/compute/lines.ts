import { GloveboxError } from '@glovebox/he'
import type { Warm } from '../keys/warm.ts'
import type { ComputeSources, Job } from './compute.ts'
import type { Costs } from './costs.ts'
import { type Entry, release } from './entry.ts'
import { createFairQueue, type FairQueue } from './fair-queue.ts'
import type { RunMessage } from './messages.ts'
import { isEntry, type Slot } from './slot.ts'

/** Jobs that wait: in line, for their bytes, for a thread with their bytes. */
export interface Lines {
  /** Puts it in line. */
  push(entry: Entry): void
  /** Takes it out, wherever it waits. */
  remove(entry: Entry): void
  /** The one for a thread that is free. */
  next(slot: Slot): Entry | undefined
  /** Brings into memory what it needs; then it is one of the next. */
  load(entry: Entry): void
  /** Somebody waits for an answer, and could have a thread. */
  readonly pressing: boolean
  /** What a tenant is charged: milliseconds. */
  charge(entry: Entry, ms: number): void
  /** Undefined where there is room for one more, for which another one may give way. */
  makeRoom(job: Job): GloveboxError | undefined
  /** By tenant. */
  counts(): Record<string, number>
  /** Takes all, or those that are not in the background. */
  drain(options?: { readonly background: boolean }): Entry[]
}

export interface LinesOptions {
  readonly slots: readonly Slot[]
  readonly sources: ComputeSources
  readonly warmKeys: Warm
  readonly warmModels: Warm
  readonly costs: Costs
  readonly queue: number
  readonly tenantQueue: number
  readonly tenantThreads: number
  /** There is something to do, at once or in so many milliseconds. */
  wake(ms: number): void
  /** One had to give way. */
  giveWay(entry: Entry, error: GloveboxError): void
}

/** Keys and models that are brought into memory at the same time. */
const loads = 4

export function modelIsWarm(slot: Slot, { job }: Entry): boolean {
  return slot.models.has(job.model.serverPart)
}

export function keysAreWarm(slot: Slot, { keysIn }: Entry): boolean {
  return keysIn === undefined || slot.keys.has(keysIn)
}

export function runMessage(slot: Slot, entry: Entry): RunMessage {
  const { job, keys, leases, control, part } = entry
  const { name, serverPart } = job.model
  return {
    kind: 'run',
    model: { name, serverPart, bytes: modelIsWarm(slot, entry) ? undefined : leases.model?.bytes },
    keys:
      keys === undefined ? undefined : { id: keys, bytes: keysAreWarm(slot, entry) ? undefined : leases.keys?.bytes },
    query: job.query,
    control,
    part,
  }
}

const isWarm = (slot: Slot, entry: Entry): boolean => modelIsWarm(slot, entry) && keysAreWarm(slot, entry)

export function createLines(options: LinesOptions): Lines {
  const { slots, sources, warmKeys, warmModels, costs, queue, tenantQueue, tenantThreads } = options
  const threads = slots.length
  const waiting = createFairQueue<Entry>()
  const background = createFairQueue<Entry>()
  const loading = new Set<Entry>()
  const loaded: Entry[] = []
  const lineOf = ({ background: behind }: Job): FairQueue<Entry> => (behind ? background : waiting)

  /** What a slot lacks for a job, where it is in shared memory. */
  const takeLeases = (slot: Slot, entry: Entry): boolean => {
    const model = modelIsWarm(slot, entry) ? undefined : warmModels.peek(entry.job.model.serverPart)
    const keys = keysAreWarm(slot, entry) ? undefined : warmKeys.peek(entry.keys!)
    entry.leases = { model, keys }
    if ((model || modelIsWarm(slot, entry)) && (keys || keysAreWarm(slot, entry))) return true
    release(entry)
    return false
  }

  /** Whether a job is for this thread, or for the one where it is warm, which is worth a wait as long as making it warm here would take. */
  const chooses = (slot: Slot, entry: Entry): boolean => {
    if (isWarm(slot, entry)) return true
    if (!slots.some((other) => other.ready && !other.recycling && isWarm(other, entry))) return true
    const worth = costs.warming(entry.job.model.serverPart, !modelIsWarm(slot, entry))
    const patience = worth - (performance.now() - entry.since)
    if (patience <= 0) return true
    options.wake(patience)
    return false
  }

  const load = (entry: Entry): void => {
    const { tenant, keysDigest, model } = entry.job
    entry.stage = 'loading'
    loading.add(entry)
    const modelBytes = warmModels.acquire(model.serverPart, () => sources.serverPart(model.serverPart))
    const keyBytes =
      entry.keys === undefined || keysDigest === undefined
        ? undefined
        : warmKeys.acquire(entry.keys, () => sources.keys(tenant, keysDigest))
    Promise.allSettled([modelBytes, keyBytes]).then(([first, second]) => {
      loading.delete(entry)
      entry.leases = {
        model: first.status === 'fulfilled' ? first.value : undefined,
        keys: second.status === 'fulfilled' ? second.value : undefined,
      }
      if (entry.stage === 'over') release(entry)
      else if (first.status === 'rejected') entry.reject(first.reason)
      else if (second.status === 'rejected') entry.reject(second.reason)
      else {
        entry.stage = 'loaded'
        loaded.push(entry)
      }
      options.wake(0)
    })
  }

  const take = (line: FairQueue<Entry>, slot: Slot, mayRun: (entry: Entry) => boolean): Entry | undefined => {
    for (;;) {
      let cold = false
      const entry = line.take((candidate) => {
        if (!mayRun(candidate) || !chooses(slot, candidate)) return false
        if (takeLeases(slot, candidate)) return true
        cold = loading.size < loads
        return cold
      })
      if (!entry || !cold) return entry
      load(entry)
    }
  }

  const remove = (entry: Entry): void => {
    lineOf(entry.job).remove(entry.job.tenant, entry)
    loading.delete(entry)
    const at = loaded.indexOf(entry)
    if (at >= 0) loaded.splice(at, 1)
  }

  return {
    load,
    push: (entry) => lineOf(entry.job).push(entry.job.tenant, entry),
    remove,
    next(slot) {
      if (loaded.length + waiting.length + background.length === 0) return undefined
      const busy = slots.flatMap(({ current }) => (current && isEntry(current) ? [current.job] : []))
      // The last free thread is for those who wait for their answer.
      const behindToo = threads === 1 || busy.filter((job) => job.background).length < threads - 1
      const mayRun = ({ job }: Entry): boolean =>
        (behindToo || !job.background) &&
        (tenantThreads >= threads || busy.filter(({ tenant }) => tenant === job.tenant).length < tenantThreads)
      const at = loaded.findIndex(mayRun)
      if (at >= 0) return loaded.splice(at, 1)[0]
      return take(waiting, slot, mayRun) ?? (behindToo ? take(background, slot, mayRun) : undefined)
    },
    get pressing() {
      return waiting.length > 0 || loaded.some(({ job }) => !job.background)
    },
    charge: ({ job }, ms) => lineOf(job).charge(job.tenant, ms),
    makeRoom(job) {
      const line = lineOf(job)
      const mine = line.count(job.tenant)
      if (mine >= tenantQueue) return busyError(`${mine} of your queries are waiting`)
      if (line.length + loading.size + loaded.length < queue) return undefined
      // The last of whoever has most waiting gives way to whoever has less.
      const dropped = line.dropLongest(mine + 1)
      if (!dropped) return busyError(`${line.length} queries are waiting`)
      options.giveWay(dropped, busyError('others with fewer queries wait too'))
      return undefined
    },
    counts() {
      const counts = waiting.counts()
      const more = (tenant: string, count: number): void => {
        counts[tenant] = (counts[tenant] ?? 0) + count
      }
      for (const [tenant, count] of Object.entries(background.counts())) more(tenant, count)
      for (const { job } of [...loading, ...loaded]) more(job.tenant, 1)
      return counts
    },
    drain({ background: behindToo } = { background: true }) {
      const coming = [...loading, ...loaded].filter(({ job }) => behindToo || !job.background)
      for (const entry of coming) remove(entry)
      return [...waiting.drain(), ...(behindToo ? background.drain() : []), ...coming]
    },
  }
}

function busyError(why: string): GloveboxError {
  return new GloveboxError('unavailable', `the server is busy, ${why}: try again in a moment`)
}
