import { GloveboxError } from '@glovebox/he'
import { type Stage, stages } from './model-version.ts'

const nameForm = /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/
const longestDescription = 20_000
const longestKey = 250
const longestValue = 5000
const mostTags = 1000

const shown = (text: string): string => JSON.stringify(text.slice(0, 80))

/** Throws GloveboxError `malformed` for what is no name of a model: 1 to 64 of A-Z, a-z, 0-9, ".", "_", "-", and not dots alone. */
export function requireName(name: string): string {
  if (nameForm.test(name)) return name
  throw new GloveboxError(
    'malformed',
    `the name of a model expected 1 to 64 letters, digits, ".", "_" or "-", and not dots alone, got ${shown(name)}`,
  )
}

/** As names of models, and nothing that reads as a version: digits, v1, latest. */
export function requireAlias(alias: string): string {
  if (nameForm.test(alias) && !/^(v?\d+|latest)$/i.test(alias)) return alias
  throw new GloveboxError(
    'malformed',
    `an alias expected 1 to 64 letters, digits, ".", "_" or "-", and nothing like 3, v3 or latest, got ${shown(alias)}`,
  )
}

/** One of MLflow's stages, in any case. */
export function requireStage(stage: string): Stage {
  const found = stages.find((name) => name.toLowerCase() === stage.toLowerCase())
  if (found) return found
  throw new GloveboxError('malformed', `the stage expected one of ${stages.join(', ')}, got ${shown(stage)}`)
}

/** At most 20,000 characters. */
export function requireDescription(text: string): string {
  // PostgreSQL has no text with a zero in it.
  if (text.length <= longestDescription && !text.includes('\0')) return text
  throw new GloveboxError(
    'malformed',
    `the description expected at most ${longestDescription} characters, none of them U+0000, got ${text.length}`,
  )
}

/** A key of 1 to 250 characters, a value of at most 5000. */
export function requireTag(key: string, value: string): void {
  const fits =
    key.length >= 1 && key.length <= longestKey && value.length <= longestValue && !`${key}${value}`.includes('\0')
  if (fits) return
  throw new GloveboxError(
    'malformed',
    `a tag expected a key of 1 to ${longestKey} characters and a value of at most ${longestValue}, got ${key.length} and ${value.length}`,
  )
}

/** At most 1000 tags, each as `requireTag` has it. */
export function requireTags(tags: Readonly<Record<string, string>>): void {
  const all = Object.entries(tags)
  if (all.length > mostTags)
    throw new GloveboxError('malformed', `"tags" expected at most ${mostTags} tags, got ${all.length}`)
  for (const [key, value] of all) requireTag(key, value)
}

/** A number of a version, or undefined for an alias. */
export function versionNumber(version: number | string): number | undefined {
  const number = typeof version === 'number' ? version : /^\d{1,15}$/.test(version) ? Number(version) : undefined
  if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) return number
  throw new GloveboxError('malformed', `the version expected a number from 1, got ${number}`)
}
