import { createCipheriv } from 'node:crypto'
import { hashFunctionsOf, locationOf, writeFelts } from '../hashing/tag.ts'
import type { SetParams } from '../params/set-params.ts'
import type { TagTable } from './tag-table.ts'

/** Where items go: bins of buckets (bucket * bins + location), rows of each bin bundle after bundle, items of each row. */
export interface Layout {
  /** Rows of bin b: binRows[b] up to binRows[b + 1]. */
  readonly binRows: Uint32Array
  /** Items of row r: order[rowStarts[r]] up to order[rowStarts[r + 1]]. */
  readonly rowStarts: Uint32Array
  /** Indices of items in the table. */
  readonly order: Uint32Array
}

/**
 * Places all items; the same table and seed (32 bytes) give the same places. The order of items within a bin, and with 0 hash functions the bin, is a random
 * one: a receiver learns in which bundle an item is, which would otherwise tell its rank in a list that is sorted by frequency or date.
 */
export function layOut(params: SetParams, table: TagTable, seed: Uint8Array): Layout {
  const random = createStream(seed)
  return hashFunctionsOf(params) > 0 ? byLocations(params, table, random) : evenly(params, table, random)
}

/** All locations of each item; first fit. */
function byLocations(params: SetParams, table: TagTable, random: Stream): Layout {
  const { bins, prefixBits, buckets, itemsPerBin } = params
  const starts = new Uint32Array(buckets * bins + 1)
  eachLocation(params, table, (_, bin) => starts[bin + 1]!++)
  for (let bin = 0; bin < buckets * bins; bin++) starts[bin + 1]! += starts[bin]!
  const order = new Uint32Array(starts.at(-1)!)
  const next = starts.slice()
  eachLocation(params, table, (item, bin) => {
    order[next[bin]!++] = item
  })
  const filler = createFiller(params, table, order)
  const rows = new Growing()
  const binRows = new Uint32Array(buckets * bins + 1)
  for (let bin = 0; bin < buckets * bins; bin++) {
    const [from, to] = [starts[bin]!, starts[bin + 1]!]
    shuffle(order, from, to, random)
    filler.start(from, to)
    while (filler.rest() > 0) {
      rows.push(filler.at())
      filler.fill(itemsPerBin)
    }
    binRows[bin + 1] = rows.length
  }
  rows.push(order.length)
  return { binRows, rowStarts: rows.values(), order }

  function eachLocation(
    { powers }: SetParams,
    { count, prefixes, x, y }: TagTable,
    visit: (item: number, bin: number) => void,
  ): void {
    const h = powers!.hashFunctions
    const seen = new Float64Array(h)
    for (let item = 0; item < count; item++) {
      const base = prefixBits > 0 ? (prefixes[item]! >>> (16 - prefixBits)) * bins : 0
      for (let i = 0; i < h; i++) {
        const location = locationOf(x[item]!, y[item]!, i, bins)
        seen[i] = location
        if (seen.indexOf(location) === i) visit(item, base + location)
      }
    }
  }
}

/** Each item once, spread over all bins of as few bundles as hold a bucket's items. */
function evenly(params: SetParams, table: TagTable, random: Stream): Layout {
  const { bins, buckets, itemsPerBin } = params
  const { starts, order } = byBucket(params, table)
  const filler = createFiller(params, table, order)
  const rows = new Growing()
  const binRows = new Uint32Array(buckets * bins + 1)
  for (let bucket = 0; bucket < buckets; bucket++) {
    const [from, to] = [starts[bucket]!, starts[bucket + 1]!]
    shuffle(order, from, to, random)
    let bundles = Math.ceil((to - from) / (bins * itemsPerBin))
    let starting = spread(filler, from, to, bins * bundles, itemsPerBin)
    // Equal elements can leave no room in rows that are all but full.
    while (!starting) starting = spread(filler, from, to, bins * ++bundles, itemsPerBin)
    for (const start of starting) rows.push(start)
    for (let bin = 0; bin < bins; bin++) binRows[bucket * bins + bin + 1] = binRows[bucket * bins + bin]! + bundles
  }
  rows.push(order.length)
  return { binRows, rowStarts: rows.values(), order }
}

function byBucket(
  { buckets, prefixBits }: SetParams,
  { count, prefixes }: TagTable,
): { starts: Uint32Array; order: Uint32Array } {
  const starts = new Uint32Array(buckets + 1)
  const bucketOf = (item: number): number => (prefixBits > 0 ? prefixes[item]! >>> (16 - prefixBits) : 0)
  for (let item = 0; item < count; item++) starts[bucketOf(item) + 1]!++
  for (let bucket = 0; bucket < buckets; bucket++) starts[bucket + 1]! += starts[bucket]!
  const next = starts.slice()
  const order = new Uint32Array(count)
  for (let item = 0; item < count; item++) order[next[bucketOf(item)]!++] = item
  return { starts, order }
}

