import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { all, openWritable, storing, transaction } from './sqlite.ts'

// What a build has evaluated so far, in a file of its own that goes when the set is complete.

const file = 'staging.sqlite'

/** A batch of the list whose records are kept. */
export interface StagedBatch {
  readonly items: number
  /** SHA-256 of its entries. */
  readonly digest: Uint8Array
}

export interface Staging extends Disposable {
  /** Of the order in which items are placed: 32 random bytes, the same in every resumed build. */
  readonly seed: Uint8Array
  /** Committed batches in order. */
  batches(): StagedBatch[]
  add(batch: StagedBatch & { readonly records: Uint8Array }): void
  /** The records of one batch after another. */
  records(): Generator<Uint8Array>
}

export function openStaging(directory: string): Staging {
  const database = openWritable(join(directory, file))
  try {
    return stagingOf(database)
  } catch (error) {
    database.close()
    throw error
  }
}

function stagingOf(database: DatabaseSync): Staging {
  transaction(database, () => {
    database.exec(
      'create table if not exists batches (id integer primary key, items integer not null, digest blob not null, records blob not null) strict;' +
        'create table if not exists seed (id integer primary key, value blob not null) strict',
    )
    database.prepare('insert or ignore into seed values (1, ?)').run(randomBytes(32))
  })
  const seed = all<{ value: Uint8Array }>(database, 'select value from seed')[0]!.value
  const insert = database.prepare('insert into batches (items, digest, records) values (?, ?, ?)')
  return {
    seed,
    batches: () => all<StagedBatch>(database, 'select items, digest from batches order by id'),
    add({ items, digest, records }) {
      transaction(database, () => insert.run(items, digest, records))
    },
    *records() {
      const read = database.prepare('select id, records from batches where id > ? order by id limit 1')
      for (let last = 0; ; ) {
        const from = last
        const row = storing(() => read.get(from)) as { id: number; records: Uint8Array } | undefined
        if (row === undefined) return
        last = row.id
        yield row.records
      }
    },
    [Symbol.dispose]() {
      if (database.isOpen) database.close()
    },
  }
}

/** Removes what a build left: the set has all of it. */
export function removeStaging(directory: string): void {
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(join(directory, file + suffix))) rmSync(join(directory, file + suffix))
}
