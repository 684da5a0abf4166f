import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A file or folder that could not be used; the message names it and says why. */
export class FileError extends Error {
  constructor(doing: string, path: string, cause: unknown) {
    super(`cannot ${doing} ${path}: ${reasonOf(cause)}`, { cause })
    this.name = 'FileError'
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file of this name is in the way',
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}

export async function readInput(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new FileError('read', path, cause)
  }
}

export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}

/** The file itself, or the one of that name where `path` is a folder, as `glovebox compile` writes it. */
export async function within(path: string, name: string): Promise<string> {
  return (await isFolder(path)) ? join(path, name) : path
}

export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode })
  } catch (cause) {
    throw new FileError('make the folder', path, cause)
  }
}

/**
 * Writes a file whole or not at all: into a temporary file beside it, to the disk, then renamed. A full disk or a kill leaves what was
 * there before. What is no regular file (a pipe, a device) is written to directly.
 */
export async function writeOutput(path: string, bytes: Uint8Array, mode = 0o666): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path)
    const special = await stat(target).then(
      (s) => !s.isFile() && !s.isDirectory(),
      () => false,
    )
    if (special) return await put(target, 'w', bytes, mode)
    const temporary = join(dirname(target), `.glovebox-${randomBytes(6).toString('hex')}.tmp`)
    try {
      await put(temporary, 'wx', bytes, mode)
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  } catch (cause) {
    throw new FileError('write', path, cause)
  }
}

/** Whether it was there or not. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (cause) {
    throw new FileError('delete', path, cause)
  }
}

async function put(path: string, flags: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = await open(path, flags, mode)
  try {
    await file.writeFile(bytes)
    if (flags === 'wx') await file.sync()
  } finally {
    await file.close()
  }
}
