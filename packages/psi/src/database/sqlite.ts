import { closeSync, openSync } from 'node:fs'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { GloveboxError } from '@glovebox/he'

type Sqlite = typeof import('node:sqlite')

const busyMs = 5000

/** Without the warning that SQLite is experimental, which is of no use to whoever builds a set. */
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
  throw new GloveboxError('unsupported', `a set needs Node 22.13 or newer, this is ${process.version}`)
}

/**
 * Opens a database file for writing, makes it with mode 0600 where there is none. What was committed survives a kill and a loss of power (write-ahead log,
 * synced at every commit).
 */
export function openWritable(path: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  try {
    // SQLite gives its other files the mode of this one. Only a new file: closing any descriptor of a file gives up all locks that the process has on it.
    closeSync(openSync(path, 'ax', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError(error)
  }
  return opened(new DatabaseSync(path), (database) =>
    // A row is some hundreds of bytes or some kilobytes.
    database.exec(
      `pragma busy_timeout = ${busyMs}; pragma page_size = 16384; pragma journal_mode = wal; pragma synchronous = full`,
    ),
  )
}

/** Opens a database file that exists, for reading. */
export function openReadable(path: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  return opened(new DatabaseSync(path, { readOnly: true }), (database) =>
    database.exec(`pragma busy_timeout = ${busyMs}; pragma query_only = on`),
  )
}

/** A lock of the operating system, which ends with the process however that ends. */
export function takeLock(path: string, inUse: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  const lock = new DatabaseSync(path)
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    throw primaryCode(error) === busy ? new GloveboxError('unavailable', inUse, { cause: error }) : storageError(error)
  }
}

function opened(database: DatabaseSync, prepare: (database: DatabaseSync) => void): DatabaseSync {
  try {
    prepare(database)
    return database
  } catch (error) {
    database.close()
    throw storageError(error)
  }
}

/** Runs the work in one transaction: all of it is there afterwards, or none. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  return storing(() => {
    database.exec('begin immediate')
    try {
      const result = work()
      database.exec('commit')
      return result
    } catch (error) {
      // On a full disk SQLite rolls back by itself (sqlite.org/lang_transaction.html, 3).
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  })
}

/** Rows of a query, as objects. */
export function all<T>(database: DatabaseSync, text: string, ...values: SQLInputValue[]): T[] {
  return storing(() => database.prepare(text).all(...values) as T[])
}

// Primary result codes, https://www.sqlite.org/rescode.html
const busy = 5
const away: Readonly<Record<number, string>> = {
  [busy]: 'another process is writing to it',
  6: 'it is locked',
  8: 'its file can only be read',
  10: 'its disk fails',
  13: 'its disk is full: make room and try again, nothing that was committed is lost',
  14: 'its file cannot be opened',
}
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}

/** Errors of SQLite and the file system in words; others as they are. */
export function storageError(error: unknown): unknown {
  const { code: system, message } = error as NodeJS.ErrnoException
  const code = primaryCode(error)
  // 1: a table or column that is not there.
  if (code === 1 || code === 11 || code === 26)
    return new GloveboxError('malformed', 'the set is damaged or no set: build it again, or restore a backup', {
      cause: error,
    })
  const reason = full.has(system ?? '') ? away[13] : away[code ?? -1]
  if (reason) return new GloveboxError('unavailable', `the set cannot be used: ${reason}`, { cause: error })
  if (typeof system === 'string' && /^E[A-Z]+$/.test(system))
    return new GloveboxError('unavailable', `the set cannot be used: ${message}`, { cause: error })
  return error
}

export function storing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storageError(error)
  }
}
