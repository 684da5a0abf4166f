/** Milliseconds that things took, by server part: what to charge before it is known, and how long to wait for a thread that is warm. */
export interface Costs {
  /** Of one query. */
  running(serverPart: string): number
  /** Of reading keys, and of preparing the model too. */
  warming(serverPart: string, model: boolean): number
  learn(serverPart: string, took: { readonly openMs: number; readonly keysMs: number }, computeMs?: number): void
}

/** What is not known yet is guessed at. */
const guess = { run: 50, open: 500, keys: 50 }
/** Models that are remembered. */
const most = 1024

export function createCosts(): Costs {
  const known = new Map<string, { run: number; open: number; keys: number }>()
  const blend = (before: number, now: number): number => before + (now - before) / 4
  return {
    running: (serverPart) => (known.get(serverPart) ?? guess).run,
    warming(serverPart, model) {
      const { open, keys } = known.get(serverPart) ?? guess
      return model ? open + keys : keys
    },
    learn(serverPart, { openMs, keysMs }, computeMs) {
      const before = known.get(serverPart)
      const { run, open, keys } = before ?? guess
      if (!before && known.size >= most) known.clear()
      known.set(serverPart, {
        run: computeMs === undefined ? run : before ? blend(run, computeMs) : computeMs,
        open: openMs > 0 ? openMs : open,
        keys: keysMs > 0 ? blend(keys, keysMs) : keys,
      })
    },
  }
}
