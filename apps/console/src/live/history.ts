import type { StageStats, Stats } from '../api/stats.ts'

/** Between two looks at the counters: what happened in the time between. */
export interface Moment {
  /** Seconds since 1970. */
  readonly at: number
  /** Null where nothing is known of the time before. */
  readonly perSecond: number | null
  readonly predictionsPerSecond: number | null
  readonly failedPerSecond: number | null
  /** Mean ms of each stage of the predictions in between, of the first look the median of the last ones; null where there were none. */
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

export function momentOf(before: Stats | undefined, now: Stats): Moment {
  const seconds = Math.max(0.001, (now.now - (before?.now ?? 0)) / 1000)
  // A service that was started anew counts from zero.
  const fresh = before !== undefined && now.started !== before.started
  const rate = (of: (stats: Stats) => number): number | null =>
    before ? Math.max(0, fresh ? of(now) : of(now) - of(before)) / seconds : null
  return {
    at: now.now / 1000,
    perSecond: rate(({ requests }) => requests.total),
    predictionsPerSecond: rate(predictionsOf),
    failedPerSecond: rate(({ requests }) => requests.failed),
    stages: Object.fromEntries(
      stageNames.map(([stage]) => [
        stage,
        before ? meanOf(stage, fresh ? undefined : before, now) : medianOf(stage, now),
      ]),
    ),
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

/** Answered since the start. */
export function predictionsOf({ models }: Stats): number {
  return models.reduce((sum, { requests }) => sum + requests, 0)
}

/** Medians of the models, weighed by how often they were asked. */
function medianOf(stage: string, { models }: Stats): number | null {
  let [sum, count] = [0, 0]
  for (const { stages } of models) {
    const { p50_ms, count: weight } = stages[stage] ?? { count: 0 }
    if (p50_ms === undefined) continue
    sum += weight * p50_ms
    count += weight
  }
  return count > 0 ? sum / count : null
}
