import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { openSet, type PsiSet } from '../database/set.ts'

/** A number of four digits or more behind it, each its own set: the highest that is complete is the current one. */
const prefix = 'epoch-'

/** The directory of an epoch in the folder of a set. */
export function epochDirectory(folder: string, epoch: number): string {
  return join(folder, `${prefix}${String(epoch).padStart(4, '0')}`)
}

/**
 * Numbers of the epochs in the folder of a set, complete or not, the highest first.
 * @throws GloveboxError `not-found` where there is no such folder.
 */
export function listEpochs(folder: string): number[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (cause) {
    throw new GloveboxError('not-found', `the folder "${folder}" of a set cannot be read: build one there first`, {
      cause,
    })
  }
  return names
    .flatMap((name) => (/^epoch-\d{4,10}$/.test(name) ? [Number(name.slice(prefix.length))] : []))
    .filter((epoch) => epoch < 2 ** 32)
    .sort((a, b) => b - a)
}

/**
 * The complete set of the highest epoch above `above`, opened for reading; undefined where there is none. Those that cannot be opened for another reason than
 * being unfinished are told to `onTrouble`.
 */
export function openHighest(
  folder: string,
  above: number,
  onTrouble: (epoch: number, error: Error) => void,
): PsiSet | undefined {
  for (const epoch of listEpochs(folder)) {
    if (epoch <= above) return undefined
    try {
      const set = openSet(epochDirectory(folder, epoch), { readOnly: true })
      if (set.epoch === epoch) return set
      set.close()
      throw new GloveboxError(
        'parameters-mismatch',
        `the set in "${epochDirectory(folder, epoch)}" is of epoch ${set.epoch}`,
      )
    } catch (error) {
      const unfinished = error instanceof GloveboxError && (error.code === 'unavailable' || error.code === 'not-found')
      if (!unfinished) onTrouble(epoch, error as Error)
    }
  }
  return undefined
}
