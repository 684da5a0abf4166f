import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { SetParams } from '../params/set-params.ts'
import { requireNoChance } from './chance.ts'
import { RowDigests, readMeta, writeMeta, writeRows } from './content.ts'
import { placesOf } from './places.ts'
import { type EvaluateItems, makeRecords, requireEntry, type SetEntry } from './records.ts'
import { RowEdits } from './row-edit.ts'
import { placeOf } from './row-id.ts'
import { createRowMaker, type MadeRows, type RowJob } from './row-maker.ts'
import { transaction } from './sqlite.ts'
import { createTagCollector, recordBytes, type TagTable } from './tag-table.ts'

/** What an insertion did. */
export interface InsertResult {
  /** Items that are new. */
  readonly inserted: number
  /** Items that were there: with labels they have the new one. */
  readonly replaced: number
}

/** What a removal did. */
export interface RemoveResult {
  /** Items that were there. */
  readonly removed: number
  /** Positions in the argument of items that are not in the set. */
  readonly unknown: readonly number[]
}

/** Items of one call of `evaluate`. */
const batchItems = 4096
/** Rows that are made before others have their turn. */
const jobRows = 64

interface Tags {
  readonly table: TagTable
  /** Index in the table of each entry. */
  readonly indices: Uint32Array
}

/** Evaluates entries; the same item again counts once, with its last label. */
async function tagsOf(params: SetParams, entries: readonly SetEntry[], evaluate: EvaluateItems): Promise<Tags> {
  const collector = createTagCollector(params, entries.length)
  const indices = new Uint32Array(entries.length)
  const size = recordBytes(params.labelBytes)
  for (let at = 0; at < entries.length; at += batchItems) {
    const records = await makeRecords(entries.slice(at, at + batchItems), params.labelBytes, evaluate)
    for (let i = 0; i * size < records.length; i++) indices[at + i] = collector.add(records, i * size)
  }
  return { table: collector.table(), indices }
}

export async function insertInto(
  database: DatabaseSync,
  params: SetParams,
  entries: readonly SetEntry[],
  evaluate: EvaluateItems,
): Promise<InsertResult> {
  for (const [i, entry] of entries.entries()) requireEntry(entry, params.labelBytes, i)
  const { table } = await tagsOf(params, entries, evaluate)
  const edits = new RowEdits(database, params)
  const places = placesOf(database, params, table, edits)
  let inserted = 0
  for (const item of randomOrder(table.count)) {
    const rows = places.find(item)
    for (const row of rows) row.label(table, item, row.indexOf(table, item))
    if (rows.length > 0) continue
    places.add(item)
    inserted++
  }
  await commit(database, params, edits, inserted)
  return { inserted, replaced: table.count - inserted }
}

export async function removeFrom(
  database: DatabaseSync,
  params: SetParams,
  items: readonly Uint8Array[],
  evaluate: EvaluateItems,
): Promise<RemoveResult> {
  const entries = items.map((item) => ({ item }))
  for (const [i, entry] of entries.entries()) requireEntry(entry, 0, i)
  const { table, indices } = await tagsOf(params, entries, evaluate)
  const edits = new RowEdits(database, params)
  const places = placesOf(database, params, table, edits)
  const missing = new Set<number>()
  for (let item = 0; item < table.count; item++) {
    const rows = places.find(item)
    for (const row of rows) row.remove(row.indexOf(table, item))
    if (rows.length === 0) missing.add(item)
  }
  const removed = table.count - missing.size
  await commit(database, params, edits, -removed)
  const unknown = [...indices.keys()].filter((i) => missing.has(indices[i]!))
  return { removed, unknown }
}

/** Makes the rows that changed, then writes all in one transaction. */
async function commit(database: DatabaseSync, params: SetParams, edits: RowEdits, change: number): Promise<void> {
  const make = createRowMaker(params)
  const jobs: { job: RowJob; made: MadeRows }[] = []
  let [bundles, itemsPerRow] = [1, 1]
  for (const job of edits.jobs(jobRows)) {
    for (const id of job.ids) bundles = Math.max(bundles, placeOf(params, id).bundle + 1)
    for (const count of job.counts) itemsPerRow = Math.max(itemsPerRow, count)
    if (change > 0) requireNoChance(params, { bundles, itemsPerRow }, readMeta(database).items + change)
    jobs.push({ job, made: make(job) })
    await new Promise((resolve) => setImmediate(resolve))
  }
  transaction(database, () => {
    const { items, rowDigests, edits: before } = readMeta(database)
    const digests = new RowDigests(rowDigests)
    for (const { job, made } of jobs) writeRows(database, params, job, made, digests)
    writeMeta(database, {
      state: 'complete',
      items: items + change,
      rowDigests: digests.hex(),
      edits: before + (jobs.length > 0 ? 1 : 0),
    })
  })
}

/** 0 to n - 1, so that a list's order does not show in where its items are. */
function randomOrder(n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  const random = new Uint32Array(new Uint8Array(randomBytes(4 * n)).buffer)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((random[i]! / 2 ** 32) * (i + 1))
    const value = order[i]!
    order[i] = order[j]!
    order[j] = value
  }
  return order
}
