/** Decoded keys by the digest of their bytes; the least recently used are disposed of first. */
export interface KeyCache<K extends Disposable> {
  /** `bytes` is their uploaded size. What `decode` throws is not kept. */
  get(digest: string, bytes: number, decode: () => K): K
  forget(digest: string): void
}

/** Keeps at least one set, and more while their uploaded sizes stay within the budget. */
export function createKeyCache<K extends Disposable>(budget: number): KeyCache<K> {
  const kept = new Map<string, { readonly keys: K; readonly bytes: number }>()
  let total = 0
  const forget = (digest: string): void => {
    const entry = kept.get(digest)
    if (!entry) return
    kept.delete(digest)
    total -= entry.bytes
    entry.keys[Symbol.dispose]()
  }
  return {
    get(digest, bytes, decode) {
      const found = kept.get(digest)
      if (found) {
        // A Map iterates in the order of insertion: what is used moves to the end.
        kept.delete(digest)
        kept.set(digest, found)
        return found.keys
      }
      for (const [oldest] of kept) {
        if (total + bytes <= budget) break
        forget(oldest)
      }
      const keys = decode()
      kept.set(digest, { keys, bytes })
      total += bytes
      return keys
    },
    forget,
  }
}
