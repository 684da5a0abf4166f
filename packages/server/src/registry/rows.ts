import { GloveboxError } from '@glovebox/he'
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely'
import { type Principal, requireScope } from '../access/principal.ts'
import type { ModelTable, Tables, VersionTable } from '../store/tables.ts'
import type { ModelVersion, RegisteredModel, Signature, Stage } from './model-version.ts'
import { versionNumber } from './names.ts'

/** Under which `files` refers to the manifest itself. */
export const manifestName = 'manifest.json'

/** A database, or a transaction on it. */
export type Db = Kysely<Tables>

/** That a model is the tenant's, or granted to it or to all. For queries with `models` in them. */
export function visibleTo(tenant: string) {
  return (eb: ExpressionBuilder<Tables, 'models'>): Expression<SqlBool> =>
    eb.or([
      eb('models.tenant', '=', tenant),
      eb.exists(
        eb
          .selectFrom('permissions')
          .select('permissions.model')
          .whereRef('permissions.model', '=', 'models.id')
          .where('permissions.tenant', 'in', [tenant, '*']),
      ),
    ])
}

/** Also what is there and not granted. */
export function noModel(name: string): GloveboxError {
  return new GloveboxError('not-found', `there is no model "${name.slice(0, 64)}" here that you may use`)
}

export function noVersion(name: string, version: string | number): GloveboxError {
  return new GloveboxError('not-found', `the model "${name}" has no version or alias "${String(version).slice(0, 64)}"`)
}

/** The row of a model that the tenant may use. Throws GloveboxError `not-found`. */
export async function visibleModel(db: Db, tenant: string, name: string): Promise<ModelTable> {
  const row = await db
    .selectFrom('models')
    .selectAll()
    .where('name', '=', name)
    .where(visibleTo(tenant))
    .executeTakeFirst()
  if (!row) throw noModel(name)
  return row
}

/**
 * The row of a model that the principal may change, held against others until the transaction ends. Throws GloveboxError `not-found`, or `unauthorised`
 * for one that it may only use.
 */
export async function ownModel(tx: Db, p: Principal, name: string): Promise<ModelTable> {
  requireScope(p, 'push')
  const row = await tx
    .updateTable('models')
    .set({ updated_at: Date.now() })
    .where('name', '=', name)
    .where('tenant', '=', p.tenant)
    .returningAll()
    .executeTakeFirst()
  if (row) return row
  const { tenant } = await visibleModel(tx, p.tenant, name)
  throw new GloveboxError('unauthorised', `the model "${name}" is of the tenant "${tenant}": only that one changes it`)
}

/** By number or alias. Throws GloveboxError `not-found`. */
export async function versionRow(db: Db, model: ModelTable, version: number | string): Promise<VersionTable> {
  const number = versionNumber(version) ?? (await aliased(db, model, String(version)))
  const row =
    number === undefined
      ? undefined
      : await db
          .selectFrom('versions')
          .selectAll()
          .where('model', '=', model.id)
          .where('version', '=', number)
          .executeTakeFirst()
  if (!row) throw noVersion(model.name, version)
  return row
}

/** The version that an alias is of. "latest" is the highest one. */
export async function aliased(db: Db, model: ModelTable, alias: string): Promise<number | undefined> {
  if (alias === 'latest') return highest(db, model)
  const row = await db
    .selectFrom('aliases')
    .select('version')
    .where('model', '=', model.id)
    .where('alias', '=', alias)
    .executeTakeFirst()
  return row?.version
}

export async function highest(db: Db, model: ModelTable): Promise<number | undefined> {
  const row = await db
    .selectFrom('versions')
    .select((eb) => eb.fn.max('version').as('version'))
    .where('model', '=', model.id)
    .executeTakeFirst()
  return row?.version ?? undefined
}

