import { canKeepKeys, indexedDbStorage } from './indexed-db.ts'
import { memoryStorage } from './memory.ts'
import type { KeyStorage } from './storage.ts'

/**
 * The storage of a page: IndexedDB, or memory where the page has none that works, as in private windows and over http. A page that cannot keep keys makes
 * new ones each time that it is opened.
 */
export function browserStorage(): KeyStorage {
  if (!canKeepKeys()) return memoryStorage()
  const kept = indexedDbStorage()
  let chosen: Promise<KeyStorage> | undefined
  const choose = (): Promise<KeyStorage> => {
    chosen ??= kept.load('').then(() => kept, memoryStorage)
    return chosen
  }
  return {
    load: async (id) => (await choose()).load(id),
    keep: async (...args) => (await choose()).keep(...args),
    evaluation: async (...args) => (await choose()).evaluation(...args),
    delete: async (id) => (await choose()).delete(id),
    close: () => void chosen?.then((storage) => storage.close()),
  }
}
