import { InvalidArgumentError } from 'commander'

/** A model as people write it: digits, digits@2, digits@production. */
export interface ModelName {
  readonly name: string
  /** Digits are a version, anything else an alias; undefined is what "production" names, or else the highest version. */
  readonly version: string | undefined
}

const form = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,127}))?$/

export function modelName(text: string): ModelName {
  const [, name, version] = form.exec(text) ?? []
  if (name === undefined)
    throw new InvalidArgumentError(
      'Expected NAME, NAME@VERSION or NAME@ALIAS, of letters, digits, points, dashes and underscores.',
    )
  return { name, version }
}

/** One that names a version by its number. */
export function versionName(text: string): ModelName & { readonly version: string } {
  const { name, version } = modelName(text)
  if (version === undefined) throw new InvalidArgumentError('Expected NAME@VERSION, or NAME@ALIAS.')
  return { name, version }
}

export function showName({ name, version }: ModelName): string {
  return version === undefined ? name : `${name}@${version}`
}
