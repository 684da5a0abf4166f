import { randomInt } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { hashFunctionsOf, locationOf } from '../hashing/tag.ts'
import type { SetParams } from '../params/set-params.ts'
import { coefficientsOf, countBundles } from './content.ts'
import type { RowEdit, RowEdits } from './row-edit.ts'
import { placeOf, rowId, sectionSize } from './row-id.ts'
import { all, storing } from './sqlite.ts'
import type { TagTable } from './tag-table.ts'

/** Where items of a set are and where new ones go. */
export interface Places {
  /** The rows that an item is in: none, one, or with hash functions one for each of its locations. */
  find(item: number): RowEdit[]
  /** Adds an item that is in no row. */
  add(item: number): void
}

export function placesOf(database: DatabaseSync, params: SetParams, table: TagTable, edits: RowEdits): Places {
  return hashFunctionsOf(params) > 0
    ? byLocations(database, params, table, edits)
    : anywhere(database, params, table, edits)
}

function bucketOf({ prefixBits }: SetParams, { prefixes }: TagTable, item: number): number {
  return prefixBits > 0 ? prefixes[item]! >>> (16 - prefixBits) : 0
}

/** Bundles of buckets and groups, with those that are being added. */
function bundleCounts(
  database: DatabaseSync,
  params: SetParams,
): (bucket: number, group: number) => { bundles: number } {
  const counts = new Map<number, { bundles: number }>()
  return (bucket, group) => {
    const key = bucket * params.groups + group
    const known = counts.get(key)
    if (known) return known
    const count = { bundles: countBundles(database, params, bucket, group) }
    counts.set(key, count)
    return count
  }
}

function byLocations(database: DatabaseSync, params: SetParams, table: TagTable, edits: RowEdits): Places {
  const { bins, binsPerGroup } = params
  const h = hashFunctionsOf(params)
  const counts = bundleCounts(database, params)

  /** For each distinct location its rows, bundle after bundle. */
  function* binsOf(item: number): Generator<{ row(bundle: number): RowEdit; count: { bundles: number } }> {
    const bucket = bucketOf(params, table, item)
    const locations = new Set(Array.from({ length: h }, (_, i) => locationOf(table.x[item]!, table.y[item]!, i, bins)))
    for (const location of locations) {
      const [group, bin] = [Math.floor(location / binsPerGroup), location % binsPerGroup]
      yield {
        row: (bundle) => edits.row(rowId(params, { bucket, group, bundle }, bin)),
        count: counts(bucket, group),
      }
    }
  }
  return {
    find(item) {
      const rows: RowEdit[] = []
      for (const { row, count } of binsOf(item))
        for (let bundle = 0; bundle < count.bundles; bundle++)
          if (row(bundle).indexOf(table, item) >= 0) rows.push(row(bundle))
      return rows
    },
    add(item) {
      for (const { row, count } of binsOf(item)) {
        let bundle = 0
        while (bundle < count.bundles && !row(bundle).takes(table, item)) bundle++
        row(bundle).add(table, item)
        count.bundles = Math.max(count.bundles, bundle + 1)
      }
    },
  }
}

/** With 0 hash functions: an item may be in any row of its bucket, so all members are looked through once. */
function anywhere(database: DatabaseSync, params: SetParams, table: TagTable, edits: RowEdits): Places {
  const found = new Map<number, RowEdit[]>()
  const byFirstWord = new Map<number, number[]>()
  const wanted = new Set<number>()
  for (let item = 0; item < table.count; item++) {
    const first = table.words[4 * item]!
    byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), item])
    wanted.add(bucketOf(params, table, item))
  }
  for (const bucket of wanted) lookThrough(bucket)

  function lookThrough(bucket: number): void {
    const first = rowId(params, { bucket, group: 0, bundle: 0 }, 0)
    const rows = database
      .prepare('select id, words from members where id >= ? and id < ?')
      .iterate(first, first + sectionSize) as IterableIterator<{ id: number; words: Uint8Array }>
    for (let row = storing(() => rows.next()); !row.done; row = storing(() => rows.next())) {
      const words = coefficientsOf(row.value.words)
      for (let i = 0; i < words.length; i += 4)
        for (const item of byFirstWord.get(words[i]!) ?? []) noteIn(row.value.id, item)
    }
  }
  function noteIn(id: number, item: number): void {
    const row = edits.row(id)
    const rows = found.get(item) ?? []
    if (row.indexOf(table, item) >= 0 && !rows.includes(row)) found.set(item, [...rows, row])
  }

  const rooms = new Map<number, Room>()
  return {
    find: (item) => found.get(item) ?? [],
    add(item) {
      const bucket = bucketOf(params, table, item)
      let room = rooms.get(bucket)
      if (!room) {
        room = new Room(database, params, bucket)
        rooms.set(bucket, room)
      }
      room.add(edits, table, item)
    },
  }
}

/** Items of all rows of one bucket. */
class Room {
  readonly #params: SetParams
  readonly #bucket: number
  /** [bundle][bin] */
  #counts: Uint32Array
  /** Where the search goes on: few rows are made again for many items. */
  #at: number

  constructor(database: DatabaseSync, params: SetParams, bucket: number) {
    this.#params = params
    this.#bucket = bucket
    this.#counts = new Uint32Array(params.bins * countBundles(database, params, bucket, 0))
    const first = rowId(params, { bucket, group: 0, bundle: 0 }, 0)
    const rows = all<{ id: number; items: number }>(
      database,
      'select id, items from rows where id >= ? and id < ?',
      first,
      first + sectionSize,
    )
    for (const { id, items } of rows) {
      const { bundle, bin } = placeOf(params, id)
      this.#counts[bundle * params.bins + bin] = items
    }
    this.#at = this.#counts.length > 0 ? randomInt(this.#counts.length) : 0
  }

  /** To the first row that takes it, at first from a random one on; else to a new bundle. */
  add(edits: RowEdits, table: TagTable, item: number): void {
    const { bins, itemsPerBin } = this.#params
    const rows = this.#counts.length
    // Only rows that are full are passed for good: equal elements are this item's own matter.
    for (let i = 0; i < rows && this.#counts[this.#at]! >= itemsPerBin; i++) this.#at = (this.#at + 1) % rows
    for (let i = 0; i < rows; i++) {
      const at = (this.#at + i) % rows
      if (this.#counts[at]! < itemsPerBin && this.#put(edits, table, item, at)) return
    }
    const larger = new Uint32Array(rows + bins)
    larger.set(this.#counts)
    this.#counts = larger
    this.#at = rows + randomInt(bins)
    this.#put(edits, table, item, this.#at)
  }

  #put(edits: RowEdits, table: TagTable, item: number, at: number): boolean {
    const { bins } = this.#params
    const id = rowId(this.#params, { bucket: this.#bucket, group: 0, bundle: Math.floor(at / bins) }, at % bins)
    const row = edits.row(id)
    if (!row.takes(table, item)) return false
    row.add(table, item)
    this.#counts[at] = row.count
    return true
  }
}
