import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { GloveboxError, toHex } from '@glovebox/he'
import { checkHardening, type Hardening } from '../items/hardening.ts'
import { type ItemKind, requireKind } from '../items/items.ts'
import { encodeOprfKey, type OprfKey } from '../oprf/key.ts'
import type { SetParams } from '../params/set-params.ts'
import { noRowDigests, type SetOrigin, schema, writeMeta } from './content.ts'
import { requireStorable } from './row-id.ts'
import { files, openSet, type PsiSet } from './set.ts'
import { openWritable, storing, transaction } from './sqlite.ts'

/** What a set is made of, before it has items. */
export interface CreateSetOptions {
  /** That it is served by. */
  readonly name: string
  /** What its items are. */
  readonly kind: ItemKind
  /** What is done to items before the OPRF. */
  readonly hardening: Hardening
  /** What its polynomials are made by. */
  readonly params: SetParams
  /** Written to the set's directory, mode 0600; the caller's to dispose of. */
  readonly key: OprfKey
  /** What the next epoch is to be made like. */
  readonly origin?: SetOrigin
}

/**
 * Makes a set without content in a directory that does not exist or is empty, and opens it. The directory is there as a whole or not at all. To rotate the
 * key build a new set, under a key of the next epoch, in another directory, while the old one is served.
 * @throws GloveboxError `exists` for a directory with anything in it, `unavailable` where it cannot be written; errors of `checkHardening` and `requireKind`.
 */
export function createSet(directory: string, options: CreateSetOptions): PsiSet {
  const { name, kind, hardening, params, key, origin = {} } = options
  if (typeof name !== 'string' || name === '') throw new TypeError('"name" expected a string that is not empty')
  requireKind(kind)
  checkHardening(hardening)
  requireStorable(params)
  const partial = join(dirname(directory), `.${process.pid}-${Math.trunc(performance.now())}.new-set`)
  storing(() => {
    requireEmpty(directory)
    mkdirSync(dirname(directory), { recursive: true })
    mkdirSync(partial, { mode: 0o700 })
    try {
      writeKey(join(partial, files.key), encodeOprfKey(key))
      closeSync(openSync(join(partial, files.lock), 'ax', 0o600))
      const database = openWritable(join(partial, files.set))
      try {
        transaction(database, () => {
          database.exec(schema)
          writeMeta(database, {
            name,
            kind,
            hardening: JSON.stringify(hardening),
            params: JSON.stringify(params.literal),
            epoch: key.epoch,
            publicKey: toHex(key.publicKey),
            state: 'new',
            items: 0,
            edits: 0,
            origin: JSON.stringify(origin),
            rowDigests: noRowDigests,
          })
        })
      } finally {
        database.close()
      }
      if (existsSync(directory)) rmdirSync(directory)
      renameSync(partial, directory)
    } catch (error) {
      rmSync(partial, { recursive: true, force: true })
      throw error
    }
  })
  return openSet(directory)
}

function requireEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new GloveboxError('exists', `"${directory}" is not empty: make the set in a directory of its own`)
}

function writeKey(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    // Whatever the umask took away.
    chmodSync(path, 0o600)
    writeSync(file, bytes)
    fsyncSync(file)
  } finally {
    closeSync(file)
    bytes.fill(0)
  }
}
