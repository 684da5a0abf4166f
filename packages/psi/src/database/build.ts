import type { DatabaseSync } from 'node:sqlite'
import { equalBytes, GloveboxError } from '@glovebox/he'
import type { SetParams } from '../params/set-params.ts'
import { requireNoChance } from './chance.ts'
import { RowDigests, readMeta, writeMeta, writeRows } from './content.ts'
import { type Layout, layOut } from './layout.ts'
import { digestEntries, type EvaluateItems, makeRecords, requireEntry, type SetEntry } from './records.ts'
import { binsOfGroup, rowId } from './row-id.ts'
import { createRowMaker, type RowJob, rowLength } from './row-maker.ts'
import { openRowPool } from './row-pool.ts'
import { all, transaction } from './sqlite.ts'
import { openStaging, removeStaging, type Staging } from './staging.ts'
import { createTagCollector, recordBytes, type TagTable } from './tag-table.ts'

/** How far a build is. */
export interface BuildProgress {
  /** Evaluating the OPRF on items of the list, of which nobody knows how many there are; then making rows of distinct items. */
  readonly stage: 'evaluating' | 'placing'
  /** Items, or with hash functions places of items. */
  readonly done: number
  /** Of the same, where it is known. */
  readonly total?: number
}

/** What a build takes besides its list. */
export interface BuildOptions {
  /** Hardens items and gives their OPRF outputs, 64 bytes each, in order. */
  readonly evaluate: EvaluateItems
  /** Items of one call of `evaluate` and one commit, 1 to 65,535; default 4096. */
  readonly batchItems?: number
  /** Bytes of polynomials of one commit, at least one row; default 4 MiB. */
  readonly commitBytes?: number
  /** That make rows, 1 to 64; default 2. */
  readonly threads?: number
  /** Told after each batch. */
  readonly onProgress?: ((progress: BuildProgress) => void) | undefined
  /** Stops the build between two batches, of which the last is kept. */
  readonly signal?: AbortSignal | undefined
}

/** What a build made of its list. */
export interface BuildResult {
  /** Distinct items. */
  readonly items: number
  /** Entries of the list that were there already; the last label of an item is its label. */
  readonly duplicates: number
}

/** What a build works on. */
export interface Building {
  readonly directory: string
  readonly database: DatabaseSync
  readonly params: SetParams
}

export type Source = AsyncIterable<SetEntry> | Iterable<SetEntry>

/** Multiplications below which threads do not pay. */
const inlineWork = 2e7

/** Both stages, from wherever an earlier build of the same list stopped. */
export async function buildSet(building: Building, source: Source, options: BuildOptions): Promise<BuildResult> {
  requireOptions(options)
  const { database, directory } = building
  using staging = openStaging(directory)
  transaction(database, () => writeMeta(database, { state: 'building' }))
  await collect(building, staging, source, options)
  const { table, duplicates } = readTags(building.params, staging)
  const layout = layOut(building.params, table, staging.seed)
  requireLayout(building.params, layout, table.count)
  await placeAll(building, layout, table, options)
  transaction(database, () => writeMeta(database, { state: 'complete', items: table.count }))
  staging[Symbol.dispose]()
  removeStaging(directory)
  return { items: table.count, duplicates }
}

/** Refuses what `requireNoChance` does. */
function requireLayout(params: SetParams, { binRows, rowStarts }: Layout, items: number): void {
  let bundles = 1
  for (let bin = 1; bin < binRows.length; bin++) bundles = Math.max(bundles, binRows[bin]! - binRows[bin - 1]!)
  let itemsPerRow = 1
  for (let row = 1; row < rowStarts.length; row++)
    itemsPerRow = Math.max(itemsPerRow, rowStarts[row]! - rowStarts[row - 1]!)
  requireNoChance(params, { bundles, itemsPerRow }, items)
}

function requireOptions({ evaluate, batchItems = 4096, threads = 2 }: BuildOptions): void {
  if (typeof evaluate !== 'function') throw new TypeError(`"evaluate" expected a function, got ${typeof evaluate}`)
  if (!Number.isInteger(batchItems) || batchItems < 1 || batchItems > 65535)
    throw new RangeError(`"batchItems" expected an integer from 1 to 65535, got ${String(batchItems)}`)
  if (!Number.isInteger(threads) || threads < 1 || threads > 64)
    throw new RangeError(`"threads" expected an integer from 1 to 64, got ${String(threads)}`)
}

/** Stage 1: evaluates what of the list is not there yet. While one batch is evaluated the next is read. */
async function collect(
  { database, params }: Building,
  staging: Staging,
  source: Source,
  options: BuildOptions,
): Promise<void> {
  const { evaluate, batchItems = 4096, onProgress, signal } = options
  const known = staging.batches()
  // Places were drawn for all items: with more of them they are others.
  const placed = all(database, 'select 1 from rows limit 1').length > 0
  let done = 0
  let pending: Promise<void> | undefined
  const stage = async (entries: SetEntry[]): Promise<void> => {
    const records = await makeRecords(entries, params.labelBytes, evaluate)
    staging.add({ items: entries.length, digest: digestEntries(entries), records })
    done += entries.length
    onProgress?.({ stage: 'evaluating', done })
  }
  const take = async (entries: SetEntry[]): Promise<void> => {
    if (placed) throw otherSource()
    await pending
    signal?.throwIfAborted()
    pending = stage(entries)
    // It is waited for later: until then a failure is nobody's.
    pending.catch(() => undefined)
  }
  let entries: SetEntry[] = []
  let position = 0
  try {
    for await (const entry of source) {
      requireEntry(entry, params.labelBytes, position++)
      entries.push(entry)
      const [next] = known
      if (entries.length < (next?.items ?? batchItems)) continue
      if (next) {
        if (!equalBytes(next.digest, digestEntries(entries))) throw otherSource()
        known.shift()
        done += entries.length
      } else await take(entries)
      entries = []
    }
    if (known.length > 0) throw otherSource()
    if (entries.length > 0) await take(entries)
  } finally {
    await pending
  }
  signal?.throwIfAborted()
}

