import { GloveboxError } from '@glovebox/he'
import type { Kysely } from 'kysely'
import { type Principal, requireScope } from '../access/principal.ts'
import { createContents, requireDigest } from '../store/contents.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { KeyTable, Tables } from '../store/tables.ts'
import type { Appended, Part, UploadState } from '../store/uploads.ts'
import { usedIn } from '../store/used.ts'
import { headBytes, programOf, verifyFrame } from './key-frame.ts'

/** A set of evaluation keys. */
export interface KeySet {
  /** SHA-256 of its bytes, hexadecimal. */
  readonly digest: string
  /** Digest of the program that it is for. */
  readonly program: string
  /** Its size. */
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Milliseconds since 1970, to the hour. */
  readonly usedAt: number
  /** Milliseconds since 1970, unless it is used before. */
  readonly expiresAt: number
}

/** What is here of a set. */
export type KeyState = UploadState & {
  /** Milliseconds since 1970; of a whole set. */
  readonly expiresAt?: number
}

/** Sets of evaluation keys by tenant; nobody sees those of others. Digests are 64 lower-case hexadecimal digits, else GloveboxError `malformed`. */
export interface KeySets {
  /** Undefined where nothing of it is here. */
  state(principal: Principal, digest: string): Promise<KeyState | undefined>
  /**
   * Takes a part; the last one completes the set. Throws GloveboxError `too-large` beyond the limits of a set or of the tenant, `malformed` where bytes
   * have another SHA-256 or are no evaluation keys (the upload is dropped), `parameters-mismatch` for keys of a program that the tenant may not use.
   */
  append(principal: Principal, digest: string, part: Part): Promise<Appended>
  /** The whole set at once, in a stream. Whether it is new. Throws as `append`. */
  put(principal: Principal, digest: string, body: AsyncIterable<Uint8Array>, options?: PutKeysOptions): Promise<boolean>
  /** One's own, the last used first. */
  list(principal: Principal): Promise<readonly KeySet[]>
  /** Throws GloveboxError `not-found`. Parts of an unfinished upload go too. */
  delete(principal: Principal, digest: string): Promise<void>
  /** The set for a computation, which counts as use. Throws GloveboxError `not-found`. */
  use(tenant: string, digest: string): Promise<KeySet>
  /** Its size and its bytes. Throws GloveboxError `not-found`. */
  open(tenant: string, digest: string): Promise<{ readonly bytes: number; readonly body: AsyncIterable<Uint8Array> }>
  /** As the body of `open`. */
  bytes(tenant: string, digest: string): AsyncIterable<Uint8Array>
  /** Deletes what has expired and uploads that were given up; gives what went. */
  expire(now?: number): Promise<readonly { readonly tenant: string; readonly digest: string }[]>
  /** All tenants. */
  totals(): Promise<{ readonly sets: number; readonly bytes: number }>
}

/** What `put` may be told. */
export interface PutKeysOptions {
  /** Bytes, where they are announced: refused before they are read. */
  readonly total?: number | undefined
  /** Stops it; nothing is kept. */
  readonly signal?: AbortSignal | undefined
}

