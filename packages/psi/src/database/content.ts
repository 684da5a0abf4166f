import type { DatabaseSync } from 'node:sqlite'
import { fromHex, GloveboxError, toHex } from '@glovebox/he'
import type { Row } from '../evaluate/loaded.ts'
import type { SetParams } from '../params/set-params.ts'
import { binsOfGroup, placeOf, type RowPlace, rowId, sectionSize } from './row-id.ts'
import { bytesOf, type MadeRows, type RowJob, rowDigest, rowLength } from './row-maker.ts'
import { all, storing } from './sqlite.ts'

// The tables of a set: rows, which are served, members, by which rows are made again, and meta.

export const formatVersion: number = 1

export const schema: string = `
  create table meta (name text primary key, value text not null) strict;
  create table rows (id integer primary key, items integer not null, coefficients blob not null) strict;
  create table members (id integer primary key, words blob not null, labels blob not null) strict;
  pragma user_version = ${formatVersion}`

/** A set is new until a build begins or items are inserted, and served only when it is complete. */
export type SetState = 'new' | 'building' | 'complete'

export interface Meta {
  readonly state: SetState
  readonly items: number
  /** The XOR of the digests of all rows, in hexadecimal digits. */
  readonly rowDigests: string
  /** Insertions and removals since the build that changed something. */
  readonly edits: number
}

/** What of its making a set remembers for the next epoch. */
export interface SetOrigin {
  /** The column of labels, of a list in CSV. */
  readonly labels?: string
  /** That of items, where it was named. */
  readonly column?: string
  /** That its parameters were planned for. */
  readonly receiverItems?: number
}

/** What a set was created as. */
export interface SetIdentity {
  readonly name: string
  readonly kind: string
  /** JSON. */
  readonly hardening: string
  /** JSON. */
  readonly params: string
  readonly epoch: number
  /** Of the OPRF key, in hexadecimal digits. */
  readonly publicKey: string | undefined
  /** JSON. */
  readonly origin: string
}

export function writeMeta(database: DatabaseSync, values: Partial<Meta & SetIdentity>): void {
  const write = database.prepare('insert or replace into meta values (?, ?)')
  for (const [name, value] of Object.entries(values)) write.run(name, String(value))
}

export function readMeta(database: DatabaseSync): Meta & SetIdentity {
  const entries = all<{ name: string; value: string }>(database, 'select name, value from meta')
  const values = Object.fromEntries(entries.map(({ name, value }) => [name, value]))
  const text = (name: string): string => {
    const value = values[name]
    if (value === undefined)
      throw new GloveboxError(
        'malformed',
        `the set is damaged: it has no "${name}". Build it again, or restore a backup`,
      )
    return value
  }
  return {
    state: text('state') as SetState,
    items: Number(text('items')),
    rowDigests: text('rowDigests'),
    edits: Number(values.edits ?? 0),
    name: text('name'),
    kind: text('kind'),
    hardening: text('hardening'),
    params: text('params'),
    epoch: Number(text('epoch')),
    publicKey: values.publicKey,
    origin: values.origin ?? '{}',
  }
}

/** 32 bytes that change with every row, whatever the order: their digests' XOR. */
export class RowDigests {
  readonly #sum: Uint8Array
  constructor(hex: string) {
    this.#sum = fromHex(hex)
  }
  toggle(digest: Uint8Array): void {
    for (let i = 0; i < 32; i++) this.#sum[i]! ^= digest[i]!
  }
  /** Whether all that was toggled once was so twice. */
  get none(): boolean {
    return this.#sum.every((byte) => byte === 0)
  }
  hex(): string {
    return toHex(this.#sum)
  }
}
export const noRowDigests: string = '00'.repeat(32)

/** Writes rows of a job as they were made, within a transaction; a row without items goes. Digests of old and new rows are toggled. */
export function writeRows(
  database: DatabaseSync,
  params: SetParams,
  job: RowJob,
  made: MadeRows,
  digests: RowDigests,
): void {
  const old = database.prepare('select coefficients from rows where id = ?')
  const rows = database.prepare('insert or replace into rows values (?, ?, ?)')
  const members = database.prepare('insert or replace into members values (?, ?, ?)')
  const size = rowLength(params)
  for (let row = 0, from = 0; row < job.ids.length; row++) {
    const [id, items] = [job.ids[row]!, job.counts[row]!]
    const before = old.get(id) as { coefficients: Uint8Array } | undefined
    if (before) digests.toggle(rowDigest(id, coefficientsOf(before.coefficients)))
    if (items === 0) {
      for (const table of ['rows', 'members']) database.prepare(`delete from ${table} where id = ?`).run(id)
      continue
    }
    digests.toggle(made.digests.subarray(row * 32, (row + 1) * 32))
    rows.run(id, items, bytesOf(made.coefficients.subarray(row * size, (row + 1) * size)))
    const labels = job.labels.subarray(from * params.labelBytes, (from + items) * params.labelBytes)
    members.run(id, bytesOf(job.words.subarray(4 * from, 4 * (from + items))), labels)
    from += items
  }
}

/** The numbers of a blob, which may lie at any offset. */
export function coefficientsOf(bytes: Uint8Array): Uint32Array {
  return bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / 4)
    : new Uint32Array(bytes.slice().buffer)
}

/** Bundles of a bucket and group: the last row says. */
export function countBundles(database: DatabaseSync, params: SetParams, bucket: number, group: number): number {
  const first = rowId(params, { bucket, group, bundle: 0 }, 0)
  const [row] = all<{ last: number | null }>(
    database,
    'select max(id) as last from rows where id >= ? and id < ?',
    first,
    first + sectionSize,
  )
  return row?.last == null ? 0 : placeOf(params, row.last).bundle + 1
}

/** All rows of all bundles from one on, in order, with empty ones where a bundle's bin has none. Digests of those that are there are toggled. */
export function* readRows(
  database: DatabaseSync,
  params: SetParams,
  from: RowPlace,
  digests?: RowDigests,
): Generator<Row> {
  const size = rowLength(params)
  const empty = new Uint32Array(size)
  for (let j = 0; j < params.feltsPerItem; j++) empty[j * params.coefficients] = 1
  // Where the next row is to be: rows that are missing before one that is there, within its bucket and group, are empty.
  let { bucket, group, bundle } = from
  let bin = 0
  const found = database
    .prepare('select id, items, coefficients from rows where id >= ? order by id')
    .iterate(rowId(params, from, 0)) as IterableIterator<{ id: number; items: number; coefficients: Uint8Array }>
  const next = (): { id: number; items: number; coefficients: Uint8Array } | undefined => {
    const { done, value } = storing(() => found.next())
    return done ? undefined : value
  }
  const step = (): Row => {
    const row: Row = { bucket, group, bundle, bin, items: 0, coefficients: empty.slice() }
    if (++bin === binsOfGroup(params, group)) [bundle, bin] = [bundle + 1, 0]
    return row
  }
  for (let row = next(); row; row = next()) {
    const place = placeOf(params, row.id)
    if (place.bucket !== bucket || place.group !== group) {
      while (bin > 0) yield step()
      ;({ bucket, group } = place)
      bundle = 0
    }
    while (bundle < place.bundle || bin < place.bin) yield step()
    const { items, coefficients } = row
    if (coefficients.length !== 4 * size)
      throw new GloveboxError(
        'malformed',
        'a row of the set has another length than its parameters say: build it again',
      )
    const numbers = coefficientsOf(coefficients)
    digests?.toggle(rowDigest(row.id, numbers))
    yield { ...step(), items, coefficients: numbers }
  }
  while (bin > 0) yield step()
}
