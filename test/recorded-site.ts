import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ConfigOptions } from '@glovebox/server'
import { Client } from 'pg'
import { startPostgres } from '../packages/server/test/postgres.ts'
import { startRedis } from '../packages/server/test/redis.ts'
import { startS3 } from '../packages/server/test/s3.ts'

// Where a service keeps things, and how all that is kept can be looked at.

/** What a place holds, in stretches. */
export type Place = () => Iterable<Buffer>

export interface Site {
  /** Of the service and its worker. */
  readonly options: ConfigOptions
  /** Where jobs have a worker in a process of its own: how many jobs are done. */
  readonly jobsDone?: () => Promise<number>
  /** All places that are looked at, in this order, with what is there in any case. */
  readonly places: ReadonlyMap<string, readonly string[]>
  /** All that is stored, as it is now: files, and what stores tell of themselves. */
  stored(): Promise<ReadonlyMap<string, Place>>
  /** Processes that keep things for the service. */
  processes(): ReadonlyMap<string, readonly number[]>
  /** Puts bytes into each store, as one might that should not; those of `stored` that show them whole. The service has ended. */
  plant(bytes: Buffer): Promise<readonly string[]>
  close(): Promise<void>
}

export function* files(folder: string, except = '\0'): Generator<Buffer> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && !join(entry.parentPath, entry.name).startsWith(join(folder, except)))
      yield Buffer.from(readFileSync(join(entry.parentPath, entry.name)))
}

/** SQLite and files in one data directory; jobs in the process. */
export async function openEmbedded(folder: string): Promise<Site> {
  const data = join(folder, 'data')
  mkdirSync(data)
  return {
    options: { data },
    places: new Map([
      ['memory of the server, while it computes', ['query', 'evaluation keys']],
      ['the data directory, with jobs', ['query of the jobs', 'evaluation keys', 'digest of the keys', 'id of a job']],
      ['temporary files, with jobs', []],
      ['memory of the server, at the end', ['evaluation keys', 'digest of the keys']],
      ['the data directory, at the end', ['evaluation keys', 'digest of the keys', 'id of a job']],
      ['temporary files, at the end', []],
      ['logs of the server', ['a line of the log']],
      ['what was sent', ['query', 'evaluation keys']],
    ]),
    stored: async () => new Map([['the data directory', () => files(data)]]),
    processes: () => new Map(),
    async plant(bytes) {
      const database = new DatabaseSync(join(data, 'glovebox.db'))
      database.exec('create table planted (bytes blob)')
      database.prepare('insert into planted values (?)').run(bytes)
      database.close()
      return ['the data directory']
    },
    close: async () => undefined,
  }
}

/** PostgreSQL, Redis, and what speaks like S3; jobs by BullMQ, in the service and in a worker. PostgreSQL logs each statement with its values. */
export async function openProduction(): Promise<Site> {
  const logged = { log_statement: 'all', log_parameter_max_length: '-1', log_parameter_max_length_on_error: '-1' }
  const [postgres, redis, s3] = await Promise.all([
    startPostgres({ ...logged, logging_collector: 'on', log_directory: 'log' }),
    startRedis({ rdbcompression: 'no' }),
    startS3(),
  ])
  const databaseUrl = await postgres.database()
  // A session of our own, whose memory has what it looks at.
  const client = new Client(databaseUrl)
  await client.connect()
  const { bucket, endpoint, prefix } = s3.options()
  const cli = (...args: string[]): Buffer => execFileSync('redis-cli', ['-u', redis.url, ...args])
  const site: Site = {
    options: { databaseUrl, redisUrl: redis.url, s3Bucket: bucket, s3Endpoint: endpoint, s3Prefix: prefix },
    async jobsDone() {
      const { rows } = await client.query("select count(*)::int as done from jobs where status = 'done'")
      return rows[0].done
    },
    places: new Map([
      ['memory of the server, while it computes', ['query', 'evaluation keys']],
      ['the data directory of PostgreSQL, with jobs', ['digest of the keys', 'id of a job']],
      ['the WAL of PostgreSQL, with jobs', ['digest of the keys', 'id of a job']],
      ['the dump of PostgreSQL, with jobs', ['digest of the keys', 'id of a job']],
      ['the dump of Redis, with jobs', ['id of a job']],
      ['the append-only file of Redis, with jobs', ['id of a job']],
      ['the objects, with jobs', ['query of the jobs', 'evaluation keys']],
      ['temporary files, with jobs', []],
      ['memory of the worker, while it computes', ['query of the jobs', 'evaluation keys']],
      ['memory of the server, at the end', ['evaluation keys', 'digest of the keys']],
      ['memory of the worker, at the end', ['evaluation keys', 'digest of the keys']],
      ['the data directory of PostgreSQL, at the end', ['digest of the keys', 'id of a job']],
      ['the WAL of PostgreSQL, at the end', ['digest of the keys', 'id of a job']],
      ['the dump of PostgreSQL, at the end', ['digest of the keys', 'id of a job']],
      ['the dump of Redis, at the end', ['id of a job']],
      ['the append-only file of Redis, at the end', ['id of a job']],
      ['the objects, at the end', ['evaluation keys']],
      ['temporary files, at the end', []],
      ['memory of PostgreSQL', ['digest of the keys', 'id of a job']],
      ['memory of Redis', ['id of a job']],
      ['memory of the object store', []],
      ['logs of the server', ['a line of the log']],
      ['logs of the worker', []],
      ['what was sent', ['query', 'evaluation keys']],
    ]),
    async stored() {
      await client.query('checkpoint')
      cli('save')
      const dump = postgres.dump(databaseUrl)
      return new Map<string, Place>([
        ['the data directory of PostgreSQL', () => files(postgres.data, 'pg_wal')],
        ['the WAL of PostgreSQL', () => files(join(postgres.data, 'pg_wal'))],
        ['the dump of PostgreSQL', () => [dump, unhex(dump)]],
        ['the dump of Redis', () => [readFileSync(join(redis.directory, 'dump.rdb'))]],
        ['the append-only file of Redis', () => files(redis.directory, 'dump.rdb')],
        ['the objects', () => files(s3.directory)],
      ])
    },
    processes: () =>
      new Map([
        ['PostgreSQL', postgres.processes()],
        ['Redis', redis.processes()],
        ['the object store', s3.processes()],
      ]),
    async plant(bytes) {
      await client.query('create table planted (bytes bytea)')
      // Else it would be compressed on its disk, where only pg_dump would see it.
      await client.query('alter table planted alter bytes set storage external')
      await client.query('insert into planted values ($1)', [bytes])
      execFileSync('redis-cli', ['-u', redis.url, '-x', 'set', 'planted'], { input: bytes })
      const response = await fetch(`${endpoint}/${bucket}/planted`, { method: 'PUT', body: new Uint8Array(bytes) })
      if (!response.ok) throw new Error(`the object store answered ${response.status}`)
      return [...(await site.stored()).keys()]
    },
    async close() {
      await client.end()
      await Promise.all([postgres.stop(), redis.stop(), s3.stop()])
    },
  }
  return site
}

/** The bytes that pg_dump writes in hexadecimal. */
function unhex(dump: Buffer): Buffer {
  const runs = dump.toString('latin1').matchAll(/\\x((?:[0-9a-f]{2})+)/g)
  return Buffer.concat([...runs].map(([, digits]) => Buffer.from(digits!, 'hex')))
}
