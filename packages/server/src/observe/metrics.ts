import { Registry } from 'prom-client'
import { createRecent, type Recent } from './quantiles.ts'
import { createReadings, createSeries, memoryOf, waitingOf } from './series.ts'
import { createSetSeries, type SetMetrics } from './set-series.ts'
import type { ModelStats, Sources, Stage, Stats } from './stats.ts'

export type UploadKind = 'keys' | 'query' | 'blob'

/** What the service tells while it works, and what is read when somebody asks. Series of models are those of names that `model` was told. */
export interface Metrics {
  /** A model is there to be asked, with the margin of its noise in bits (`noiseMargin`). Told again, the margin is replaced. */
  model(name: string, facts: { readonly marginBits: number }): void
  /** It is there no more: its series end. */
  forget(name: string): void
  /** What one prediction spent in a stage. */
  stage(model: string, stage: Stage, ms: number): void
  /** A prediction of a model that is there had no answer. `code` is that of a GloveboxError, or `internal`. */
  failed(model: string, code: string): void
  /** A request was answered. `route` is the pattern, such as `/v2/models/:name/infer`, never the path. */
  request(method: string, route: string, status: number): void
  upload(kind: UploadKind, bytes: number): void
  /** `limit` is the name of one, never a value of the request; so is `reason` below. */
  rateLimited(limit: string): void
  authFailed(reason: string): void
  jobDone(status: 'done' | 'failed'): void
  /** Of sets that are looked up privately. */
  readonly sets: SetMetrics
  /** Where the numbers come from that others hold; what was told before stays. */
  read(sources: Partial<Sources>): void
  /** In Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
  /** For the console and `glovebox top`. */
  stats(): Promise<Stats>
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** Models with series of their own; those after them are counted under one name, so that pushing models cannot fill the memory. */
const mostModels = 500
const other = '_other'
const stages: readonly Stage[] = ['receive', 'wait', 'compute', 'reply']

/** A model's numbers for `stats`. */
interface Known {
  marginBits: number | null
  failed: number
  readonly recent: Readonly<Record<Stage, Recent>>
}

function fresh(): Known {
  const recent = { receive: createRecent(), wait: createRecent(), compute: createRecent(), reply: createRecent() }
  return { marginBits: null, failed: 0, recent }
}

/** A registry of its own for each service: two in one process do not mix. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  const sources: Partial<Sources> = {}
  const series = createSeries(registry)
  createReadings(registry, version, sources)
  const sets = createSetSeries(registry)

  const started = Date.now()
  const known = new Map<string, Known>()
  const rest = fresh()
  const status = new Map<number, number>()
  const uploads = { keys: 0, query: 0, blob: 0 }
  const refusals = { rate_limited: 0, auth_failures: 0 }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    model(name, { marginBits }) {
      if (!known.has(name) && known.size >= mostModels) return
      const entry = known.get(name) ?? fresh()
      entry.marginBits = marginBits
      known.set(name, entry)
      series.margins.set({ model: name }, marginBits)
    },
    forget(name) {
      if (!known.delete(name)) return
      series.margins.remove({ model: name })
      for (const stage of stages) series.seconds.remove({ model: name, stage })
    },
    stage(model, stage, ms) {
      const entry = known.get(model)
      series.seconds.observe({ model: entry ? model : other, stage }, ms / 1000)
      ;(entry ?? rest).recent[stage].add(ms)
    },
    failed(model, code) {
      const entry = known.get(model)
      series.failures.inc({ model: entry ? model : other, code })
      ;(entry ?? rest).failed++
    },
    request(method, route, code) {
      series.requests.inc({ method: methods.includes(method) ? method : 'other', route, status: code })
      status.set(code, (status.get(code) ?? 0) + 1)
    },
    upload(kind, bytes) {
      series.uploads.inc({ kind }, bytes)
      uploads[kind] += bytes
    },
    rateLimited(limit) {
      series.limited.inc({ limit })
      refusals.rate_limited++
    },
    authFailed(reason) {
      series.refused.inc({ reason })
      refusals.auth_failures++
    },
    sets,
    jobDone: (state) => series.finished.inc({ status: state }),
    read: (more) => void Object.assign(sources, more),
    async stats() {
      const compute = sources.compute?.()
      const stored = await sources.stored?.()
      const models = [...known].map(statsOf)
      if (rest.failed > 0 || rest.recent.compute.stats()) models.push(statsOf([other, rest]))
      const sum = (from: number): number => [...status].reduce((all, [code, n]) => all + (code >= from ? n : 0), 0)
      return {
        version,
        now: Date.now(),
        started,
        requests: { total: sum(0), failed: sum(500), by_status: Object.fromEntries(status), ...refusals },
        queue: {
          waiting: compute ? waitingOf(compute) : 0,
          limit: compute?.queue ?? 0,
          turned_away: compute?.turnedAway ?? 0,
        },
        threads: {
          total: compute?.threads ?? 0,
          busy: compute?.busy ?? 0,
          died: compute?.died ?? 0,
          recycled: compute?.recycled ?? 0,
        },
        keys: {
          sets: stored?.sets ?? 0,
          bytes: stored?.bytes ?? 0,
          warm_sets: compute?.keys.count ?? 0,
          warm_bytes: compute?.keys.bytes ?? 0,
          budget_bytes: compute?.keys.budget ?? 0,
          hits: compute?.keys.hits ?? 0,
          loads: compute?.keys.loads ?? 0,
          evictions: compute?.keys.evictions ?? 0,
        },
        memory: memoryOf(sources),
        uploads: { ...uploads },
        jobs: { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0, ...(await sources.jobs?.()) },
        warm_models: compute?.models.count ?? 0,
        models,
      }
    },
  }
}

function statsOf([name, { marginBits, failed, recent }]: readonly [string, Known]): ModelStats {
  const entries = stages.flatMap((stage) => {
    const stats = recent[stage].stats()
    return stats ? [[stage, stats] as const] : []
  })
  const requests = recent.compute.stats()?.count ?? 0
  return { name, requests, failed, margin_bits: marginBits, stages: Object.fromEntries(entries) }
}
