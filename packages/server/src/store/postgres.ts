import { GloveboxError } from '@glovebox/he'
import { type Dialect, PostgresDialect } from 'kysely'
import type { CustomTypesConfig } from 'pg'
import { databaseAway, guarded } from './guarded.ts'

/** How PostgreSQL is opened. */
export interface PostgresOptions {
  /** Connections at most; default 10. */
  readonly connections?: number | undefined
}

const connectMs = 5000
const queryMs = 30_000

/** PostgreSQL by URL. Connections that were lost are made anew; what a loss interrupts is GloveboxError `unavailable`. Throws `malformed` for a URL that is none. */
export async function openPostgres(url: string, { connections = 10 }: PostgresOptions = {}): Promise<Dialect> {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new GloveboxError('malformed', 'DATABASE_URL expected "postgres://user:password@host:port/database"')
  const { default: pg } = await import('pg')
  const types: CustomTypesConfig = {
    // int8 as a number: times and sizes stay below 2^53.
    getTypeParser: (id, format) => (id === 20 ? Number : pg.types.getTypeParser(id, format)),
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    types,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
    keepAlive: true,
    application_name: 'glovebox',
  })
  // A connection that is lost is made again when one is needed. Without listeners it would end the process: of idle ones the pool says so, of one that a
  // transaction has between two queries the client itself.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return guarded(new PostgresDialect({ pool }), translate)
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html: connections, resources, an operator's stop, serialization.
const passing = /^(08|53|57P0|40001|40P01|25006|25P02)/
const network = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_AGAIN|ENOENT)/
const texts = /Connection terminated|timeout exceeded|Query read timeout|connection error|Client was closed|discarded/i

function translate(error: unknown): unknown {
  const { code, message = '', errors } = error as { code?: unknown; message?: string; errors?: unknown[] }
  const first = typeof code === 'string' ? code : (errors?.[0] as { code?: unknown } | undefined)?.code
  if (first === '22021')
    return new GloveboxError('malformed', 'a text has the character U+0000, which the database does not take', {
      cause: error,
    })
  const known = typeof first === 'string' && (passing.test(first) || network.test(first))
  if (!known && !texts.test(message)) return error
  // The text of a driver's error may name the host; the code does not.
  return databaseAway(typeof first === 'string' ? first : 'the connection was lost', error)
}
