import { GloveboxError } from '@glovebox/he'

/** Evaluation keys by the SHA-256 of their bytes, the least recently used forgotten first. */
export interface KeyStore {
  has(digest: string): boolean
  get(digest: string): Uint8Array | undefined
  /** Throws GloveboxError `too-large` where one set alone passes the budget. */
  put(digest: string, bytes: Uint8Array): void
  delete(digest: string): boolean
  readonly bytes: number
}

export function createKeyStore(budget: number): KeyStore {
  // A Map iterates in the order of insertion; whatever is used moves to the end.
  const kept = new Map<string, Uint8Array>()
  let total = 0
  const remove = (digest: string): boolean => {
    total -= kept.get(digest)?.length ?? 0
    return kept.delete(digest)
  }
  const touch = (digest: string): Uint8Array | undefined => {
    const bytes = kept.get(digest)
    if (bytes && kept.delete(digest)) kept.set(digest, bytes)
    return bytes
  }
  return {
    has: (digest) => touch(digest) !== undefined,
    get: touch,
    put(digest, bytes) {
      if (bytes.length > budget) {
        throw new GloveboxError(
          'too-large',
          `the evaluation keys have ${bytes.length} bytes, this server keeps ${budget} in all`,
        )
      }
      remove(digest)
      for (const [oldest] of kept) {
        if (total + bytes.length <= budget) break
        remove(oldest)
      }
      kept.set(digest, bytes)
      total += bytes.length
    },
    delete: remove,
    get bytes() {
      return total
    },
  }
}
