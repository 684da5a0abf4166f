import type { StageStats } from './stats.ts'

/** How many of the last values are kept: enough for a 95th percentile, 1 KiB. */
const kept = 128

/** Count and sum of all milliseconds, and quantiles of the last 128, for a live view; histograms have the whole story. */
export interface Recent {
  add(ms: number): void
  /** undefined where there is none yet. */
  stats(): StageStats | undefined
}

export function createRecent(): Recent {
  const values = new Float64Array(kept)
  let [count, sum] = [0, 0]
  return {
    add(ms) {
      values[count % kept] = ms
      count++
      sum += ms
    },
    stats() {
      const size = Math.min(count, kept)
      if (size === 0) return undefined
      const sorted = values.slice(0, size).sort()
      // The smallest value that is not below the share: the nearest-rank definition.
      const at = (share: number): number => sorted[Math.ceil(share * size) - 1]!
      return { count, sum_ms: sum, p50_ms: at(0.5), p95_ms: at(0.95) }
    },
  }
}
