import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { type ClientPart, decodeClientPart } from '@glovebox/ml'
import { clientFile } from './bundle.ts'
import { cardFile, examplesFile, metricsFile } from './model-folder.ts'

/** Whether a folder has the bundle of another model than `client`: one that takes or gives something else. */
async function hasAnother(folder: string, client: Uint8Array): Promise<boolean> {
  const before = await readFile(join(folder, clientFile)).catch(() => undefined)
  if (!before) return false
  const of = ({ input, output }: ClientPart): string =>
    JSON.stringify([input.name, input.shape, input.before, output.name, output.shape, output.after])
  try {
    return of(decodeClientPart(new Uint8Array(before))) !== of(decodeClientPart(client))
  } catch {
    return false
  }
}

/** For `writeBundle`: refuses a folder that has another model, or, by force, takes away what described that one, and says so. */
export function replacing(folder: string, force: boolean): (client: Uint8Array) => Promise<void> {
  return async (client) => {
    if (!(await hasAnother(folder, client))) return
    if (!force)
      throw new GloveboxError(
        'exists',
        `${folder} has another model, which takes or gives something else: choose another folder, or replace it with --force`,
      )
    const removed = await removeExtras(folder)
    const gone = removed.length > 0 ? `; ${removed.join(', ')} of it ${removed.length === 1 ? 'is' : 'are'} gone` : ''
    process.stderr.write(`${folder} had another model${gone}\n`)
  }
}

/** Takes away what described the model that was replaced. Gives which files that were. */
async function removeExtras(folder: string): Promise<string[]> {
  const removed: string[] = []
  for (const name of [cardFile, examplesFile, metricsFile]) {
    const gone = await rm(join(folder, name)).then(
      () => true,
      () => false,
    )
    if (gone) removed.push(name)
  }
  return removed
}