/** Versions in full, in the order of the rows. */
export async function fullVersions(
  db: Db,
  models: readonly ModelTable[],
  rows: readonly VersionTable[],
): Promise<ModelVersion[]> {
  if (rows.length === 0) return []
  const ids = [...new Set(rows.map(({ model }) => model))]
  const [only] = rows.length === 1 ? rows : []
  let fileQuery = db.selectFrom('files').selectAll().where('model', 'in', ids)
  let tagQuery = db.selectFrom('tags').selectAll().where('model', 'in', ids).where('version', '>', 0)
  let aliasQuery = db.selectFrom('aliases').selectAll().where('model', 'in', ids).orderBy('alias')
  if (only) {
    fileQuery = fileQuery.where('version', '=', only.version)
    tagQuery = tagQuery.where('version', '=', only.version)
    aliasQuery = aliasQuery.where('version', '=', only.version)
  }
  const [files, tags, aliases] = [await fileQuery.execute(), await tagQuery.execute(), await aliasQuery.execute()]
  const placeOf = ({ model, version }: { model: string; version: number }): string => `${model} ${version}`
  const [filesOf, tagsOf, aliasesOf] = [
    Map.groupBy(files, placeOf),
    Map.groupBy(tags, placeOf),
    Map.groupBy(aliases, placeOf),
  ]
  const byId = new Map(models.map((model) => [model.id, model]))
  return rows.map((row) => {
    const place = placeOf(row)
    const model = byId.get(row.model)!
    const own = (filesOf.get(place) ?? []).filter(({ name }) => name !== manifestName)
    return {
      ...(JSON.parse(row.signature) as Signature),
      name: model.name,
      tenant: model.tenant,
      version: row.version,
      digest: row.digest,
      manifest: row.manifest,
      files: Object.fromEntries(
        own.map(({ name, sha256, bytes }) => [name, { sha256, bytes }]),
      ) as unknown as ModelVersion['files'],
      stage: row.stage as Stage,
      description: row.description,
      tags: Object.fromEntries((tagsOf.get(place) ?? []).map(({ key, value }) => [key, value])),
      aliases: (aliasesOf.get(place) ?? []).map(({ alias }) => alias),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  })
}

/** Models in full, in the order of the rows. */
export async function fullModels(db: Db, models: readonly ModelTable[]): Promise<RegisteredModel[]> {
  if (models.length === 0) return []
  const ids = models.map(({ id }) => id)
  const rows = await db
    .selectFrom('versions')
    .selectAll()
    .where('model', 'in', ids)
    .orderBy('version', 'desc')
    .execute()
  const versions = Map.groupBy(await fullVersions(db, models, rows), ({ name }) => name)
  const tags = await db.selectFrom('tags').selectAll().where('model', 'in', ids).where('version', '=', 0).execute()
  const tagsOf = Map.groupBy(tags, ({ model }) => model)
  return models.map(({ id, name, tenant, description, created_at, updated_at }) => {
    const own = versions.get(name) ?? []
    return {
      name,
      tenant,
      description,
      tags: Object.fromEntries((tagsOf.get(id) ?? []).map(({ key, value }) => [key, value])),
      aliases: Object.fromEntries(own.flatMap(({ aliases, version }) => aliases.map((alias) => [alias, version]))),
      versions: own,
      createdAt: created_at,
      updatedAt: updated_at,
    }
  })
}

/** Versions in full by model and number, in that order. */
export async function readPlaces(
  db: Db,
  places: readonly { readonly model: string; readonly version: number }[],
): Promise<ModelVersion[]> {
  if (places.length === 0) return []
  const ids = [...new Set(places.map(({ model }) => model))]
  const models = await db.selectFrom('models').selectAll().where('id', 'in', ids).execute()
  const rows = await db.selectFrom('versions').selectAll().where('model', 'in', ids).execute()
  const byPlace = new Map(rows.map((row) => [`${row.model} ${row.version}`, row]))
  // What was deleted between the questions is left out.
  const known = new Set(models.map(({ id }) => id))
  const found = places.flatMap(({ model, version }) => byPlace.get(`${model} ${version}`) ?? [])
  return fullVersions(
    db,
    models,
    found.filter(({ model }) => known.has(model)),
  )
}