/** The starts of `rows` rows that hold all of order[from, to), or undefined. */
function spread(filler: Filler, from: number, to: number, rows: number, capacity: number): Uint32Array | undefined {
  const starts = new Uint32Array(rows)
  filler.start(from, to)
  for (let row = 0; row < rows; row++) {
    starts[row] = filler.at()
    filler.fill(Math.min(capacity, Math.ceil(filler.rest() / (rows - row))))
  }
  while (filler.rest() > 0) {
    const row = starts.findIndex((start, i) => {
      const end = i + 1 < rows ? starts[i + 1]! : filler.at()
      return end - start < capacity && filler.fits(start, end)
    })
    if (row < 0) {
      filler.giveUp()
      return undefined
    }
    filler.insert(row + 1 < rows ? starts[row + 1]! : filler.at())
    for (let i = row + 1; i < rows; i++) starts[i]!++
  }
  return starts
}

/** Fills rows with the items of a stretch of `order`, in place and in order. With labels no two items of a row have an element in common. */
interface Filler {
  start(from: number, to: number): void
  /** Items that are in no row yet. */
  rest(): number
  /** Where the next row begins. */
  at(): number
  /** Makes a row of up to so many items. */
  fill(most: number): void
  /** Whether the first of the items that are left goes with order[start, end). */
  fits(start: number, end: number): boolean
  /** Inserts it at a place before those that were filled. */
  insert(at: number): void
  /** Puts the items that are left back into the stretch. */
  giveUp(): void
}

function createFiller(params: SetParams, { words }: TagTable, order: Uint32Array): Filler {
  const { feltsPerItem: k, labelBytes, itemsPerBin } = params
  const felts = new Uint32Array(k)
  const mask = 2 ** Math.ceil(Math.log2(2 * k * itemsPerBin + 2)) - 1
  // Elements of the row by open addressing: element * k + which of the k it is, + 1.
  const present = new Uint32Array(labelBytes > 0 ? mask + 1 : 0)
  let carried: number[] = []
  let [read, write, end] = [0, 0, 0]

  function slotOf(key: number): number {
    let slot = Math.imul(key, 0x9e3779b1) & mask
    while (present[slot] !== 0 && present[slot] !== key) slot = (slot + 1) & mask
    return slot
  }
  function joins(item: number, add: boolean): boolean {
    if (labelBytes === 0) return true
    writeFelts(params, words, 4 * item, felts, 0)
    for (let j = 0; j < k; j++) if (present[slotOf(felts[j]! * k + j + 1)] !== 0) return false
    for (let j = 0; add && j < k; j++) {
      const key = felts[j]! * k + j + 1
      present[slotOf(key)] = key
    }
    return true
  }
  return {
    start(from, to) {
      ;[read, write, end] = [from, from, to]
      carried = []
    },
    rest: () => carried.length + end - read,
    at: () => write,
    fill(most) {
      present.fill(0)
      const limit = write + most
      const waiting = carried
      carried = []
      for (const item of waiting)
        if (write < limit && joins(item, true)) order[write++] = item
        else carried.push(item)
      while (write < limit && read < end) {
        const item = order[read++]!
        if (joins(item, true)) order[write++] = item
        else carried.push(item)
      }
    },
    fits(start, to) {
      present.fill(0)
      for (let i = start; i < to; i++) joins(order[i]!, true)
      return joins(carried[0]!, false)
    },
    insert(at) {
      order.copyWithin(at + 1, at, write++)
      order[at] = carried.shift()!
    },
    giveUp() {
      order.set(carried, write)
    },
  }
}

interface Stream {
  /** An integer from 0 to n - 1, n < 2^32. */
  below(n: number): number
}

/** AES-256 in counter mode. */
function createStream(seed: Uint8Array): Stream {
  const cipher = createCipheriv('aes-256-ctr', seed, new Uint8Array(16))
  const zeros = new Uint8Array(65536)
  let pool = new Uint32Array(0)
  let at = 0
  return {
    below(n) {
      if (at === pool.length) {
        const { buffer, byteOffset, byteLength } = cipher.update(zeros)
        pool = new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength))
        at = 0
      }
      return Math.floor((pool[at++]! / 2 ** 32) * n)
    },
  }
}

/** Fisher and Yates. */
function shuffle(values: Uint32Array, from: number, to: number, { below }: Stream): void {
  for (let i = to - 1; i > from; i--) {
    const j = from + below(i - from + 1)
    const value = values[i]!
    values[i] = values[j]!
    values[j] = value
  }
}

/** A Uint32Array that grows. */
class Growing {
  #values: Uint32Array = new Uint32Array(1024)
  length = 0
  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(2 * this.length)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length++] = value
  }
  values(): Uint32Array {
    return this.#values.slice(0, this.length)
  }
}
