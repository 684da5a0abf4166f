/** Calls once, at the earliest of the times that it was set to. */
export interface Alarm {
  /** At once where `ms` is 0 or less. */
  set(ms: number): void
  clear(): void
}

export function createAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined
  let ringsAt = 0
  return {
    set(ms) {
      if (ms <= 0) return ring()
      const at = performance.now() + ms
      // The earliest one finds out about the others.
      if (timer && ringsAt <= at) return
      clearTimeout(timer)
      ringsAt = at
      timer = setTimeout(() => {
        timer = undefined
        ring()
      }, ms)
    },
    clear: () => clearTimeout(timer),
  }
}
