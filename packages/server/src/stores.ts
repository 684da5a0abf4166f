import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Audit, createAudit } from './access/audit.ts'
import { createTokens, type Tokens } from './access/tokens.ts'
import { opening } from './closers.ts'
import type { Config } from './config.ts'
import { createKeySets, type KeySets } from './keys/keys.ts'
import { createRegistry } from './registry/create-registry.ts'
import type { Registry } from './registry/registry.ts'
import { type Database, openDatabase } from './store/database.ts'
import { openFiles } from './store/files.ts'
import type { ObjectStore } from './store/objects.ts'

/** What outlives a process: the database, the objects, and all that is kept in them. */
export interface Stores {
  /** SQLite or PostgreSQL, up to date. */
  readonly database: Database
  /** Files or S3. */
  readonly objects: ObjectStore
  /** Of all tenants. */
  readonly tokens: Tokens
  /** Who changed what. */
  readonly audit: Audit
  /** Models and their files. */
  readonly registry: Registry
  /** Sets of evaluation keys. */
  readonly keys: KeySets
  /** Throws GloveboxError `unavailable` where one of them is away. */
  ready(): Promise<void>
  /** Closes all, and deletes a temporary directory. */
  close(): Promise<void>
}

type StoreConfig = Pick<Config, 'data' | 'database' | 's3' | 'adminToken' | 'redis' | 'limits'>

/** Opens what a configuration names; without a data directory a temporary one, which `close` deletes. What throws half-way leaves nothing open. */
export function openStores(config: StoreConfig): Promise<Stores> {
  const { limits } = config
  return opening(async (closers) => {
    let { data } = config
    // Where neither would lie in it, there is no need of a folder.
    if (data === undefined && (config.database === undefined || config.s3 === undefined)) {
      const folder = await mkdtemp(join(tmpdir(), 'glovebox-'))
      closers.add(() => rm(folder, { recursive: true, force: true }))
      data = folder
    }
    const folder = data ?? ''
    // Workers on this machine may share an embedded database only with a queue that leads to them.
    const exclusive = config.redis === undefined
    const database = await openDatabase(
      config.database ? { url: config.database.reveal() } : { directory: folder, exclusive },
    )
    closers.add(() => database.close())
    const objects = config.s3
      ? await (await import('./store/s3.ts')).openS3(config.s3)
      : await openFiles({ directory: join(folder, 'objects'), shared: config.database !== undefined || !exclusive })
    closers.add(() => objects.close())
    const { db } = database
    const registry = createRegistry({ db, objects, maxBytes: limits.blobBytes })
    const keys = createKeySets({
      db,
      objects,
      mayUse: (tenant, program) => registry.mayUse(tenant, program),
      maxBytes: limits.keyBytes,
      tenantBytes: limits.tenantKeyBytes,
      keepMs: limits.keyExpiryMs,
    })
    return {
      database,
      objects,
      tokens: createTokens(db, { adminToken: config.adminToken?.reveal() }),
      audit: createAudit(db),
      registry,
      keys,
      async ready() {
        await Promise.all([database.ready(), objects.ready()])
      },
      close: closers.close,
    }
  })
}
