import { GloveboxError } from '@glovebox/he'
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely'
import { type Content, createContents, requireDigest } from '../store/contents.ts'
import type { ObjectStore } from '../store/objects.ts'
import { collect } from '../store/stream.ts'
import type { Tables } from '../store/tables.ts'
import type { Appended, Part, UploadState } from '../store/uploads.ts'
import { usedIn } from '../store/used.ts'
import { largestManifest } from './manifest.ts'
import type { Db } from './rows.ts'

/** How much parts of models may take. */
export interface BlobLimits {
  /** Bytes of one; default 1 GiB. */
  readonly maxBytes?: number | undefined
  /** Bytes of all of a tenant; default 16 GiB. */
  readonly tenantBytes?: number | undefined
}

/** Parts of models as they were uploaded, by tenant and SHA-256. Who knows a digest and has not the bytes has nothing. */
export interface Blobs {
  state(tenant: string, sha256: string): Promise<UploadState | undefined>
  append(tenant: string, sha256: string, part: Part): Promise<Appended>
  put(
    tenant: string,
    sha256: string,
    body: AsyncIterable<Uint8Array>,
    options?: { total?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<boolean>
  /** One of the tenant, whole. Throws GloveboxError `not-found`; `too-large` for a text beyond what such a file may have. */
  read(tenant: string, sha256: string, file: string): Promise<Uint8Array<ArrayBuffer>>
  /** Where one of the tenant lies. */
  find(tenant: string, sha256: string): Promise<Content | undefined>
  open(content: Content): AsyncIterable<Uint8Array>
  /** Keeps the sweep from them until the transaction ends. Throws GloveboxError `not-found` where one is gone. */
  hold(tx: Db, tenant: string, digests: readonly string[]): Promise<void>
  /** Deletes what no version refers to. */
  sweep(now: number): Promise<number>
}

const dayMs = 86_400_000
/** Texts are read whole and shown in pages. */
const largestText = 2 ** 20

/** Blobs in a database and an object store. */
export function createBlobs(db: Db, objects: ObjectStore, limits: BlobLimits = {}): Blobs {
  const { maxBytes = 2 ** 30, tenantBytes = 2 ** 34 } = limits
  const find = (tenant: string, sha256: string): Promise<Content | undefined> =>
    db
      .selectFrom('blobs')
      .select(['bytes', 'object'])
      .where('tenant', '=', tenant)
      .where('sha256', '=', sha256)
      .executeTakeFirst()
  const contents = createContents(objects, {
    area: 'blobs',
    what: 'the blob',
    maxBytes,
    tenantBytes,
    headBytes: 0,
    check: async () => undefined,
    verify: () => undefined,
    find,
    used: (tenant) => usedIn(db, 'blobs', tenant),
    async insert(tenant, sha256, { bytes, object }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('blobs')
        .values({ tenant, sha256, bytes, object, created_at: Date.now() })
        .onConflict((conflict) => conflict.columns(['tenant', 'sha256']).doNothing())
        .executeTakeFirstOrThrow()
      return numInsertedOrUpdatedRows === 1n
    },
  })
  const gone = (sha256: string): GloveboxError =>
    new GloveboxError('not-found', `there is no blob ${sha256} of yours here: upload it first`)

  return {
    state: contents.state,
    append: contents.append,
    put: contents.put,
    find,
    open: ({ object }) => objects.get(object),
    async read(tenant, sha256, file) {
      const found = await find(tenant, requireDigest(sha256))
      if (!found) throw gone(sha256)
      const limit = file === 'manifest.json' ? largestManifest : file.endsWith('.gbx') ? maxBytes : largestText
      if (found.bytes > limit)
        throw new GloveboxError('too-large', `${file} has ${found.bytes} bytes, at most ${limit} are accepted`)
      return collect(objects.get(found.object), found.bytes)
    },
    async hold(tx, tenant, digests) {
      // A write, as the two databases have no other lock in common.
      const held = await tx
        .updateTable('blobs')
        .set({ created_at: Date.now() })
        .where('tenant', '=', tenant)
        .where('sha256', 'in', digests)
        .returning('sha256')
        .execute()
      const missing = digests.find((sha256) => !held.some((row) => row.sha256 === sha256))
      if (missing !== undefined) throw gone(missing)
    },
    async sweep(now) {
      const before = now - dayMs
      const old = await db
        .selectFrom('blobs')
        .select(['tenant', 'sha256'])
        .where('created_at', '<', before)
        .where(unreferenced)
        .execute()
      let count = 0
      for (const { tenant, sha256 } of old) {
        const row = await db
          .deleteFrom('blobs')
          .where('tenant', '=', tenant)
          .where('sha256', '=', sha256)
          .where('created_at', '<', before)
          .where(unreferenced)
          .returning('object')
          .executeTakeFirst()
        if (!row) continue
        await objects.delete(row.object)
        count++
      }
      const loose = await contents.sweep(before, async () => {
        const inUse = await db.selectFrom('blobs').select('object').execute()
        return new Set(inUse.map(({ object }) => object))
      })
      return count + loose
    },
  }
}

/** That no version of the blob's tenant has it. */
function unreferenced(eb: ExpressionBuilder<Tables, 'blobs'>): Expression<SqlBool> {
  return eb.not(
    eb.exists(
      eb
        .selectFrom('files')
        .innerJoin('models', 'models.id', 'files.model')
        .select('files.sha256')
        .whereRef('files.sha256', '=', 'blobs.sha256')
        .whereRef('models.tenant', '=', 'blobs.tenant'),
    ),
  )
}
