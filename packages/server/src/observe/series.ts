import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Sources } from './stats.ts'

/** Seconds, from the wait for a free thread to a network that takes minutes. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** Series that are written while the service works. */
export interface Series {
  readonly seconds: Histogram<'model' | 'stage'>
  readonly requests: Counter<'method' | 'route' | 'status'>
  readonly failures: Counter<'model' | 'code'>
  readonly uploads: Counter<'kind'>
  readonly limited: Counter<'limit'>
  readonly refused: Counter<'reason'>
  readonly finished: Counter<'status'>
  readonly margins: Gauge<'model'>
}

export function createSeries(registry: Registry): Series {
  const registers = [registry]
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: `glovebox_${name}`, help, labelNames: [...labelNames], registers })
  return {
    seconds: new Histogram({
      name: 'glovebox_stage_seconds',
      help: 'Time of predictions in each stage: receive (the body), wait (for a thread), compute, reply (encoding, sending).',
      labelNames: ['model', 'stage'],
      buckets,
      registers,
    }),
    requests: counter('http_requests_total', 'Requests by route and status.', ['method', 'route', 'status']),
    failures: counter('prediction_failures_total', 'Predictions without an answer, by code.', ['model', 'code']),
    uploads: counter('upload_bytes_total', 'Bytes received in bodies.', ['kind']),
    limited: counter('rate_limited_total', 'Requests refused by a limit.', ['limit']),
    refused: counter('auth_failures_total', 'Requests refused for their token, or for having none.', ['reason']),
    finished: counter('jobs_finished_total', 'Jobs that came to an end here.', ['status']),
    margins: new Gauge({
      name: 'glovebox_noise_margin_bits',
      help: 'Bits between the precision asked of the compiler and the error that it predicts; below 0 is less precise than asked.',
      labelNames: ['model'],
      registers,
    }),
  }
}

type Values = Readonly<Record<string, number>>

/** Series that are read when somebody asks; those of a source that is not there have no value. */
export function createReadings(registry: Registry, version: string, sources: Partial<Sources>): void {
  const gauge = (
    name: string,
    help: string,
    label: string,
    collect: () => Values | undefined | Promise<Values | undefined>,
  ): void => {
    new Gauge({
      name: `glovebox_${name}`,
      help,
      labelNames: label === '' ? [] : [label],
      registers: [registry],
      async collect() {
        this.reset()
        // A gauge without labels begins at 0, which nobody has said.
        if (label === '') this.remove()
        // A database that is away takes no other number with it.
        const values = await Promise.resolve()
          .then(collect)
          .catch(() => undefined)
        for (const [key, value] of Object.entries(values ?? {})) this.set(label === '' ? {} : { [label]: key }, value)
      },
    })
  }
  type Compute = ReturnType<Sources['compute']>
  const one = (name: string, help: string, pick: (compute: Compute) => number): void =>
    gauge(name, help, '', () => sources.compute && { value: pick(sources.compute()) })

  const counted = (name: string, help: string, label: 'event' | '', pick: (compute: Compute) => Values): void => {
    new Counter({
      name: `glovebox_${name}_total`,
      help,
      labelNames: label === '' ? [] : [label],
      registers: [registry],
      collect() {
        this.reset()
        if (!sources.compute) return
        for (const [key, value] of Object.entries(pick(sources.compute())))
          this.inc(label === '' ? {} : { [label]: key }, value)
      },
    })
  }

  gauge('info', 'Always 1.', 'version', () => ({ [version]: 1 }))
  one('queue_length', 'Predictions that wait for a thread.', waitingOf)
  one('queue_limit', 'Predictions that may wait.', ({ queue }) => queue)
  one('threads', 'Threads that compute.', ({ threads }) => threads)
  one('threads_busy', 'Threads that compute on something now.', ({ busy }) => busy)
  counted('turned_away', 'Predictions told to come back: queue full, limit of a tenant, deadline.', '', (compute) => ({
    _: compute.turnedAway,
  }))
  counted('threads_replaced', 'Threads that died, or grew too large, and were replaced.', 'event', (compute) => ({
    died: compute.died,
    recycled: compute.recycled,
  }))
  counted('key_events', 'Keys of queries: found in memory, loaded, dropped for others.', 'event', ({ keys }) => ({
    hit: keys.hits,
    load: keys.loads,
    eviction: keys.evictions,
  }))
  one('models_warm', 'Models in memory.', ({ models }) => models.count)
  one('key_sets_warm', 'Sets of evaluation keys in memory.', ({ keys }) => keys.count)
  one('key_bytes_warm', 'Bytes of evaluation keys in memory.', ({ keys }) => keys.bytes)
  one('key_budget_bytes', 'Bytes that evaluation keys may take in memory.', ({ keys }) => keys.budget)
  gauge('keys_stored', 'Evaluation keys in the store: sets, bytes.', 'unit', async () => {
    const stored = await sources.stored?.()
    return stored && { sets: stored.sets, bytes: stored.bytes }
  })
  gauge('memory_bytes', 'Memory: resident, heap of the engine, outside of it, kernels of the threads.', 'kind', () => ({
    ...memoryOf(sources),
  }))
  gauge('jobs', 'Jobs by state.', 'status', () => sources.jobs?.())
}

export function waitingOf({ waiting }: { readonly waiting: Values }): number {
  return Object.values(waiting).reduce((sum, n) => sum + n, 0)
}

export function memoryOf(sources: Partial<Sources>): { rss: number; heap: number; external: number; wasm: number } {
  const { rss, heapUsed, external } = process.memoryUsage()
  const wasm = sources.compute?.().byThread.reduce((sum, { memory }) => sum + memory, 0) ?? 0
  return { rss, heap: heapUsed, external, wasm }
}
