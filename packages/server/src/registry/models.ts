import { randomUUID } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import { requireScope, requireTenant } from '../access/principal.ts'
import { decodePlace, encodePlace, parseFilter, requireLimit } from './filter.ts'
import type { RegisteredModel } from './model-version.ts'
import { requireDescription, requireName, requireTags } from './names.ts'
import type { Registry } from './registry.ts'
import { type Db, fullModels, noModel, ownModel, visibleModel, visibleTo } from './rows.ts'

type Models = Pick<
  Registry,
  | 'createModel'
  | 'getModel'
  | 'renameModel'
  | 'updateModel'
  | 'deleteModel'
  | 'searchModels'
  | 'grant'
  | 'revoke'
  | 'permissions'
>

const taken = (name: string): GloveboxError =>
  new GloveboxError('exists', `the name "${name}" is taken: choose another one`)

/** Models as such, and who may use them. `changed` is called after every change. */
export function createModels(db: Db, changed: () => void): Models {
  const change = async <T>(work: (tx: Db) => Promise<T>): Promise<T> => {
    try {
      return await db.transaction().execute(work)
    } finally {
      changed()
    }
  }
  const full = async (tx: Db, tenant: string, name: string): Promise<RegisteredModel> => {
    const [model] = await fullModels(tx, [await visibleModel(tx, tenant, name)])
    if (!model) throw noModel(name)
    return model
  }

  return {
    createModel: (p, { name, description = '', tags = {} }) =>
      change(async (tx) => {
        requireScope(p, 'push')
        requireName(name)
        requireDescription(description)
        requireTags(tags)
        const [id, now] = [randomUUID(), Date.now()]
        const { numInsertedOrUpdatedRows } = await tx
          .insertInto('models')
          .values({ id, name, tenant: requireTenant(p.tenant), description, created_at: now, updated_at: now })
          .onConflict((conflict) => conflict.column('name').doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows !== 1n) throw taken(name)
        const rows = Object.entries(tags).map(([key, value]) => ({ model: id, version: 0, key, value }))
        if (rows.length > 0) await tx.insertInto('tags').values(rows).execute()
        return full(tx, p.tenant, name)
      }),
    getModel: (p, name) => full(db, p.tenant, name),
    renameModel: (p, name, newName) =>
      change(async (tx) => {
        requireName(newName)
        const { id } = await ownModel(tx, p, name)
        if (newName !== name) {
          const other = await tx.selectFrom('models').select('id').where('name', '=', newName).executeTakeFirst()
          if (other) throw taken(newName)
          // Versions keep their numbers, so that none under the new name is given twice.
          const counters = await tx
            .selectFrom('counters')
            .select((eb) => eb.fn.max('version').as('version'))
            .where('name', 'in', [name, newName])
            .executeTakeFirst()
          await setCounter(tx, newName, counters?.version ?? 0)
          // Two renames at once to one name end in an error of the index.
          await tx
            .updateTable('models')
            .set({ name: newName })
            .where('id', '=', id)
            .execute()
            .catch((cause: unknown) => {
              if (cause instanceof GloveboxError) throw cause
              throw taken(newName)
            })
        }
        return full(tx, p.tenant, newName)
      }),
    updateModel: (p, name, description) =>
      change(async (tx) => {
        requireDescription(description)
        const { id } = await ownModel(tx, p, name)
        await tx.updateTable('models').set({ description }).where('id', '=', id).execute()
        return full(tx, p.tenant, name)
      }),
    deleteModel: (p, name) =>
      change(async (tx) => {
        const { id } = await ownModel(tx, p, name)
        for (const table of ['tags', 'aliases', 'files', 'versions', 'permissions'] as const)
          await tx.deleteFrom(table).where('model', '=', id).execute()
        await tx.deleteFrom('models').where('id', '=', id).execute()
      }),
    async searchModels({ tenant }, { filter, limit: most, next } = {}) {
      const limit = requireLimit(most)
      let query = db
        .selectFrom('models')
        .selectAll()
        .where(visibleTo(tenant))
        .orderBy('name')
        .limit(limit + 1)
      if (next !== undefined) query = query.where('name', '>', decodePlace(next).name)
      for (const condition of parseFilter(filter)) {
        if (condition.on === 'version')
          throw new GloveboxError('malformed', 'the filter has version_number, which models have not')
        if (condition.on === 'tag') {
          const { key, value } = condition
          query = query.where(({ exists, selectFrom }) =>
            exists(
              selectFrom('tags')
                .select('tags.model')
                .whereRef('tags.model', '=', 'models.id')
                .where('tags.version', '=', 0)
                .where('tags.key', '=', key)
                .where('tags.value', '=', value),
            ),
          )
        } else if (condition.match === 'ilike')
          query = query.where(({ eb, fn }) => eb(fn<string>('lower', ['name']), 'like', condition.value.toLowerCase()))
        else query = query.where('name', condition.match === 'equal' ? '=' : 'like', condition.value)
      }
      const rows = await query.execute()
      const items = await fullModels(db, rows.slice(0, limit))
      const last = items.at(-1)
      return { items, next: rows.length > limit && last ? encodePlace([last.name]) : undefined }
    },

    grant: (p, name, tenant) =>
      change(async (tx) => {
        if (tenant !== '*') requireTenant(tenant)
        const { id } = await ownModel(tx, p, name)
        const { numInsertedOrUpdatedRows } = await tx
          .insertInto('permissions')
          .values({ model: id, tenant })
          .onConflict((conflict) => conflict.columns(['model', 'tenant']).doNothing())
          .executeTakeFirstOrThrow()
        if (numInsertedOrUpdatedRows !== 1n)
          throw new GloveboxError('exists', `"${tenant}" may use the model "${name}" already`)
      }),
    revoke: (p, name, tenant) =>
      change(async (tx) => {
        const { id } = await ownModel(tx, p, name)
        const { numDeletedRows } = await tx
          .deleteFrom('permissions')
          .where('model', '=', id)
          .where('tenant', '=', tenant)
          .executeTakeFirstOrThrow()
        if (numDeletedRows === 0n)
          throw new GloveboxError('not-found', `"${tenant.slice(0, 64)}" was not granted the model "${name}"`)
      }),
    async permissions(p, name) {
      const { id, tenant } = await visibleModel(db, p.tenant, name)
      if (tenant !== p.tenant)
        throw new GloveboxError('unauthorised', `the model "${name}" is of another tenant, which sees who may use it`)
      const rows = await db
        .selectFrom('permissions')
        .select('tenant')
        .where('model', '=', id)
        .orderBy('tenant')
        .execute()
      return rows.map((row) => row.tenant)
    },
  }
}

/** The highest version that was given under a name. */
export async function setCounter(tx: Db, name: string, version: number): Promise<void> {
  await tx
    .insertInto('counters')
    .values({ name, version })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ version }))
    .execute()
}
