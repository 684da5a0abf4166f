import { GloveboxError } from '@glovebox/he'

/** Bytes of a known length that arrive in pieces. */
export interface Bytes {
  readonly bytes: number
  readonly body: AsyncIterable<Uint8Array>
}

/** What is in a memory with a budget. */
export interface WarmStats {
  /** How many. */
  readonly count: number
  /** What they take. */
  readonly bytes: number
  /** What they may take. */
  readonly budget: number
  /** Found here; loaded; dropped for others. Since the start. */
  readonly hits: number
  readonly loads: number
  readonly evictions: number
}

/** Bytes in shared memory that stay there until they are released. */
export interface Lease {
  readonly bytes: Uint8Array
  release(): void
}

/** Bytes by id in shared memory, under a budget: what nobody holds goes first, the least recently used of it. */
export interface Warm {
  /** What is here already. */
  peek(id: string): Lease | undefined
  /**
   * What is here, or is loaded now, once however many ask. Waits for others to release theirs where the budget is taken.
   * Throws GloveboxError `too-large` where it alone passes the budget, and what loading throws.
   */
  acquire(id: string, load: () => Promise<Bytes>): Promise<Lease>
  /** Those who hold it keep it. */
  forget(id: string): void
  stats(): WarmStats
}

interface Entry {
  readonly bytes: Uint8Array
  leases: number
}

/** Keeps `budget` bytes at most, those that are being loaded among them. `what` is for messages. */
export function createWarm(budget: number, what: string): Warm {
  // A Map iterates in the order of insertion; whatever is used moves to the end.
  const kept = new Map<string, Entry>()
  const loading = new Map<string, { readonly entry: Promise<Entry>; joined: number }>()
  const waiting: (() => void)[] = []
  let total = 0
  const counters = { hits: 0, loads: 0, evictions: 0 }

  const free = (bytes: number): void => {
    total -= bytes
    for (const wake of waiting.splice(0)) wake()
  }

  /** Takes so much of the budget; in turn. */
  const reserve = async (id: string, bytes: number): Promise<void> => {
    if (bytes > budget)
      throw new GloveboxError('too-large', `${what} has ${bytes} bytes, this server keeps ${budget} in all`)
    for (;;) {
      for (const [oldest, entry] of kept) {
        if (total + bytes <= budget) break
        if (entry.leases > 0 || oldest === id) continue
        kept.delete(oldest)
        total -= entry.bytes.length
        counters.evictions++
      }
      if (total + bytes <= budget) break
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    total += bytes
  }

  const fetch = async (id: string, load: () => Promise<Bytes>): Promise<Entry> => {
    counters.loads++
    const { bytes: length, body } = await load()
    await reserve(id, length)
    try {
      const bytes = new Uint8Array(new SharedArrayBuffer(length))
      let at = 0
      for await (const part of body) {
        if (at + part.length > length) throw shorter(what, length, at + part.length)
        bytes.set(part, at)
        at += part.length
      }
      if (at !== length) throw shorter(what, length, at)
      return { bytes, leases: 0 }
    } catch (error) {
      free(length)
      throw error
    }
  }

  /** One that `entry.leases` counts already. */
  const lease = (id: string, entry: Entry): Lease => {
    let held = true
    return {
      bytes: entry.bytes,
      release() {
        if (!held) return
        held = false
        if (--entry.leases > 0) return
        // Forgotten meanwhile: nobody else has it.
        if (kept.get(id) !== entry) free(entry.bytes.length)
        else for (const wake of waiting.splice(0)) wake()
      },
    }
  }

  const peek = (id: string): Lease | undefined => {
    const entry = kept.get(id)
    if (!entry) return undefined
    kept.delete(id)
    kept.set(id, entry)
    entry.leases++
    counters.hits++
    return lease(id, entry)
  }

  const start = (id: string, load: () => Promise<Bytes>): { readonly entry: Promise<Entry>; joined: number } => {
    const coming = {
      joined: 0,
      entry: fetch(id, load).then(
        (entry) => {
          entry.leases = coming.joined
          // Forgotten while it came: for those who wait for it only.
          if (loading.get(id) === coming) {
            loading.delete(id)
            kept.set(id, entry)
          }
          return entry
        },
        (error: unknown) => {
          if (loading.get(id) === coming) loading.delete(id)
          throw error
        },
      ),
    }
    loading.set(id, coming)
    return coming
  }

  return {
    peek,
    async acquire(id, load) {
      const here = peek(id)
      if (here) return here
      const coming = loading.get(id) ?? start(id, load)
      coming.joined++
      return lease(id, await coming.entry)
    },
    forget(id) {
      loading.delete(id)
      const entry = kept.get(id)
      if (!entry) return
      kept.delete(id)
      if (entry.leases === 0) free(entry.bytes.length)
    },
    stats: () => ({ count: kept.size, bytes: total, budget, ...counters }),
  }
}

function shorter(what: string, expected: number, got: number): GloveboxError {
  return new GloveboxError('unavailable', `${what} expected ${expected} bytes from where it is kept, got ${got}`)
}
