/** Decoded keys by id; the least recently used are disposed of first. */
export interface KeyCache<K extends Disposable> {
  /** Counts as use. */
  get(id: string): K | undefined
  /** `bytes` is their uploaded size. What `decode` throws is not kept. */
  add(id: string, bytes: number, decode: () => K): K
  /** All whose id is such. */
  forget(which: (id: string) => boolean): void
  ids(): string[]
}

/** Keeps at least one set, and more while their uploaded sizes stay within the budget. */
export function createKeyCache<K extends Disposable>(budget: number): KeyCache<K> {
  // A Map iterates in the order of insertion: what is used moves to the end.
  const kept = new Map<string, { readonly keys: K; readonly bytes: number }>()
  let total = 0
  const drop = (id: string): void => {
    const entry = kept.get(id)
    if (!entry) return
    kept.delete(id)
    total -= entry.bytes
    entry.keys[Symbol.dispose]()
  }
  return {
    get(id) {
      const found = kept.get(id)
      if (!found) return undefined
      kept.delete(id)
      kept.set(id, found)
      return found.keys
    },
    add(id, bytes, decode) {
      for (const [oldest] of kept) {
        if (total + bytes <= budget) break
        drop(oldest)
      }
      const keys = decode()
      kept.set(id, { keys, bytes })
      total += bytes
      return keys
    },
    forget(which) {
      for (const id of [...kept.keys()]) if (which(id)) drop(id)
    },
    ids: () => [...kept.keys()],
  }
}
