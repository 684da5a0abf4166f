import type { StageStats, Stats } from '../api/stats.ts'

/** Between two looks at the counters: what happened in the time between. */
export interface Moment {
  /** Seconds since 1970. */
  readonly at: number
  readonly perSecond: number
  readonly failedPerSecond: number
  /** Mean ms of each stage of the requests in between; null where there were none. */
  readonly stages: Readonly<Record<string, number | null>>
  readonly waiting: number
  readonly busy: number
  readonly threads: number
  readonly rss: number
  readonly heap: number | null
  readonly keyBytes: number | null
}

/** Names of the stages, in the order in which a request goes through them. */
export const stageNames: readonly (readonly [string, string])[] = [
  ['receive', 'receiving'],
  ['wait', 'waiting'],
  ['compute', 'computing'],
  ['reply', 'replying'],
]

export function momentOf(before: Stats, now: Stats): Moment {
  const seconds = Math.max(0.001, (now.now - before.now) / 1000)
  // A service that was started anew counts from zero.
  const fresh = now.started !== before.started
  const difference = (a: number, b: number): number => Math.max(0, fresh ? b : b - a)
  return {
    at: now.now / 1000,
    perSecond: difference(before.requests.total, now.requests.total) / seconds,
    failedPerSecond: difference(before.requests.failed, now.requests.failed) / seconds,
    stages: Object.fromEntries(stageNames.map(([stage]) => [stage, meanOf(stage, fresh ? undefined : before, now)])),
    waiting: now.queue.waiting,
    busy: now.threads.busy,
    threads: now.threads.total,
    rss: now.memory.rss,
    heap: now.memory.heap ?? null,
    keyBytes: now.keys.warm_bytes ?? now.keys.bytes,
  }
}

function meanOf(stage: string, before: Stats | undefined, now: Stats): number | null {
  const [a, b] = [sumOf(stage, before), sumOf(stage, now)]
  const count = b.count - a.count
  return count > 0 ? (b.sum_ms - a.sum_ms) / count : null
}

function sumOf(stage: string, stats: Stats | undefined): StageStats {
  return (stats?.models ?? []).reduce(
    (sum, { stages }) => ({
      count: sum.count + (stages[stage]?.count ?? 0),
      sum_ms: sum.sum_ms + (stages[stage]?.sum_ms ?? 0),
    }),
    { count: 0, sum_ms: 0 },
  )
}
