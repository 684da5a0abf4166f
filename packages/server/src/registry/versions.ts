import { GloveboxError } from '@glovebox/he'
import { type Principal, requireScope } from '../access/principal.ts'
import type { VersionTable } from '../store/tables.ts'
import { createTurns } from '../store/turns.ts'
import type { Blobs } from './blobs.ts'
import { decodePlace, encodePlace, parseFilter, requireLimit } from './filter.ts'
import { type ManifestFiles, readContent, readManifest, type VersionContent } from './manifest.ts'
import { type ModelVersion, type Stage, stages } from './model-version.ts'
import { requireAlias, requireDescription, requireStage, requireTag, requireTags } from './names.ts'
import type { Registry } from './registry.ts'
import {
  type Db,
  fullVersions,
  manifestName,
  noModel,
  ownModel,
  readPlaces,
  versionRow,
  visibleModel,
  visibleTo,
} from './rows.ts'

type Versions = Pick<
  Registry,
  | 'createVersion'
  | 'getVersion'
  | 'updateVersion'
  | 'deleteVersion'
  | 'searchVersions'
  | 'latestVersions'
  | 'transitionStage'
  | 'setTag'
  | 'deleteTag'
  | 'setAlias'
  | 'deleteAlias'
>

/** Versions, their tags, aliases and stages. `changed` is called after every change. */
export function createVersions(db: Db, blobs: Blobs, changed: () => void): Versions {
  const change = async <T>(work: (tx: Db) => Promise<T>): Promise<T> => {
    try {
      return await db.transaction().execute(work)
    } finally {
      changed()
    }
  }
  // Parts of a model are read whole: one model's at a time are in memory.
  const inTurn = createTurns()
  const full = async (tx: Db, tenant: string, name: string, version: number | string): Promise<ModelVersion> => {
    const model = await visibleModel(tx, tenant, name)
    const [found] = await fullVersions(tx, [model], [await versionRow(tx, model, version)])
    if (!found) throw noModel(name)
    return found
  }

  return {
    async createVersion(p, { name, manifest, description = '', tags = {} }) {
      requireScope(p, 'push')
      requireDescription(description)
      requireTags(tags)
      // Before anything is read; again in the transaction.
      await ownModel(db, p, name)
      const { files, digest, signature, metrics } = await inTurn(() => readVersion(blobs, p.tenant, manifest))
      const named = { ...files, [manifestName]: { sha256: manifest, bytes: 0 } }
      const number = await change(async (tx) => {
        const { id: model } = await ownModel(tx, p, name)
        const version = await nextNumber(tx, name)
        await blobs.hold(tx, p.tenant, [...new Set(Object.values(named).map(({ sha256 }) => sha256))])
        const now = Date.now()
        await tx
          .insertInto('versions')
          .values({
            model,
            version,
            digest,
            manifest,
            stage: 'None',
            description,
            signature: JSON.stringify(signature),
            created_at: now,
            updated_at: now,
          })
          .execute()
        const fileRows = Object.entries(named).map(([file, reference]) => ({
          model,
          version,
          name: file,
          ...reference,
        }))
        await tx.insertInto('files').values(fileRows).execute()
        const tagRows = Object.entries({ ...metrics, ...tags }).map(([key, value]) => ({ model, version, key, value }))
        if (tagRows.length > 0) await tx.insertInto('tags').values(tagRows).execute()
        return version
      })
      return full(db, p.tenant, name, number)
    },
    getVersion: (p, name, version) => full(db, p.tenant, name, version),
    updateVersion: (p, name, version, description) =>
      change(async (tx) => {
        requireDescription(description)
        const model = await ownModel(tx, p, name)
        const row = await versionRow(tx, model, version)
        await update(tx, row, { description })
        return full(tx, p.tenant, name, row.version)
      }),
    deleteVersion: (p, name, version) =>
      change(async (tx) => {
        const model = await ownModel(tx, p, name)
        const row = await versionRow(tx, model, version)
        for (const table of ['tags', 'aliases', 'files', 'versions'] as const)
          await tx.deleteFrom(table).where('model', '=', row.model).where('version', '=', row.version).execute()
      }),
    async searchVersions({ tenant }, { filter, limit: most, next } = {}) {
      const limit = requireLimit(most)
      let query = db
        .selectFrom('versions')
        .innerJoin('models', 'models.id', 'versions.model')
        .select(['models.name', 'versions.model', 'versions.version'])
        .where((eb) => visibleTo(tenant)(eb as never))
        .orderBy('models.name')
        .orderBy('versions.version', 'desc')
        .limit(limit + 1)
      if (next !== undefined) {
        const place = decodePlace(next)
        query = query.where((eb) =>
          eb.or([
            eb('models.name', '>', place.name),
            eb.and([eb('models.name', '=', place.name), eb('versions.version', '<', place.version)]),
          ]),
        )
      }
      for (const condition of parseFilter(filter)) {
        if (condition.on === 'version') query = query.where('versions.version', '=', condition.value)
        else if (condition.on === 'tag') {
          const { key, value } = condition
          query = query.where(({ exists, selectFrom }) =>
            exists(
              selectFrom('tags')
                .select('tags.model')
                .whereRef('tags.model', '=', 'versions.model')
                .whereRef('tags.version', '=', 'versions.version')
                .where('tags.key', '=', key)
                .where('tags.value', '=', value),
            ),
          )
        } else if (condition.match === 'ilike')
          query = query.where(({ eb, fn }) =>
            eb(fn<string>('lower', ['models.name']), 'like', condition.value.toLowerCase()),
          )
        else query = query.where('models.name', condition.match === 'equal' ? '=' : 'like', condition.value)
      }
      const places = await query.execute()
      const page = places.slice(0, limit)
      const items = await readPlaces(db, page)
      const last = page.at(-1)
      return { items, next: places.length > limit && last ? encodePlace([last.name, last.version]) : undefined }
    },
    async latestVersions({ tenant }, name, wanted = stages) {
      const known = wanted.map(requireStage)
      const model = await visibleModel(db, tenant, name)
      const rows = await db
        .selectFrom('versions')
        .selectAll()
        .where('model', '=', model.id)
        .orderBy('version', 'desc')
        .execute()
      const latest = stages.flatMap((stage) =>
        known.includes(stage) ? rows.filter((row) => row.stage === stage).slice(0, 1) : [],
      )
      return fullVersions(db, [model], latest)
    },
    transitionStage: (p, name, version, stage, { archiveExisting = false } = {}) =>
      change(async (tx) => {
        const to = requireStage(stage)
        const model = await ownModel(tx, p, name)
        const row = await versionRow(tx, model, version)
        if (archiveExisting)
          await tx
            .updateTable('versions')
            .set({ stage: 'Archived', updated_at: Date.now() })
            .where('model', '=', model.id)
            .where('stage', '=', to)
            .where('version', '!=', row.version)
            .execute()
        await update(tx, row, { stage: to })
        return full(tx, p.tenant, name, row.version)
      }),
    setTag: (p, name, version, key, value) =>
      change(async (tx) => {
        requireTag(key, value)
        const place = await tagged(tx, p, name, version)
        await tx
          .insertInto('tags')
          .values({ ...place, key, value })
          .onConflict((conflict) => conflict.columns(['model', 'version', 'key']).doUpdateSet({ value }))
          .execute()
      }),
    deleteTag: (p, name, version, key) =>
      change(async (tx) => {
        const place = await tagged(tx, p, name, version)
        const { numDeletedRows } = await tx
          .deleteFrom('tags')
          .where('model', '=', place.model)
          .where('version', '=', place.version)
          .where('key', '=', key)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n) throw new GloveboxError('not-found', `there is no tag "${key.slice(0, 80)}"`)
      }),
    setAlias: (p, name, alias, version) =>
      change(async (tx) => {
        requireAlias(alias)
        const model = await ownModel(tx, p, name)
        const { version: number } = await versionRow(tx, model, version)
        await tx
          .insertInto('aliases')
          .values({ model: model.id, alias, version: number })
          .onConflict((conflict) => conflict.columns(['model', 'alias']).doUpdateSet({ version: number }))
          .execute()
      }),
    deleteAlias: (p, name, alias) =>
      change(async (tx) => {
        const model = await ownModel(tx, p, name)
        const { numDeletedRows } = await tx
          .deleteFrom('aliases')
          .where('model', '=', model.id)
          .where('alias', '=', alias)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n)
          throw new GloveboxError('not-found', `the model "${name}" has no alias "${alias.slice(0, 64)}"`)
      }),
  }
}

