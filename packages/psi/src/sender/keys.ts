/** Keys of receivers as they were uploaded, by the digests of parameters and keys: the least recently used go first, and those not used for some time. */
export interface KeyStore {
  /** Keys that are here already are used again. */
  put(params: string, digest: string, bytes: Uint8Array): void
  /** Shared memory; undefined where they are not here any more. */
  get(params: string, digest: string): Uint8Array | undefined
  has(params: string, digest: string): boolean
  /** Lets those go whose time is over. */
  sweep(): void
  readonly count: number
  readonly bytes: number
}

export interface KeyStoreOptions {
  readonly maxBytes: number
  readonly idleMs: number
  readonly now?: () => number
}

export function createKeyStore({ maxBytes, idleMs, now = () => performance.now() }: KeyStoreOptions): KeyStore {
  // The last used behind.
  const entries = new Map<string, { readonly bytes: Uint8Array; used: number }>()
  let total = 0
  const drop = (id: string): void => {
    total -= entries.get(id)?.bytes.length ?? 0
    entries.delete(id)
  }
  const idOf = (params: string, digest: string): string => `${params}/${digest}`
  const alive = (id: string): boolean => {
    const entry = entries.get(id)
    if (entry === undefined) return false
    if (now() - entry.used <= idleMs) return true
    drop(id)
    return false
  }
  return {
    put(params, digest, bytes) {
      const id = idOf(params, digest)
      drop(id)
      for (const oldest of entries.keys()) {
        if (total + bytes.length <= maxBytes) break
        drop(oldest)
      }
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
      shared.set(bytes)
      entries.set(id, { bytes: shared, used: now() })
      total += bytes.length
    },
    get(params, digest) {
      const id = idOf(params, digest)
      if (!alive(id)) return undefined
      const entry = entries.get(id)!
      entries.delete(id)
      entry.used = now()
      entries.set(id, entry)
      return entry.bytes
    },
    has: (params, digest) => alive(idOf(params, digest)),
    sweep() {
      for (const id of entries.keys()) if (alive(id)) break
    },
    get count() {
      return entries.size
    },
    get bytes() {
      return total
    },
  }
}
