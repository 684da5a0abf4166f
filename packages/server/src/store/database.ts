import { setTimeout as sleep } from 'node:timers/promises'
import { GloveboxError } from '@glovebox/he'
import { type Dialect, Kysely, sql } from 'kysely'
import { migrate } from './migrations.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { Tables } from './tables.ts'

/** A database that is up to date. */
export interface Database {
  /** One text for both kinds. */
  readonly db: Kysely<Tables>
  /** Which of the two. */
  readonly kind: 'sqlite' | 'postgres'
  /** Throws GloveboxError `unavailable` where it does not answer. */
  ready(): Promise<void>
  /** Ends its connections, or gives the directory free. */
  close(): Promise<void>
}

/** The embedded one in a data directory, or PostgreSQL by URL. */
export type DatabaseOptions =
  | {
      readonly directory: string
      /** Whether a second server on the directory is refused; default true. */
      readonly exclusive?: boolean | undefined
    }
  | {
      readonly url: string
      /** Default 10. */
      readonly connections?: number | undefined
      /** Milliseconds in which a server that is just starting may come up; default 15000. */
      readonly patienceMs?: number | undefined
    }

/** Opens a database and brings its tables up to date. Throws GloveboxError `unavailable`, `unsupported`, `malformed`. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const embedded = 'directory' in options
  const dialect: Dialect = embedded ? openSqlite(options.directory, options) : await openPostgres(options.url, options)
  const db = new Kysely<Tables>({ dialect })
  const close = (): Promise<void> => db.destroy()
  const ready = async (): Promise<void> => {
    await sql`select 1`.execute(db)
  }
  try {
    // A connection first: Kysely closes only what it has opened.
    await ready().catch(() => undefined)
    await patiently(() => migrate(db), embedded ? 0 : (options.patienceMs ?? 15_000))
  } catch (error) {
    await close()
    throw error
  }
  return { db, kind: embedded ? 'sqlite' : 'postgres', ready, close }
}

/** Again and again while it is unavailable. */
async function patiently(work: () => Promise<void>, patienceMs: number): Promise<void> {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof GloveboxError && error.code === 'unavailable') || Date.now() >= until) throw error
      await sleep(250)
    }
  }
}