/** What the sets live on, and how much they may take. */
export interface KeySetsOptions {
  readonly db: Kysely<Tables>
  readonly objects: ObjectStore
  /** Whether a tenant may use a program: of `Registry`. */
  readonly mayUse: (tenant: string, program: string) => Promise<boolean>
  /** Bytes of one set; default 1 GiB. */
  readonly maxBytes?: number | undefined
  /** Bytes of all sets of a tenant; default 8 GiB. */
  readonly tenantBytes?: number | undefined
  /** From the last use until a set goes; default 30 days. */
  readonly keepMs?: number | undefined
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Sets of evaluation keys in a database and an object store. */
export function createKeySets(options: KeySetsOptions): KeySets {
  const { db, objects, mayUse, maxBytes = 2 ** 30, tenantBytes = 2 ** 33, keepMs = 30 * dayMs } = options
  // Use is written down once an hour, so that predictions do not write.
  const touchMs = Math.min(hourMs, keepMs / 10)
  const row = (tenant: string, digest: string): Promise<KeyTable | undefined> =>
    db
      .selectFrom('keys')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('digest', '=', digest)
      .where('expires_at', '>', Date.now())
      .executeTakeFirst()
  const contents = createContents(objects, {
    area: 'keys',
    what: 'the set of evaluation keys',
    maxBytes,
    tenantBytes,
    headBytes,
    async check(tenant, head) {
      const program = programOf(head)
      if (await mayUse(tenant, program)) return
      throw new GloveboxError(
        'parameters-mismatch',
        `the evaluation keys were made for the model with digest ${program.slice(0, 16)}…, which is not served here, or not to you`,
      )
    },
    verify: verifyFrame,
    find: row,
    used: (tenant) => usedIn(db, 'keys', tenant),
    async insert(tenant, digest, { bytes, object, head }) {
      const now = Date.now()
      const values = {
        program: programOf(head),
        bytes,
        object,
        created_at: now,
        used_at: now,
        expires_at: now + keepMs,
      }
      const insert = (): Promise<{ numInsertedOrUpdatedRows?: bigint | undefined }> =>
        db
          .insertInto('keys')
          .values({ tenant, digest, ...values })
          .onConflict((conflict) => conflict.columns(['tenant', 'digest']).doNothing())
          .executeTakeFirstOrThrow()
      if ((await insert()).numInsertedOrUpdatedRows === 1n) return true
      // It was there; perhaps it has expired, and only nobody has cleared it away yet.
      await remove(tenant, digest, now)
      return (await insert()).numInsertedOrUpdatedRows === 1n
    },
  })

  /** Deletes a set, or only if it has expired by then; its object goes after its row. */
  async function remove(tenant: string, digest: string, expiredBy?: number): Promise<boolean> {
    let query = db.deleteFrom('keys').where('tenant', '=', tenant).where('digest', '=', digest)
    if (expiredBy !== undefined) query = query.where('expires_at', '<=', expiredBy)
    const gone = await query.returning('object').executeTakeFirst()
    if (gone) await objects.delete(gone.object)
    return gone !== undefined
  }

  async function find(tenant: string, digest: string): Promise<KeyTable> {
    const found = await row(tenant, requireDigest(digest))
    if (found) return found
    throw new GloveboxError('not-found', `there are no evaluation keys ${digest} here: upload them first`)
  }

  return {
    async state({ tenant }, digest) {
      const state = await contents.state(tenant, digest)
      const expiresAt = state?.complete ? (await row(tenant, digest))?.expires_at : undefined
      return state && expiresAt !== undefined ? { ...state, expiresAt } : state
    },
    async append(principal, digest, part) {
      requireScope(principal, 'predict')
      return contents.append(principal.tenant, digest, part)
    },
    async put(principal, digest, body, { total, signal } = {}) {
      requireScope(principal, 'predict')
      return contents.put(principal.tenant, digest, body, { total, signal })
    },
    async list({ tenant }) {
      const rows = await db
        .selectFrom('keys')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('expires_at', '>', Date.now())
        .orderBy('used_at', 'desc')
        .orderBy('digest')
        .execute()
      return rows.map(setOf)
    },
    async delete(principal, digest) {
      requireScope(principal, 'predict')
      const { tenant } = principal
      const started = (await contents.state(tenant, digest)) !== undefined
      await contents.drop(tenant, digest)
      if ((await remove(tenant, digest)) || started) return
      throw new GloveboxError('not-found', `there are no evaluation keys ${digest} here`)
    },
    async use(tenant, digest) {
      const found = await find(tenant, digest)
      const now = Date.now()
      if (now - found.used_at < touchMs) return setOf(found)
      const touched = { used_at: now, expires_at: now + keepMs }
      await db
        .updateTable('keys')
        .set(touched)
        .where('tenant', '=', tenant)
        .where('digest', '=', digest)
        .where('used_at', '<', now)
        .execute()
      return setOf({ ...found, ...touched })
    },
    async open(tenant, digest) {
      const { bytes, object } = await find(tenant, digest)
      return { bytes, body: objects.get(object) }
    },
    async *bytes(tenant, digest) {
      const { object } = await find(tenant, digest)
      yield* objects.get(object)
    },
    async expire(now = Date.now()) {
      const rows = await db.selectFrom('keys').select(['tenant', 'digest']).where('expires_at', '<=', now).execute()
      const gone: { tenant: string; digest: string }[] = []
      for (const { tenant, digest } of rows) if (await remove(tenant, digest, now)) gone.push({ tenant, digest })
      await contents.sweep(now - dayMs, async () => {
        const inUse = await db.selectFrom('keys').select('object').execute()
        return new Set(inUse.map(({ object }) => object))
      })
      return gone
    },
    async totals() {
      const { count, bytes } = await usedIn(db, 'keys')
      return { sets: count, bytes }
    },
  }
}

function setOf({ digest, program, bytes, created_at, used_at, expires_at }: KeyTable): KeySet {
  return { digest, program, bytes, createdAt: created_at, usedAt: used_at, expiresAt: expires_at }
}
