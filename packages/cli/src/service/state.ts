import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { dataDirectory } from '@glovebox/client'
import { makeFolder, readInput, writeOutput } from '../files.ts'

// What the command remembers from one call to the next: which folder was pushed, by the digest of its program.

/** The folder of the platform for such things; XDG Base Directory Specification. */
export function stateFolder(): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = process.env
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'glovebox')
  if (XDG_STATE_HOME?.startsWith('/')) return join(XDG_STATE_HOME, 'glovebox')
  return join(homedir(), '.local', 'state', 'glovebox')
}

/** Where a service without --data keeps its models: beside the keys of this user, and not around them, as it is copied for a backup. */
export function dataFolder(): string {
  return join(dirname(dataDirectory()), 'service')
}

const most = 1000
const file = (): string => join(stateFolder(), 'folders.json')

/** Throws nothing: who cannot write there names the folder when it is needed. */
export async function rememberFolder(digest: string, folder: string): Promise<void> {
  try {
    const { [digest]: _, ...others } = await remembered()
    const entries = [...Object.entries(others), [digest, resolve(folder)]].slice(-most)
    await makeFolder(stateFolder(), 0o700)
    await writeOutput(
      file(),
      new TextEncoder().encode(`${JSON.stringify(Object.fromEntries(entries), null, 1)}\n`),
      0o600,
    )
  } catch {}
}

export async function rememberedFolder(digest: string): Promise<string | undefined> {
  return (await remembered())[digest]
}

async function remembered(): Promise<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await readInput(file())))
    if (value === null || typeof value !== 'object') return {}
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
