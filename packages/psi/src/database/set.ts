import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { GloveboxError, toHex } from '@glovebox/he'
import type { Row } from '../evaluate/loaded.ts'
import type { Hardening } from '../items/hardening.ts'
import type { ItemKind } from '../items/items.ts'
import { decodeOprfKey, type OprfKey } from '../oprf/key.ts'
import { createSetParams, type SetParams } from '../params/set-params.ts'
import { type BuildOptions, type BuildResult, buildSet, type Source } from './build.ts'
import {
  countBundles,
  formatVersion,
  type Meta,
  RowDigests,
  readMeta,
  readRows,
  type SetIdentity,
  type SetOrigin,
  type SetState,
} from './content.ts'
import type { EvaluateItems, SetEntry } from './records.ts'
import { binsOfGroup, type RowPlace } from './row-id.ts'
import { all, openReadable, openWritable, storing, takeLock } from './sqlite.ts'
import { removeStaging } from './staging.ts'
import { type InsertResult, insertInto, type RemoveResult, removeFrom } from './update.ts'

export const files = { set: 'set.sqlite', key: 'oprf.key', lock: 'set.lock' } as const

/** How a set is opened. */
export interface OpenSetOptions {
  /** For serving: several processes may have it open so, beside one that writes; a set that is not complete is refused. Default false. */
  readonly readOnly?: boolean
}

/**
 * A sender's set on disk: items as polynomials modulo t, the OPRF key, and what both were made by. Whoever can read its directory can try guesses against it.
 */
export interface PsiSet extends Disposable {
  /** Where its files are. */
  readonly directory: string
  /** As it was created, as are the next three. */
  readonly name: string
  /** What its items are. */
  readonly kind: ItemKind
  /** What is done to items before the OPRF. */
  readonly hardening: Hardening
  /** What its polynomials are made by. */
  readonly params: SetParams
  /** Of the OPRF key. */
  readonly epoch: number
  /** What was remembered of its making. */
  readonly origin: SetOrigin
  /** As the database has it now, as are the next three. */
  readonly state: SetState
  /** Distinct items. */
  readonly items: number
  /** Insertions and removals since the build that changed something. */
  readonly edits: number
  /** SHA-256 over parameters, kind, hardening, epoch and content, however that came about: 64 lower-case hexadecimal digits. */
  readonly digest: string
  /** The key, for the caller to dispose of. */
  readKey(): OprfKey
  /**
   * All rows of all bundles, in order of (bucket, group, bundle, bin), as they were when the first is asked for; bins without items are rows too.
   * @throws GloveboxError `unavailable` for a set that is not complete, `malformed` for a damaged one.
   */
  rows(from?: RowPlace): Generator<Row>
  /** Bundles of a bucket and group: 0 where it has no items. */
  bundles(bucket: number, group: number): number
  /**
   * Fills a new set with a list, or goes on with a build of the same list that stopped at any point: what was committed (see `batchItems`) is not done again.
   * Of entries with the same item the last one's label counts. Memory: 24 to 40 bytes and the label for each item, and 4 for each of its locations.
   * @throws GloveboxError `exists` for a complete set, `parameters-mismatch` for another list than the one begun with, `unavailable` where the disk is full;
   * the signal's reason.
   */
  build(source: Source, options: BuildOptions): Promise<BuildResult>
  /**
   * Adds items, or gives those that are there new labels: all or none. Only their rows are made again.
   * @throws GloveboxError `unsupported` where more items would be found by accident than 2^-40 a run, `unavailable` while a build is unfinished, and where the disk is full.
   */
  insert(entries: Iterable<SetEntry>, evaluate: EvaluateItems): Promise<InsertResult>
  /** Takes items out, all that are there or none. Errors as those of `insert`. */
  remove(items: Iterable<Uint8Array>, evaluate: EvaluateItems): Promise<RemoveResult>
  /** Closes its files; so does disposing of it. */
  close(): void
}

/**
 * Opens the set of a directory.
 * @throws GloveboxError `not-found` where there is none, `malformed` for a damaged one, `unsupported` for one of a later version, `missing-key` without its
 * OPRF key, `parameters-mismatch` with that of another set, `unavailable` where another process writes to it or it is not complete and opened for reading.
 */
export function openSet(directory: string, { readOnly = false }: OpenSetOptions = {}): PsiSet {
  const path = join(directory, files.set)
  if (!existsSync(path))
    throw new GloveboxError('not-found', `"${directory}" has no set (${files.set}): build one there first`)
  const lock = readOnly
    ? undefined
    : takeLock(join(directory, files.lock), `another process is writing to the set in "${directory}": wait for it`)
  let database: DatabaseSync | undefined
  try {
    requireWhole(path)
    database = readOnly ? openReadable(path) : openWritable(path)
    requireFormat(database)
    const set = new StoredSet(directory, database, lock)
    set.readKey()[Symbol.dispose]()
    if (readOnly) set.requireComplete()
    else if (set.state === 'complete') removeStaging(directory)
    return set
  } catch (error) {
    database?.close()
    lock?.close()
    throw error
  }
}

/** Without a write-ahead log the file has all pages that its header says. */
function requireWhole(path: string): void {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })
  if (log !== undefined && log.size > 0) return
  const { size } = statSync(path)
  const reading = openReadable(path)
  try {
    const [pages] = all<{ page_count: number }>(reading, 'pragma page_count')
    const [page] = all<{ page_size: number }>(reading, 'pragma page_size')
    const expected = pages!.page_count * page!.page_size
    if (size < expected || size === 0)
      throw new GloveboxError('malformed', `the set is cut off at ${size} of ${expected} bytes: restore a backup`)
  } finally {
    reading.close()
  }
}

