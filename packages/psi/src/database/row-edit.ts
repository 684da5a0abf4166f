import type { DatabaseSync } from 'node:sqlite'
import { GloveboxError } from '@glovebox/he'
import { writeFelts } from '../hashing/tag.ts'
import type { SetParams } from '../params/set-params.ts'
import { coefficientsOf } from './content.ts'
import type { RowJob } from './row-maker.ts'
import { storing } from './sqlite.ts'
import type { TagTable } from './tag-table.ts'

/** The members of one row, to be changed. */
export class RowEdit {
  readonly id: number
  /** Whether it is to be made again. */
  changed = false
  count: number
  readonly #words: Uint32Array
  readonly #labels: Uint8Array
  readonly #params: SetParams

  constructor(params: SetParams, id: number, members?: { readonly words: Uint32Array; readonly labels: Uint8Array }) {
    this.id = id
    this.#params = params
    this.#words = new Uint32Array(4 * params.itemsPerBin)
    this.#labels = new Uint8Array(params.labelBytes * params.itemsPerBin)
    this.count = (members?.words.length ?? 0) / 4
    if (this.count > params.itemsPerBin || (members && members.labels.length !== this.count * params.labelBytes))
      throw new GloveboxError('malformed', 'members of a row of the set do not fit its parameters: build it again')
    if (members) {
      this.#words.set(members.words)
      this.#labels.set(members.labels)
    }
  }

  /** The position of the item, or -1. */
  indexOf({ words }: TagTable, item: number): number {
    const own = this.#words
    for (let i = 0; i < this.count; i++)
      if (
        own[4 * i] === words[4 * item] &&
        own[4 * i + 1] === words[4 * item + 1] &&
        own[4 * i + 2] === words[4 * item + 2] &&
        own[4 * i + 3] === words[4 * item + 3]
      )
        return i
    return -1
  }

  /** Whether there is room, and with labels no element that the item has too. */
  takes({ words }: TagTable, item: number): boolean {
    const { itemsPerBin, labelBytes, feltsPerItem: k } = this.#params
    if (this.count >= itemsPerBin) return false
    if (labelBytes === 0) return true
    const felts = new Uint32Array(2 * k)
    writeFelts(this.#params, words, 4 * item, felts, 0)
    for (let i = 0; i < this.count; i++) {
      writeFelts(this.#params, this.#words, 4 * i, felts, k)
      for (let j = 0; j < k; j++) if (felts[j] === felts[k + j]) return false
    }
    return true
  }

  add(table: TagTable, item: number): void {
    this.#words.set(table.words.subarray(4 * item, 4 * item + 4), 4 * this.count)
    this.label(table, item, this.count++)
    this.changed = true
  }

  /** Gives the member at a position the item's label. */
  label({ labels }: TagTable, item: number, position: number): void {
    const { labelBytes } = this.#params
    this.#labels.set(labels.subarray(item * labelBytes, (item + 1) * labelBytes), position * labelBytes)
    if (labelBytes > 0) this.changed = true
  }

  /** The last member takes the place of the one that goes. */
  remove(position: number): void {
    const { labelBytes } = this.#params
    const last = --this.count
    this.#words.copyWithin(4 * position, 4 * last, 4 * last + 4)
    this.#labels.copyWithin(labelBytes * position, labelBytes * last, labelBytes * (last + 1))
    this.changed = true
  }

  get words(): Uint32Array {
    return this.#words.subarray(0, 4 * this.count)
  }
  get labels(): Uint8Array {
    return this.#labels.subarray(0, this.#params.labelBytes * this.count)
  }
}

/** Rows of a set that were looked at, each read once. */
export class RowEdits {
  readonly #rows = new Map<number, RowEdit>()
  readonly #params: SetParams
  readonly #read: (id: number) => unknown

  constructor(database: DatabaseSync, params: SetParams) {
    const statement = database.prepare('select words, labels from members where id = ?')
    this.#params = params
    this.#read = (id) => storing(() => statement.get(id))
  }

  row(id: number): RowEdit {
    const known = this.#rows.get(id)
    if (known) return known
    const found = this.#read(id) as { words: Uint8Array; labels: Uint8Array } | undefined
    const row = new RowEdit(this.#params, id, found && { words: coefficientsOf(found.words), labels: found.labels })
    this.#rows.set(id, row)
    return row
  }

  /** The rows to be made again, in jobs of `most`. */
  *jobs(most: number): Generator<RowJob> {
    const changed = [...this.#rows.values()].filter((row) => row.changed).sort((a, b) => a.id - b.id)
    for (let at = 0; at < changed.length; at += most) yield jobOf(this.#params, changed.slice(at, at + most))
  }
}

function jobOf({ labelBytes }: SetParams, rows: readonly RowEdit[]): RowJob {
  const items = rows.reduce((sum, { count }) => sum + count, 0)
  const words = new Uint32Array(4 * items)
  const labels = new Uint8Array(labelBytes * items)
  let at = 0
  for (const row of rows) {
    words.set(row.words, 4 * at)
    labels.set(row.labels, labelBytes * at)
    at += row.count
  }
  return {
    ids: Float64Array.from(rows, ({ id }) => id),
    counts: Uint32Array.from(rows, ({ count }) => count),
    words,
    labels,
  }
}