/** What a manifest and the blobs that it names say. */
async function readVersion(
  blobs: Blobs,
  tenant: string,
  manifest: string,
): Promise<VersionContent & { readonly files: ManifestFiles }> {
  const files = readManifest(await blobs.read(tenant, manifest, 'manifest.json'))
  const bytes: Record<string, Uint8Array> = {}
  for (const [file, { sha256, bytes: length }] of Object.entries(files)) {
    bytes[file] = await blobs.read(tenant, sha256, file)
    if (bytes[file].length !== length)
      throw new GloveboxError(
        'malformed',
        `the manifest says that ${file} has ${length} bytes, it has ${bytes[file].length}`,
      )
  }
  return { ...readContent(bytes), files }
}

/** One more than was ever given under the name. */
async function nextNumber(tx: Db, name: string): Promise<number> {
  await tx
    .insertInto('counters')
    .values({ name, version: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute()
  const { version } = await tx
    .updateTable('counters')
    .set((eb) => ({ version: eb('version', '+', 1) }))
    .where('name', '=', name)
    .returning('version')
    .executeTakeFirstOrThrow()
  return version
}

async function update(
  tx: Db,
  { model, version }: VersionTable,
  values: { readonly description?: string; readonly stage?: Stage },
): Promise<void> {
  await tx
    .updateTable('versions')
    .set({ ...values, updated_at: Date.now() })
    .where('model', '=', model)
    .where('version', '=', version)
    .execute()
}

async function tagged(
  tx: Db,
  p: Principal,
  name: string,
  version: number | string | undefined,
): Promise<{ model: string; version: number }> {
  const model = await ownModel(tx, p, name)
  return { model: model.id, version: version === undefined ? 0 : (await versionRow(tx, model, version)).version }
}
