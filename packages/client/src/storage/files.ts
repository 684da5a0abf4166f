import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { type KeyRecord, type KeyStorage, stays } from './storage.ts'

/** Where programs of this user keep their data, as the platform has it. */
export function dataDirectory(): string {
  const { env, platform } = process
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'glovebox', 'keys')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'glovebox', 'keys')
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'glovebox', 'keys')
}

/** Begins a file: magic and version. Behind it: created u64, digest 32 bytes, secret key. */
const head = Buffer.from('gbxkeys1')
const headBytes = 8 + 8 + 32
const secretName = /^([0-9a-f]+)\.(\d{1,9})\.secret$/
/** Nothing is written for an hour. */
const abandonedMs = 3_600_000

/** Keys in a folder. */
export interface FileStorage extends KeyStorage {
  /** All sets that can be read, without their secrets. */
  list(): Promise<{ readonly id: string; readonly digest: string; readonly created: number }[]>
}

/**
 * Keeps keys in a folder of mode 0700, in files of mode 0600: `<id>.<generation>.secret` and `<id>.<digest>.evaluation`. A file appears when it is whole; a set
 * is replaced by making the next generation, which only one process can. A secret key is as safe there as other files of the user are.
 */
export function fileStorage(directory: string = dataDirectory()): FileStorage {
  /** Whether there is a folder, which then is this user's alone: keys that others put there would be keys that others know. */
  const isThere = async (): Promise<boolean> => {
    const found = await stat(directory).catch(unlessMissing(undefined))
    if (found === undefined || process.platform === 'win32') return found !== undefined
    const { mode, uid } = found
    if ((mode & 0o077) !== 0 || uid !== process.getuid?.())
      throw new GloveboxError(
        'unauthorised',
        `the folder of keys ${directory} expected mode 0700 and to be this user's, got 0${(mode & 0o777).toString(8)} and user ${uid}: chmod 700 it, or name another one`,
      )
    return true
  }

  /** The generations of a set, the newest first. */
  const generations = async (id: string): Promise<number[]> => {
    const names = await readdir(directory).catch(unlessMissing<string[]>([]))
    return names
      .flatMap((name) => {
        const [, found, generation] = secretName.exec(name) ?? []
        return found === id ? [Number(generation)] : []
      })
      .sort((a, b) => b - a)
  }

  const pathOf = (id: string, generation: number): string => join(directory, `${id}.${generation}.secret`)
  const evaluationOf = (id: string, digest: string): string => join(directory, `${id}.${digest}.evaluation`)

  const newest = async (id: string): Promise<{ generation: number; record: KeyRecord | undefined }> => {
    for (;;) {
      const [generation] = await generations(id)
      if (generation === undefined) return { generation: 0, record: undefined }
      const bytes = await readFile(pathOf(id, generation)).catch(unlessMissing(undefined))
      // Somebody has just replaced it.
      if (bytes === undefined) continue
      return { generation, record: decode(bytes) }
    }
  }

  /** Of the generations before this one, and what processes left behind that were ended while they wrote. */
  const removeOlder = async (id: string, generation: number): Promise<void> => {
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      const [, found, number] = secretName.exec(name) ?? []
      const abandoned = async (): Promise<boolean> => {
        const { mtimeMs } = await stat(path).catch(unlessMissing({ mtimeMs: Infinity }))
        return Date.now() - mtimeMs > abandonedMs
      }
      if (found === id ? Number(number) < generation : name.endsWith('.part') && (await abandoned()))
        await rm(path, { force: true })
    }
  }

  return {
    async load(id) {
      return (await isThere()) ? (await newest(id)).record : undefined
    },
    async keep(id, record, evaluation, replaces) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await isThere()
      for (;;) {
        const { generation, record: kept } = await newest(id)
        const old = kept?.digest
        if (stays(kept, replaces)) return kept
        const temporary = join(directory, `${randomUUID()}.part`)
        await writeWhole(temporary, encode(record))
        try {
          // Of two processes, one makes this name.
          await link(temporary, pathOf(id, generation + 1))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
          continue
        } finally {
          await rm(temporary, { force: true })
        }
        const part = join(directory, `${randomUUID()}.part`)
        // There may be no room for them; the secret key alone is worth keeping.
        await writeWhole(part, evaluation)
          .then(() => rename(part, evaluationOf(id, record.digest)))
          .catch(() => rm(part, { force: true }))
        await removeOlder(id, generation + 1)
        if (old !== undefined) await rm(evaluationOf(id, old), { force: true })
        return record
      }
    },
    async evaluation(id, digest) {
      const bytes = await readFile(evaluationOf(id, digest)).catch(unlessMissing(undefined))
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    },
    async delete(id) {
      const names = await readdir(directory).catch(unlessMissing<string[]>([]))
      await Promise.all(
        names.filter((name) => name.startsWith(`${id}.`)).map((name) => rm(join(directory, name), { force: true })),
      )
    },
    async list() {
      const names = await readdir(directory).catch(unlessMissing<string[]>([]))
      const ids = new Set(names.flatMap((name) => secretName.exec(name)?.[1] ?? []))
      const sets = await Promise.all(
        [...ids].map(async (id) => {
          const { record } = await newest(id)
          record?.secret.fill(0)
          return record ? [{ id, digest: record.digest, created: record.created }] : []
        }),
      )
      return sets.flat()
    },
    close() {},
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

function encode({ digest, created, secret }: KeyRecord): Buffer {
  const bytes = Buffer.alloc(headBytes + secret.length)
  head.copy(bytes)
  bytes.writeBigUInt64LE(BigInt(created), 8)
  bytes.write(digest, 16, 'hex')
  bytes.set(secret, headBytes)
  return bytes
}

/** undefined for a file of something else. */
function decode(bytes: Buffer<ArrayBuffer>): KeyRecord | undefined {
  if (bytes.length <= headBytes || !bytes.subarray(0, 8).equals(head)) return undefined
  return {
    digest: bytes.toString('hex', 16, headBytes),
    created: Number(bytes.readBigUInt64LE(8)),
    secret: new Uint8Array(bytes.subarray(headBytes)),
  }
}

function unlessMissing<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}
