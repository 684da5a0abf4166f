import { api } from './http.ts'

/** Of one stage of requests for one model, since the service began. */
export interface StageStats {
  readonly count: number
  readonly sum_ms: number
  readonly p50_ms?: number
  readonly p95_ms?: number
}

/** What the service says of itself; counters grow from its start. */
export interface Stats {
  readonly now: number
  readonly started: number
  readonly requests: { readonly total: number; readonly failed: number }
  readonly models: readonly {
    readonly name: string
    readonly requests: number
    readonly failed: number
    readonly stages: Readonly<Record<string, StageStats>>
  }[]
  readonly queue: { readonly waiting: number; readonly limit?: number }
  readonly threads: { readonly total: number; readonly busy: number }
  readonly keys: {
    readonly sets: number
    readonly bytes: number
    readonly warm_sets?: number
    readonly warm_bytes?: number
    readonly budget_bytes?: number
  }
  readonly memory: { readonly rss: number; readonly heap?: number; readonly external?: number }
  readonly jobs?: { readonly queued: number; readonly running: number; readonly done: number; readonly failed: number }
}

export const readStats = (signal?: AbortSignal): Promise<Stats> => api('/v2/stats', { signal })
