import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import { type KeyRecord, type KeyStorage, stays } from './storage.ts'

interface Schema extends DBSchema {
  /** One AES-256-GCM key that no script can read, under the key 'secret keys'. */
  wrapping: { key: string; value: CryptoKey }
  sets: {
    key: string
    value: { readonly digest: string; readonly created: number; readonly iv: Uint8Array; readonly sealed: ArrayBuffer }
  }
  /** Public. */
  evaluation: { key: string; value: { readonly digest: string; readonly bytes: Uint8Array<ArrayBuffer> } }
}

/** AES-GCM (NIST SP 800-38D) takes nonces of 96 bits; drawn at random, one for each set of keys. */
const nonceBytes = 12
const wrappingName = 'secret keys'

/** Whether this page may keep keys: IndexedDB, and Web Crypto, which pages have over https and on the local machine only. */
export function canKeepKeys(): boolean {
  return typeof indexedDB !== 'undefined' && globalThis.crypto?.subtle !== undefined
}

/**
 * Keeps keys in IndexedDB. A secret key lies there sealed with AES-GCM, under a key that is made here and cannot be exported: a copy of the
 * database's values opens nothing. Whoever runs script on the page, or owns the profile, can have it opened.
 */
export function indexedDbStorage(name = 'glovebox'): KeyStorage {
  const { subtle } = globalThis.crypto
  let opening: Promise<IDBPDatabase<Schema>> | undefined
  const open = (): Promise<IDBPDatabase<Schema>> => {
    opening ??= openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore('wrapping')
        database.createObjectStore('sets')
        database.createObjectStore('evaluation')
      },
      // Another tab wants to delete or upgrade the database.
      blocking() {
        void opening?.then((database) => database.close())
        opening = undefined
      },
      terminated() {
        opening = undefined
      },
    }).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  const wrapping = async (): Promise<CryptoKey> => {
    const database = await open()
    const found = await database.get('wrapping', wrappingName)
    if (found) return found
    const made = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    // Another tab may have been faster.
    const change = database.transaction('wrapping', 'readwrite')
    const winner = (await change.store.get(wrappingName)) ?? made
    await change.store.put(winner, wrappingName)
    await change.done
    return winner
  }

  /** Binds the seal to its place and its set. */
  const context = (id: string, digest: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${id} ${digest}`)

  const unseal = async (id: string, set: Schema['sets']['value']): Promise<KeyRecord | undefined> => {
    const { digest, created, iv, sealed } = set
    try {
      const additionalData = context(id, digest)
      const parameters = { name: 'AES-GCM', iv: iv as Uint8Array<ArrayBuffer>, additionalData }
      const secret = await subtle.decrypt(parameters, await wrapping(), sealed)
      return { digest, created, secret: new Uint8Array(secret) }
    } catch {
      return undefined
    }
  }

  const storage: KeyStorage = {
    async load(id) {
      const set = await (await open()).get('sets', id)
      if (!set) return undefined
      const record = await unseal(id, set)
      // A browser that cleared a part of its data: what cannot be opened is of no use.
      if (!record) await storage.delete(id)
      return record
    },
    async keep(id, record, evaluation, replaces) {
      const { digest, created, secret } = record
      const iv = globalThis.crypto.getRandomValues(new Uint8Array(nonceBytes))
      const parameters = { name: 'AES-GCM', iv, additionalData: context(id, digest) }
      const sealed = await subtle.encrypt(parameters, await wrapping(), secret)
      const database = await open()
      const change = database.transaction(['sets', 'evaluation'], 'readwrite')
      const kept = await change.objectStore('sets').get(id)
      if (kept && kept.digest !== replaces) {
        await change.done
        const winner = await unseal(id, kept)
        if (stays(winner, replaces)) return winner
        return storage.keep(id, record, evaluation, kept.digest)
      }
      await change.objectStore('sets').put({ digest, created, iv, sealed }, id)
      await change.objectStore('evaluation').delete(id)
      await change.done
      // There may be no room for them; the secret key alone is worth keeping.
      // Nobody waits for megabytes to be written.
      void database.put('evaluation', { digest, bytes: evaluation }, id).catch(() => undefined)
      return record
    },
    async evaluation(id, digest) {
      const kept = await (await open()).get('evaluation', id)
      return kept?.digest === digest ? kept.bytes : undefined
    },
    async delete(id) {
      const change = (await open()).transaction(['sets', 'evaluation'], 'readwrite')
      await Promise.all([
        change.objectStore('sets').delete(id),
        change.objectStore('evaluation').delete(id),
        change.done,
      ])
    },
    close() {
      void opening?.then((database) => database.close())
      opening = undefined
    },
  }
  return storage
}
