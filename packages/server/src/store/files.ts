import { randomUUID } from 'node:crypto'
import type { Dirent } from 'node:fs'
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  opendir,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { noObject, type ObjectEntry, type ObjectStore, prefixOf, segmentsOf } from './objects.ts'
import { until } from './stream.ts'

/** Where objects lie. */
export interface FilesOptions {
  readonly directory: string
  /** Whether other servers have the folder open too: then what a crash left is kept for a day. */
  readonly shared?: boolean | undefined
}

const pieceBytes = 2 ** 18
const dayMs = 86_400_000
/** Less than this is full: a file system needs some itself. */
const leastFree = 2 ** 20

/**
 * Objects as files of mode 0600. One is written beside its place, synced, then renamed: it is there whole, after a kill or a loss of power too, or not at
 * all. Names of 32 characters and more lie in folders by their first two ("~ab"), which no key can name.
 */
export async function openFiles({ directory, shared = false }: FilesOptions): Promise<ObjectStore> {
  const temporary = join(directory, '~tmp')
  await storing(() => mkdir(temporary, { recursive: true, mode: 0o700 }))
  await storing(() => sweep(temporary, shared ? dayMs : Number.NEGATIVE_INFINITY))
  const pathOf = (key: string): string => join(directory, ...segmentsOf(key).flatMap(sharded))

  return {
    async put(key, body, { signal } = {}) {
      const path = pathOf(key)
      const draft = join(temporary, randomUUID())
      try {
        const bytes = await write(draft, until(body, signal))
        await storing(() => place(draft, path, directory))
        return bytes
      } catch (error) {
        await unlink(draft).catch(() => undefined)
        throw error
      }
    },
    get: (key) => read(key, pathOf(key)),
    size: (key) => storing(() => whereThere(async () => (await stat(pathOf(key))).size)),
    async delete(key) {
      const path = pathOf(key)
      await storing(() => whereThere(() => unlink(path)))
      for (let folder = dirname(path); dirname(folder) !== directory && folder !== directory; folder = dirname(folder))
        if (
          !(await rmdir(folder)
            .then(() => true)
            .catch(() => false))
        )
          break
    },
    list: (prefix) => walk(join(directory, ...prefixOf(prefix).flatMap(sharded)), prefix),
    ready: () =>
      storing(async () => {
        await access(temporary, constants.W_OK)
        const { bavail, bsize } = await statfs(temporary)
        if (bavail * bsize < leastFree) throw full(undefined)
      }),
    close: async () => undefined,
  }
}

const sharded = (name: string): string[] => (name.length < 32 ? [name] : [`~${name.slice(0, 2)}`, name])

async function write(path: string, body: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await storing(() => open(path, 'wx', 0o600))
  try {
    let bytes = 0
    for await (const piece of body) {
      await storing(() => writeAll(file, piece))
      bytes += piece.length
    }
    await storing(() => file.sync())
    return bytes
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten
}

async function place(draft: string, path: string, root: string): Promise<void> {
  const folder = dirname(path)
  for (let attempt = 0; ; attempt++) {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      await rename(draft, path)
      await syncFolders(folder, made ? dirname(made) : folder, root)
      return
    } catch (error) {
      // Somebody deleted the last file of the folder, and with it the folder.
      if (!isMissing(error) || attempt === 10) throw error
    }
  }
}

/** A new name is durable once its folder is synced; so is a new folder. */
async function syncFolders(from: string, to: string, root: string): Promise<void> {
  // Windows syncs no folders.
  if (process.platform === 'win32') return
  for (let folder = from; ; folder = dirname(folder)) {
    await whereThere(async () => {
      const handle = await open(folder, 'r')
      await handle.sync().finally(() => handle.close())
    })
    if (folder === to || folder === root) return
  }
}

async function* read(key: string, path: string): AsyncGenerator<Uint8Array> {
  const file = await storing(() => open(path, 'r')).catch((error: unknown) => {
    throw isMissing(error) ? noObject(key, error) : error
  })
  try {
    for (;;) {
      const piece = new Uint8Array(pieceBytes)
      const { bytesRead } = await storing(() => file.read(piece))
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function* walk(folder: string, prefix: string): AsyncGenerator<ObjectEntry> {
  const entries: Dirent[] = (await whereThere(() => readdir(folder, { withFileTypes: true }))) ?? []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name === '~tmp') continue
      yield* walk(path, entry.name.startsWith('~') ? prefix : `${prefix}${entry.name}/`)
      continue
    }
    const found = entry.isFile() ? await whereThere(() => stat(path)) : undefined
    if (found) yield { key: prefix + entry.name, bytes: found.size, modified: Math.round(found.mtimeMs) }
  }
}

async function sweep(temporary: string, olderMs: number): Promise<void> {
  for await (const { name } of await opendir(temporary)) {
    const path = join(temporary, name)
    const found = await whereThere(() => stat(path))
    if (found && Date.now() - found.mtimeMs >= olderMs) await rm(path, { force: true, recursive: true })
  }
}

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

async function whereThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function full(cause: unknown): GloveboxError {
  return new GloveboxError('unavailable', 'the disk that objects are stored on is full: nothing more can be stored', {
    cause,
  })
}

const failures: Readonly<Record<string, string>> = {
  EIO: 'its disk fails',
  EROFS: 'its file system can only be read',
  EACCES: 'its files belong to another user',
  EPERM: 'its files belong to another user',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ENOTCONN: 'its file system is away',
  ESTALE: 'its file system is away',
}

/** Errors of the file system in words, without paths: clients see them. */
async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') throw full(error)
    const reason = failures[code]
    throw reason
      ? new GloveboxError('unavailable', `the object store cannot be used: ${reason}`, { cause: error })
      : error
  }
}
