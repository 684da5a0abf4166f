/**
 * Items of tenants; next is the tenant that was given the least time so far (start-time fair queueing, Goyal, Vin and Cheng 1996). A tenant that had
 * nothing to do for a while saves up nothing.
 */
export interface FairQueue<T> {
  readonly length: number
  push(tenant: string, item: T): void
  remove(tenant: string, item: T): boolean
  /** The first of the first items of a tenant that is wanted, tenants in turn. */
  take(wanted: (item: T) => boolean): T | undefined
  /** Time that a tenant was given; what it cost less than was charged comes back as a negative. */
  charge(tenant: string, ms: number): void
  /** Items of a tenant. */
  count(tenant: string): number
  /** Tenants that wait, with their numbers. */
  counts(): Record<string, number>
  /** The newest item of the tenant that has most, if that is more than `than`. */
  dropLongest(than: number): T | undefined
  /** Takes all. */
  drain(): T[]
}

/** How many of one tenant are looked at before it is the next one's turn. */
const depth = 16

export function createFairQueue<T>(): FairQueue<T> {
  const lines = new Map<string, T[]>()
  /** Time by tenant; who is not in it has as much as the clock says. */
  const given = new Map<string, number>()
  let clock = 0
  let length = 0

  const givenTo = (tenant: string): number => Math.max(clock, given.get(tenant) ?? 0)
  const removeAt = (tenant: string, line: T[], at: number): T => {
    const [item] = line.splice(at, 1)
    if (line.length === 0) lines.delete(tenant)
    length--
    return item as T
  }

  return {
    get length() {
      return length
    },
    push(tenant, item) {
      const line = lines.get(tenant)
      if (line) line.push(item)
      else {
        lines.set(tenant, [item])
        given.set(tenant, givenTo(tenant))
      }
      length++
    },
    remove(tenant, item) {
      const line = lines.get(tenant)
      const at = line?.indexOf(item) ?? -1
      if (at >= 0) removeAt(tenant, line!, at)
      return at >= 0
    },
    take(wanted) {
      const order = [...lines].map(([tenant, line]) => ({ tenant, line, at: given.get(tenant) ?? 0 }))
      if (order.length > 1) order.sort((a, b) => a.at - b.at)
      for (const { tenant, line, at } of order) {
        for (let i = 0; i < Math.min(depth, line.length); i++) {
          if (!wanted(line[i]!)) continue
          clock = Math.max(clock, at)
          return removeAt(tenant, line, i)
        }
      }
      return undefined
    },
    charge(tenant, ms) {
      given.set(tenant, givenTo(tenant) + ms)
      if (given.size < 1024) return
      for (const [other, at] of given) if (at <= clock && !lines.has(other)) given.delete(other)
    },
    count: (tenant) => lines.get(tenant)?.length ?? 0,
    counts: () => Object.fromEntries([...lines].map(([tenant, line]) => [tenant, line.length])),
    dropLongest(than) {
      let longest: { tenant: string; line: T[] } | undefined
      for (const [tenant, line] of lines)
        if (line.length > Math.max(than, longest?.line.length ?? 0)) longest = { tenant, line }
      return longest && removeAt(longest.tenant, longest.line, longest.line.length - 1)
    },
    drain() {
      const all = [...lines.values()].flat()
      lines.clear()
      length = 0
      return all
    },
  }
}
