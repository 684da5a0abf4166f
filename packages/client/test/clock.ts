import type { Clock } from '../src/http/retry.ts'

/** Time that passes only in pauses, which take none. */
export function fakeClock(start = 1_700_000_000_000): Clock & { readonly pauses: number[]; time: number } {
  const clock = {
    time: start,
    pauses: [] as number[],
    now: () => clock.time,
    async pause(ms: number, signal?: AbortSignal) {
      signal?.throwIfAborted()
      clock.pauses.push(ms)
      clock.time += ms
      // Others have their turn.
      await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
    },
    random: () => 0.5,
  }
  return clock
}
