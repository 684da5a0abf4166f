import { GloveboxError } from '@glovebox/he'
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { start } from './migrations/0001-start.ts'
import type { Tables } from './tables.ts'

/** In this order. One that was released is never changed: what comes later is a new one. */
const migrations: Readonly<Record<string, Migration>> = { '0001-start': start }

/** Brings the tables up to date, whole or not at all; several at once wait for each other. Throws GloveboxError `unsupported` for tables of a newer release. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
  const { error } = await migrator.migrateToLatest()
  if (!error) return
  if (/previously executed migration .* is missing/.test((error as Error).message))
    throw new GloveboxError('unsupported', 'the database was made by a newer release of Glovebox: use that one', {
      cause: error,
    })
  throw error
}
