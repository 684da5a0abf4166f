// The public entries of every package, as their "exports" state them: what the reference describes and the docstring test walks.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Entry {
  /** As it is imported: @glovebox/he/secret. */
  readonly name: string
  /** The folder of its package. */
  readonly folder: string
  readonly source: string
  readonly declarations: string
}

type Target = { readonly '@glovebox/source': string; readonly types: string }

export const root: string = join(import.meta.dirname, '..')

export function publicEntries(): Entry[] {
  return readdirSync(join(root, 'packages')).flatMap((directory) => {
    const folder = join(root, 'packages', directory)
    if (!existsSync(join(folder, 'package.json'))) return []
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name: string
      readonly exports?: Readonly<Record<string, Target | string>>
    }
    return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) =>
      typeof target === 'string'
        ? []
        : [
            {
              name: manifest.name + path.slice(1),
              folder,
              source: join(folder, target['@glovebox/source']),
              declarations: join(folder, target.types),
            },
          ],
    )
  })
}
