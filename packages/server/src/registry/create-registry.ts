import { GloveboxError } from '@glovebox/he'
import { requireScope } from '../access/principal.ts'
import { requireDigest } from '../store/contents.ts'
import type { ObjectStore } from '../store/objects.ts'
import { collect } from '../store/stream.ts'
import { type BlobLimits, createBlobs } from './blobs.ts'
import type { FileName, ModelVersion } from './model-version.ts'
import { createModels } from './models.ts'
import type { OpenFile, Registry } from './registry.ts'
import {
  aliased,
  type Db,
  fullVersions,
  highest,
  noVersion,
  readPlaces,
  versionRow,
  visibleModel,
  visibleTo,
} from './rows.ts'
import { createVersions } from './versions.ts'

/** What a registry lives on. */
export interface RegistryOptions extends BlobLimits {
  readonly db: Db
  readonly objects: ObjectStore
  /** For how long what `resolve` found is not looked up again; default 1000 ms. */
  readonly cacheMs?: number | undefined
}

/** Answers of `resolve` that are remembered. */
const remembered = 1000
const publicFiles = ['client.gbx', 'card.md', 'examples.json', 'metrics.json'] as const satisfies FileName[]

/** A registry in a database and an object store. */
export function createRegistry({ db, objects, cacheMs = 1000, ...limits }: RegistryOptions): Registry {
  const blobs = createBlobs(db, objects, limits)
  const cache = new Map<string, { found: ModelVersion; asked: number }>()
  let changes = 0
  const changed = (): void => {
    changes++
    cache.clear()
  }

  async function lookUp(tenant: string, name: string, version: string | undefined): Promise<ModelVersion> {
    const model = await visibleModel(db, tenant, name)
    const wanted = version ?? (await aliased(db, model, 'production')) ?? (await highest(db, model)) ?? 'production'
    const [found] = await fullVersions(db, [model], [await versionRow(db, model, wanted)])
    if (!found) throw noVersion(name, wanted)
    return found
  }

  const resolve: Registry['resolve'] = async ({ tenant }, name, version) => {
    const key = JSON.stringify([tenant, name, version])
    const known = cache.get(key)
    // By its distance: a clock that is set back prolongs nothing.
    if (known && Math.abs(Date.now() - known.asked) < cacheMs) return known.found
    const [asked, before] = [Date.now(), changes]
    const found = await lookUp(tenant, name, version)
    // What was changed while it was being read is not remembered as it was.
    if (before === changes) {
      if (cache.size >= remembered) cache.clear()
      cache.set(key, { found, asked })
    }
    return found
  }

  /** A blob that is nowhere a server part, whatever else it is called. */
  async function open(tenant: string, sha256: string): Promise<OpenFile> {
    const secret = await db
      .selectFrom('files')
      .select('sha256')
      .where('sha256', '=', sha256)
      .where('name', '=', 'server.gbx')
      .limit(1)
      .executeTakeFirst()
    const content = secret ? undefined : await blobs.find(tenant, sha256)
    if (!content) throw noBlob(sha256)
    return { sha256, bytes: content.bytes, body: blobs.open(content) }
  }

  return {
    ...createModels(db, changed),
    ...createVersions(db, blobs, changed),
    resolve,
    async mayUse(tenant, program) {
      const row = await db
        .selectFrom('models')
        .innerJoin('versions', 'versions.model', 'models.id')
        .select('models.id')
        .where('versions.digest', '=', program)
        .where((eb) => visibleTo(tenant)(eb as never))
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async file(p, name, version, file) {
      const found = await resolve(p, name, version)
      const reference = (publicFiles as readonly FileName[]).includes(file) ? found.files[file] : undefined
      if (!reference)
        throw new GloveboxError('not-found', `version ${found.version} of the model "${name}" offers no ${file}`)
      return open(found.tenant, reference.sha256)
    },
    async blob({ tenant }, sha256) {
      requireDigest(sha256)
      const row = await db
        .selectFrom('models')
        .innerJoin('files', 'files.model', 'models.id')
        .select('models.tenant')
        .where('files.sha256', '=', sha256)
        .where('files.name', 'in', [...publicFiles])
        .where((eb) => visibleTo(tenant)(eb as never))
        .limit(1)
        .executeTakeFirst()
      if (!row) throw noBlob(sha256)
      return open(row.tenant, sha256)
    },
    async serverPart(sha256) {
      const row = await db
        .selectFrom('files')
        .innerJoin('models', 'models.id', 'files.model')
        .innerJoin('blobs', (join) =>
          join.onRef('blobs.sha256', '=', 'files.sha256').onRef('blobs.tenant', '=', 'models.tenant'),
        )
        .select(['blobs.object', 'blobs.bytes'])
        .where('files.sha256', '=', requireDigest(sha256))
        .where('files.name', '=', 'server.gbx')
        .limit(1)
        .executeTakeFirst()
      if (!row) throw new GloveboxError('not-found', `there is no server part ${sha256}: its version was deleted`)
      return collect(objects.get(row.object), row.bytes)
    },
    async everyVersion() {
      const places = await db
        .selectFrom('versions')
        .select(['model', 'version'])
        .orderBy('created_at', 'desc')
        .orderBy('model')
        .orderBy('version', 'desc')
        .execute()
      const found: ModelVersion[] = []
      // Databases take some ten thousand values in one question.
      for (let at = 0; at < places.length; at += 1000)
        found.push(...(await readPlaces(db, places.slice(at, at + 1000))))
      return found
    },
    async blobState(p, sha256) {
      requireScope(p, 'push')
      return blobs.state(p.tenant, sha256)
    },
    async appendBlob(p, sha256, part) {
      requireScope(p, 'push')
      return blobs.append(p.tenant, sha256, part)
    },
    async putBlob(p, sha256, body, options) {
      requireScope(p, 'push')
      return blobs.put(p.tenant, sha256, body, options)
    },
    sweep: (now = Date.now()) => blobs.sweep(now),
  }
}

function noBlob(sha256: string): GloveboxError {
  return new GloveboxError('not-found', `there is no blob ${sha256} here that you may read`)
}