function requireFormat(database: DatabaseSync): void {
  const version = all<{ user_version: number }>(database, 'pragma user_version')[0]?.user_version
  if (version === formatVersion) return
  throw version !== undefined && version > formatVersion
    ? new GloveboxError(
        'unsupported',
        `the set has version ${version}, expected ${formatVersion}: open it with a later Glovebox`,
      )
    : new GloveboxError('malformed', `${files.set} is no set of Glovebox: build it again, or restore a backup`)
}

class StoredSet implements PsiSet {
  readonly directory: string
  readonly name: string
  readonly kind: ItemKind
  readonly hardening: Hardening
  readonly params: SetParams
  readonly epoch: number
  readonly origin: SetOrigin
  readonly #identity: SetIdentity
  readonly #database: DatabaseSync
  readonly #lock: DatabaseSync | undefined
  /** Changes wait for each other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(directory: string, database: DatabaseSync, lock: DatabaseSync | undefined) {
    const identity = readMeta(database)
    this.directory = directory
    this.#database = database
    this.#lock = lock
    this.#identity = identity
    this.name = identity.name
    this.kind = identity.kind as ItemKind
    this.hardening = parsed('hardening', () => JSON.parse(identity.hardening) as Hardening)
    this.params = parsed('params', () => createSetParams(JSON.parse(identity.params)))
    this.epoch = identity.epoch
    this.origin = parsed('origin', () => JSON.parse(identity.origin) as SetOrigin)
  }

  get #meta(): Meta {
    return readMeta(this.#database)
  }
  get state(): SetState {
    return this.#meta.state
  }
  get items(): number {
    return this.#meta.items
  }
  get edits(): number {
    return this.#meta.edits
  }
  get digest(): string {
    const { kind, hardening, epoch } = this.#identity
    const identity = JSON.stringify([this.params.digest, kind, hardening, epoch, this.#meta.rowDigests])
    return toHex(createHash('sha256').update(identity).digest())
  }

  readKey(): OprfKey {
    const path = join(this.directory, files.key)
    if (!existsSync(path))
      throw new GloveboxError(
        'missing-key',
        `the set in "${this.directory}" has lost its ${files.key}: restore it from a backup, or build the set anew under a new key`,
      )
    const key = decodeOprfKey(
      storing(() => readFileSync(path)),
      files.key,
    )
    const { publicKey } = this.#identity
    const own = publicKey === undefined || publicKey === toHex(key.publicKey)
    if (key.epoch === this.epoch && own) return key
    key[Symbol.dispose]()
    // Epochs of all sets begin at the same number; under another key nothing of a set is ever found.
    if (key.epoch === this.epoch)
      throw new GloveboxError(
        'parameters-mismatch',
        `${files.key} is the key of another set: restore the key that the set was built with`,
      )
    throw new GloveboxError(
      'parameters-mismatch',
      `${files.key} is of epoch ${key.epoch}, the set of ${this.epoch}: restore the key that the set was built with`,
    )
  }

  requireComplete(): void {
    const { state } = this.#meta
    if (state === 'complete') return
    throw new GloveboxError(
      'unavailable',
      state === 'new'
        ? `the set in "${this.directory}" has no content yet: build it first`
        : `the build of the set in "${this.directory}" is unfinished: run it again with the same list, it goes on where it stopped`,
    )
  }

  *rows(from?: RowPlace): Generator<Row> {
    // A connection of its own: its transaction reads what was there when it began.
    const database = openReadable(join(this.directory, files.set))
    try {
      this.requireComplete()
      storing(() => database.exec('begin'))
      const digests = from ? undefined : new RowDigests(readMeta(database).rowDigests)
      yield* readRows(database, this.params, from ?? { bucket: 0, group: 0, bundle: 0 }, digests)
      if (digests?.none === false)
        throw new GloveboxError(
          'malformed',
          'rows of the set are damaged or missing: restore a backup, or build it again',
        )
    } finally {
      database.close()
    }
  }

  bundles(bucket: number, group: number): number {
    const { buckets, groups } = this.params
    if (!(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets))
      throw new RangeError(`"bucket" expected an integer from 0 to ${buckets - 1}, got ${bucket}`)
    if (!(Number.isInteger(group) && group >= 0 && group < groups && binsOfGroup(this.params, group) > 0))
      throw new RangeError(`"group" expected an integer from 0 to ${groups - 1}, got ${group}`)
    return countBundles(this.#database, this.params, bucket, group)
  }

  build(source: Source, options: BuildOptions): Promise<BuildResult> {
    return this.#change(() => {
      if (this.state === 'complete')
        throw new GloveboxError(
          'exists',
          `the set in "${this.directory}" is complete: insert and remove items, or build a new one in another directory`,
        )
      return buildSet({ directory: this.directory, database: this.#database, params: this.params }, source, options)
    })
  }

  insert(entries: Iterable<SetEntry>, evaluate: EvaluateItems): Promise<InsertResult> {
    return this.#change(() => {
      if (this.state === 'building') this.requireComplete()
      return insertInto(this.#database, this.params, [...entries], evaluate)
    })
  }

  remove(items: Iterable<Uint8Array>, evaluate: EvaluateItems): Promise<RemoveResult> {
    return this.#change(() => {
      this.requireComplete()
      return removeFrom(this.#database, this.params, [...items], evaluate)
    })
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      if (!this.#lock)
        throw new GloveboxError(
          'unavailable',
          `the set in "${this.directory}" was opened for reading: open it without "readOnly"`,
        )
      return work()
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
    if (this.#lock?.isOpen) this.#lock.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function parsed<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new GloveboxError('malformed', `the set is damaged: its ${what} cannot be read. Restore a backup`, {
      cause: error,
    })
  }
}
