import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { GloveboxError } from '@glovebox/he'
import { type Dialect, SqliteAdapter, SqliteDialect, type SqliteStatement } from 'kysely'
import { databaseAway, guarded } from './guarded.ts'

type Sqlite = typeof import('node:sqlite')

/** How a data directory is opened. */
export interface SqliteOptions {
  /** Whether nobody else may have it open this way; default true. A second server is then told so. */
  readonly exclusive?: boolean | undefined
}

const busyMs = 5000
/** Texts of statements that are kept prepared; there are about a hundred. */
const keptStatements = 256

/**
 * The database of a data directory: `glovebox.db`, mode 0600, in a folder that is made with mode 0700. What was committed survives a kill and a loss of
 * power (write-ahead log, synced at every commit). Throws GloveboxError `unavailable` where another server has the directory, `unsupported` on a Node without SQLite.
 */
export function openSqlite(directory: string, { exclusive = true }: SqliteOptions = {}): Dialect {
  const sqlite = loadSqlite()
  let lock: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    lock = exclusive ? takeLock(sqlite, directory) : undefined
    const database = openFile(sqlite, join(directory, 'glovebox.db'))
    database.exec(
      `pragma busy_timeout = ${busyMs}; pragma journal_mode = wal; pragma synchronous = full; pragma case_sensitive_like = on`,
    )
    return dialectOf(database, lock)
  } catch (error) {
    lock?.close()
    throw openingError(error)
  }
}

function dialectOf(database: DatabaseSync, lock: DatabaseSync | undefined): Dialect {
  const statements = new Map<string, SqliteStatement>()
  const dialect = new SqliteDialect({
    database: {
      close() {
        statements.clear()
        database.close()
        lock?.close()
      },
      prepare(text) {
        const known = statements.get(text)
        if (known) return known
        // All transactions write: one that begins as a reader could not wait for another process.
        const statement = statementOf(database.prepare(text === 'begin' ? 'begin immediate' : text), text)
        // Dropping all is as good as dropping the oldest: it hardly ever happens.
        if (statements.size >= keptStatements) statements.clear()
        statements.set(text, statement)
        return statement
      },
    },
  })
  dialect.createAdapter = () => new TransactionalAdapter()
  return guarded(dialect, translate)
}

/** SQLite does take back a half-made schema; Kysely leaves that unused. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function statementOf(statement: StatementSync, text: string): SqliteStatement {
  const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]
  return {
    reader: /^\s*(select|with|pragma|values|explain)\b|\breturning\b/i.test(text),
    all: (parameters) => statement.all(...values(parameters)),
    run(parameters) {
      try {
        return statement.run(...values(parameters))
      } catch (error) {
        // On a full disk SQLite rolls back by itself (sqlite.org/lang_transaction.html, 3): the error that led there is the one to tell.
        if (!/^rollback$/i.test(text) || !/no transaction is active/.test(String(error))) throw error
        return { changes: 0, lastInsertRowid: 0 }
      }
    },
    iterate: (parameters) => statement.iterate(...values(parameters)),
  }
}

function openFile({ DatabaseSync }: Sqlite, path: string): DatabaseSync {
  try {
    // SQLite gives its other files the mode of this one. Only a new file: closing any descriptor of a file gives up all locks that the process has on it.
    closeSync(openSync(path, 'ax', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return new DatabaseSync(path)
}

/** A lock of the operating system, which ends with the process however that ends. */
function takeLock(sqlite: Sqlite, directory: string): DatabaseSync {
  const lock = openFile(sqlite, join(directory, 'glovebox.lock'))
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if (primaryCode(error) !== busy) throw error
    throw new GloveboxError(
      'unavailable',
      `the data directory "${directory}" is in use by another server: stop that one, or give this one its own --data`,
      { cause: error },
    )
  }
}

/** Without the warning that SQLite is experimental, which is of no use to whoever starts a server. */
function loadSqlite(): Sqlite {
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite')) Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    const sqlite = process.getBuiltinModule?.('node:sqlite')
    if (sqlite) return sqlite
  } finally {
    process.emitWarning = emitWarning
  }
  throw new GloveboxError(
    'unsupported',
    `the embedded database needs Node 22.13 or newer, this is ${process.version}: use that, or Postgres by DATABASE_URL`,
  )
}

// Primary result codes, https://www.sqlite.org/rescode.html
const busy = 5
const away: Readonly<Record<number, string>> = {
  [busy]: 'another process is writing to it',
  6: 'it is locked',
  8: 'its file can only be read',
  10: 'its disk fails',
  13: 'its disk is full',
  14: 'its file cannot be opened',
}

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

function translate(error: unknown): unknown {
  const reason = away[primaryCode(error) ?? -1]
  return reason ? databaseAway(reason, error) : error
}

function openingError(error: unknown): unknown {
  const code = primaryCode(error)
  if (code === 11 || code === 26)
    return new GloveboxError(
      'malformed',
      'glovebox.db in the data directory is damaged or no database: restore a backup',
      {
        cause: error,
      },
    )
  const { code: system, message } = error as NodeJS.ErrnoException
  if (typeof system === 'string' && /^E[A-Z]+$/.test(system))
    return new GloveboxError('unavailable', `the data directory cannot be used: ${message}`, { cause: error })
  return translate(error)
}