function otherSource(): GloveboxError {
  return new GloveboxError(
    'parameters-mismatch',
    'the list is not the one that this build began with: go on with that one, or delete the directory and build anew',
  )
}

function readTags(params: SetParams, staging: Staging): { table: TagTable; duplicates: number } {
  const total = staging.batches().reduce((sum, { items }) => sum + items, 0)
  const size = recordBytes(params.labelBytes)
  const collector = createTagCollector(params, total)
  for (const records of staging.records()) for (let at = 0; at < records.length; at += size) collector.add(records, at)
  const table = collector.table()
  return { table, duplicates: total - table.count }
}

/** Stage 2: makes and commits rows in order of their ids, from the last one that is there. */
async function placeAll(
  { database, params }: Building,
  layout: Layout,
  table: TagTable,
  { threads = 2, commitBytes = 2 ** 22, onProgress, signal }: BuildOptions,
): Promise<void> {
  const last = all<{ id: number | null }>(database, 'select max(id) as id from rows')[0]?.id ?? -1
  const digests = new RowDigests(readMeta(database).rowDigests)
  const total = layout.order.length
  const inline = total * params.polynomials * params.feltsPerItem * params.itemsPerBin < inlineWork
  const maker = inline ? createRowMaker(params) : undefined
  await using pool = maker ? undefined : openRowPool(params, threads)
  const queue: { job: RowJob; done: number; made: ReturnType<NonNullable<typeof pool>['make']> }[] = []
  const finish = async (): Promise<void> => {
    const { job, done, made } = queue.shift()!
    const rows = await made
    transaction(database, () => {
      writeRows(database, params, job, rows, digests)
      writeMeta(database, { rowDigests: digests.hex() })
    })
    onProgress?.({ stage: 'placing', done, total })
  }
  for (const { job, done } of jobsOf(params, layout, table, { last, commitBytes })) {
    signal?.throwIfAborted()
    const made = pool ? pool.make(job) : Promise.resolve(maker!(job))
    made.catch(() => undefined)
    queue.push({ job, done, made })
    if (queue.length > 2 * threads) await finish()
  }
  while (queue.length > 0) await finish()
}

/** Rows with items whose id is above `last`, some of them at a time, with the places that are done then. */
function* jobsOf(
  params: SetParams,
  layout: Layout,
  table: TagTable,
  { last, commitBytes }: { readonly last: number; readonly commitBytes: number },
): Generator<{ job: RowJob; done: number }> {
  const most = Math.max(1, Math.floor(commitBytes / (4 * rowLength(params))))
  let rows: number[] = []
  let ids: number[] = []
  let done = 0
  for (const { id, row } of rowsInOrder(params, layout)) {
    done += layout.rowStarts[row + 1]! - layout.rowStarts[row]!
    if (id <= last) continue
    rows.push(row)
    ids.push(id)
    if (rows.length < most) continue
    yield { job: gather(params, layout, table, rows, ids), done }
    rows = []
    ids = []
  }
  if (rows.length > 0) yield { job: gather(params, layout, table, rows, ids), done }
}

function* rowsInOrder(params: SetParams, { binRows, rowStarts }: Layout): Generator<{ id: number; row: number }> {
  const { buckets, groups, bins, binsPerGroup } = params
  for (let bucket = 0; bucket < buckets; bucket++)
    for (let group = 0; group < groups; group++) {
      const first = bucket * bins + group * binsPerGroup
      const count = binsOfGroup(params, group)
      for (let bundle = 0, found = true; found; bundle++) {
        found = false
        for (let bin = 0; bin < count; bin++) {
          const row = binRows[first + bin]! + bundle
          if (row >= binRows[first + bin + 1]!) continue
          found = true
          if (rowStarts[row + 1]! > rowStarts[row]!) yield { id: rowId(params, { bucket, group, bundle }, bin), row }
        }
      }
    }
}

function gather(
  params: SetParams,
  layout: Layout,
  table: TagTable,
  rows: readonly number[],
  ids: readonly number[],
): RowJob {
  const { labelBytes } = params
  const { rowStarts, order } = layout
  const counts = Uint32Array.from(rows, (row) => rowStarts[row + 1]! - rowStarts[row]!)
  const items = counts.reduce((sum, count) => sum + count, 0)
  const words = new Uint32Array(4 * items)
  const labels = new Uint8Array(labelBytes * items)
  let at = 0
  for (const row of rows)
    for (let i = rowStarts[row]!; i < rowStarts[row + 1]!; i++, at++) {
      const item = order[i]!
      for (let j = 0; j < 4; j++) words[4 * at + j] = table.words[4 * item + j]!
      if (labelBytes > 0) labels.set(table.labels.subarray(item * labelBytes, (item + 1) * labelBytes), at * labelBytes)
    }
  return { ids: Float64Array.from(ids), counts, words, labels }
}
