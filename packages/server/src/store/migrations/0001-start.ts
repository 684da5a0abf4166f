import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

type Column = [name: string, type: 'text' | 'bigint', nullable?: 'null']

const tables: Readonly<Record<string, { columns: readonly Column[]; primary: readonly string[] }>> = {
  tokens: {
    columns: [
      ['id', 'text'],
      ['hash', 'text'],
      ['tenant', 'text'],
      ['name', 'text'],
      ['scopes', 'text'],
      ['created_at', 'bigint'],
      ['expires_at', 'bigint', 'null'],
      ['revoked_at', 'bigint', 'null'],
    ],
    primary: ['id'],
  },
  models: {
    columns: [
      ['id', 'text'],
      ['name', 'text'],
      ['tenant', 'text'],
      ['description', 'text'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
    primary: ['id'],
  },
  counters: {
    columns: [
      ['name', 'text'],
      ['version', 'bigint'],
    ],
    primary: ['name'],
  },
  permissions: {
    columns: [
      ['model', 'text'],
      ['tenant', 'text'],
    ],
    primary: ['model', 'tenant'],
  },
  versions: {
    columns: [
      ['model', 'text'],
      ['version', 'bigint'],
      ['digest', 'text'],
      ['manifest', 'text'],
      ['stage', 'text'],
      ['description', 'text'],
      ['signature', 'text'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
    primary: ['model', 'version'],
  },
  files: {
    columns: [
      ['model', 'text'],
      ['version', 'bigint'],
      ['name', 'text'],
      ['sha256', 'text'],
      ['bytes', 'bigint'],
    ],
    primary: ['model', 'version', 'name'],
  },
  tags: {
    columns: [
      ['model', 'text'],
      ['version', 'bigint'],
      ['key', 'text'],
      ['value', 'text'],
    ],
    primary: ['model', 'version', 'key'],
  },
  aliases: {
    columns: [
      ['model', 'text'],
      ['alias', 'text'],
      ['version', 'bigint'],
    ],
    primary: ['model', 'alias'],
  },
  blobs: {
    columns: [
      ['tenant', 'text'],
      ['sha256', 'text'],
      ['bytes', 'bigint'],
      ['object', 'text'],
      ['created_at', 'bigint'],
    ],
    primary: ['tenant', 'sha256'],
  },
  keys: {
    columns: [
      ['tenant', 'text'],
      ['digest', 'text'],
      ['program', 'text'],
      ['bytes', 'bigint'],
      ['object', 'text'],
      ['created_at', 'bigint'],
      ['used_at', 'bigint'],
      ['expires_at', 'bigint'],
    ],
    primary: ['tenant', 'digest'],
  },
  jobs: {
    columns: [
      ['id', 'text'],
      ['tenant', 'text'],
      ['model', 'text'],
      ['version', 'bigint'],
      ['digest', 'text'],
      ['server_part', 'text'],
      ['keys', 'text', 'null'],
      ['status', 'text'],
      ['attempt', 'bigint'],
      ['rank', 'bigint'],
      ['owner', 'text', 'null'],
      ['lease_until', 'bigint', 'null'],
      ['idempotency_key', 'text', 'null'],
      ['request', 'text'],
      ['query_bytes', 'bigint'],
      ['reply', 'text', 'null'],
      ['reply_bytes', 'bigint', 'null'],
      ['done', 'bigint'],
      ['total', 'bigint'],
      ['compute_ms', 'bigint', 'null'],
      ['error_code', 'text', 'null'],
      ['error_message', 'text', 'null'],
      ['created_at', 'bigint'],
      ['started_at', 'bigint', 'null'],
      ['finished_at', 'bigint', 'null'],
      ['expires_at', 'bigint'],
    ],
    primary: ['id'],
  },
  audit: {
    columns: [
      ['id', 'text'],
      ['at', 'bigint'],
      ['tenant', 'text'],
      ['token', 'text', 'null'],
      ['action', 'text'],
      ['object', 'text'],
      ['outcome', 'text'],
      ['request', 'text', 'null'],
    ],
    primary: ['id'],
  },
}

const indices: readonly { table: string; columns: readonly string[]; unique?: boolean }[] = [
  { table: 'tokens', columns: ['hash'], unique: true },
  { table: 'models', columns: ['name'], unique: true },
  { table: 'models', columns: ['tenant'] },
  { table: 'permissions', columns: ['tenant'] },
  { table: 'versions', columns: ['digest'] },
  { table: 'files', columns: ['sha256'] },
  { table: 'blobs', columns: ['sha256'] },
  { table: 'keys', columns: ['expires_at'] },
  { table: 'jobs', columns: ['tenant', 'idempotency_key'], unique: true },
  { table: 'jobs', columns: ['status', 'rank', 'created_at'] },
  { table: 'jobs', columns: ['tenant', 'created_at'] },
  { table: 'jobs', columns: ['expires_at'] },
  { table: 'audit', columns: ['at'] },
]

/** The tables of the first release with a database. */
export const start: Migration = {
  async up(db: Kysely<unknown>) {
    for (const [name, { columns, primary }] of Object.entries(tables)) {
      let table = db.schema.createTable(name)
      for (const [column, type, nullable] of columns)
        table = table.addColumn(column, type, (made) => (nullable ? made : made.notNull()))
      await table.addPrimaryKeyConstraint(`${name}_primary`, primary as never).execute()
    }
    for (const { table, columns, unique } of indices) {
      let index = db.schema
        .createIndex(`${table}_${columns.join('_')}`)
        .on(table)
        .columns([...columns])
      if (unique) index = index.unique()
      await index.execute()
    }
  },
}
