import { type KeyRecord, type KeyStorage, stays } from './storage.ts'

/** Keeps keys as long as the program runs. */
export function memoryStorage(): KeyStorage {
  const sets = new Map<string, { readonly record: KeyRecord; readonly evaluation: Uint8Array<ArrayBuffer> }>()
  const wipe = (id: string): void => {
    sets.get(id)?.record.secret.fill(0)
    sets.delete(id)
  }
  const copy = (record: KeyRecord): KeyRecord => ({ ...record, secret: record.secret.slice() })
  return {
    async load(id) {
      const kept = sets.get(id)
      return kept && copy(kept.record)
    },
    async keep(id, record, evaluation, replaces) {
      const kept = sets.get(id)?.record
      if (stays(kept, replaces)) return copy(kept)
      wipe(id)
      sets.set(id, { record: copy(record), evaluation })
      return record
    },
    async evaluation(id, digest) {
      const kept = sets.get(id)
      return kept?.record.digest === digest ? kept.evaluation : undefined
    },
    async delete(id) {
      wipe(id)
    },
    close() {
      for (const id of [...sets.keys()]) wipe(id)
    },
  }
}
