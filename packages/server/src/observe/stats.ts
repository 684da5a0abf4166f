/** What a prediction goes through: its body comes in, it waits for a thread, is computed on, its answer goes out. */
export type Stage = 'receive' | 'wait' | 'compute' | 'reply'

interface Warm {
  readonly count: number
  readonly bytes: number
  readonly budget: number
  readonly hits: number
  readonly loads: number
  readonly evictions: number
}

/** Numbers that others hold, read when somebody asks. */
export interface Sources {
  /** `ComputeStats` of compute/compute.ts, as far as it is shown. */
  compute(): {
    readonly threads: number
    readonly busy: number
    /** By tenant; tenants are counted together. */
    readonly waiting: Readonly<Record<string, number>>
    readonly queue: number
    readonly keys: Warm
    readonly models: Warm
    readonly byThread: readonly { readonly memory: number }[]
    readonly turnedAway: number
    readonly died: number
    readonly recycled: number
  }
  /** Evaluation keys in the store. */
  stored(): Promise<{ readonly sets: number; readonly bytes: number }>
  /** Jobs by state. */
  jobs(): Promise<Readonly<Record<string, number>>>
}

/** One stage of one model. Count and sum are since the start, quantiles of the last 128 predictions. */
export interface StageStats {
  readonly count: number
  readonly sum_ms: number
  readonly p50_ms: number
  readonly p95_ms: number
}

/** One model in `Stats`. */
export interface ModelStats {
  /** As it is registered; `_other` for those after the first 500. */
  readonly name: string
  /** Answered here since the start. */
  readonly requests: number
  /** Refused or failed after the model was found. */
  readonly failed: number
  /** Bits between the precision asked for and the predicted error; null where several models are counted together. */
  readonly margin_bits: number | null
  /** A stage that no prediction has come to is not there. */
  readonly stages: Readonly<Partial<Record<Stage, StageStats>>>
}

/** `GET /v2/stats`: what the console draws and `glovebox top` prints. Counts are since the start, so a rate is the difference of two answers. Sizes in bytes. */
export interface Stats {
  /** Of the server. */
  readonly version: string
  /** Of this answer, in milliseconds since 1970. */
  readonly now: number
  /** When this replica began to count, in milliseconds since 1970. */
  readonly started: number
  /** Over HTTP, 0 and up, whatever they were for. */
  readonly requests: {
    readonly total: number
    /** With a status from 500. */
    readonly failed: number
    readonly by_status: Readonly<Record<string, number>>
    readonly rate_limited: number
    readonly auth_failures: number
  }
  /** Predictions that wait for a thread, of how many that may, and those told to come back. */
  readonly queue: { readonly waiting: number; readonly limit: number; readonly turned_away: number }
  /** Threads that compute, and how often one died or was replaced because of its memory. */
  readonly threads: { readonly total: number; readonly busy: number; readonly died: number; readonly recycled: number }
  /** In the store, in memory, and what happened to those that queries named: found in memory, loaded, dropped for others. */
  readonly keys: {
    readonly sets: number
    readonly bytes: number
    readonly warm_sets: number
    readonly warm_bytes: number
    readonly budget_bytes: number
    readonly hits: number
    readonly loads: number
    readonly evictions: number
  }
  /** Resident; heap of the engine; outside of it; contexts of the threads. In bytes. */
  readonly memory: { readonly rss: number; readonly heap: number; readonly external: number; readonly wasm: number }
  /** Bytes received. */
  readonly uploads: { readonly keys: number; readonly query: number; readonly blob: number }
  /** Of all replicas, by state. */
  readonly jobs: Readonly<Record<string, number>>
  /** Models in memory, 0 and up. */
  readonly warm_models: number
  /** Those that have a name here. */
  readonly models: readonly ModelStats[]
}

/**
 * Bits between the precision that was asked for and the predicted error of a program: log2(target / predicted), from its report. What
 * is below 0 is less precise than asked.
 */
export function noiseMargin(report: { readonly targetError: number; readonly relativeError: number }): number {
  return Math.log2(report.targetError / report.relativeError)
}
