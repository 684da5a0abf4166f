import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { epochDirectory, listEpochs, openSet, type PsiSet } from '@glovebox/psi/sender'
import { FileError, isFolder } from '../files.ts'

/** An epoch in the folder of a set. */
export interface Epoch {
  readonly number: number
  readonly directory: string
  readonly complete: boolean
}

/** Epochs of a folder, the latest first; none where the folder is not there yet. */
export async function epochsOf(folder: string): Promise<Epoch[]> {
  if (!(await isFolder(folder))) return []
  return listEpochs(folder).map((number) => {
    const directory = epochDirectory(folder, number)
    return { number, directory, complete: isComplete(directory) }
  })
}

/** Looks at it as those who serve it do: a build that runs beside is no obstacle. */
function isComplete(directory: string): boolean {
  try {
    using _ = openSet(directory, { readOnly: true })
    return true
  } catch (error) {
    if (error instanceof GloveboxError && (error.code === 'unavailable' || error.code === 'not-found')) return false
    throw error
  }
}

/** The latest complete one. Throws GloveboxError `not-found` where there is none. */
export async function currentEpoch(folder: string): Promise<Epoch> {
  const epochs = await epochsOf(folder)
  const current = epochs.find(({ complete }) => complete)
  if (current) return current
  throw new GloveboxError(
    'not-found',
    epochs.length === 0
      ? `${folder} has no set: npx glovebox breach build LIST -o ${folder} makes one`
      : `the set in ${folder} is not complete: run npx glovebox breach build with the same list again, it goes on where it stopped`,
  )
}

/** The current set, to be read. */
export async function openCurrent(folder: string): Promise<PsiSet> {
  return openSet((await currentEpoch(folder)).directory, { readOnly: true })
}

/** The current set, to be changed. @throws GloveboxError `unavailable` while the next epoch is being built. */
export async function openToChange(folder: string): Promise<PsiSet> {
  const current = await currentEpoch(folder)
  const [latest] = await epochsOf(folder)
  if (latest && !latest.complete)
    throw new GloveboxError(
      'unavailable',
      `epoch ${latest.number} of ${folder} is being built (breach build --rotate), and what is changed in epoch ${current.number} now would be lost: ` +
        `let that build end, which goes on by its own command, and then do this; or delete ${latest.directory} to give it up`,
    )
  return openSet(current.directory)
}

/** Deletes epochs before the current one, with their keys. Gives their numbers. */
export async function pruneEpochs(folder: string): Promise<number[]> {
  const current = await currentEpoch(folder)
  const old = (await epochsOf(folder)).filter(({ number }) => number < current.number)
  for (const { directory } of old) {
    try {
      await rm(directory, { recursive: true })
    } catch (cause) {
      throw new FileError('delete', directory, cause)
    }
  }
  return old.map(({ number }) => number)
}

/** Where a folder's next epoch goes. */
export function nextEpoch(epochs: readonly Epoch[]): number {
  return (epochs[0]?.number ?? 0) + 1
}

/** For people: the file that holds all of a set but its key. */
export function setFile(directory: string): string {
  return join(directory, 'set.sqlite')
}
