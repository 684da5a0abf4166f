import { GloveboxError } from '@glovebox/he'

/** A text of the service as what `read` makes of it. Throws GloveboxError `malformed` where that is undefined, or the text is no JSON. */
export function readJson<T>(text: string, what: string, read: (value: unknown) => T | undefined): T {
  let found: T | undefined
  try {
    found = read(JSON.parse(text))
  } catch {}
  if (found !== undefined) return found
  throw new GloveboxError('malformed', `${what} that the service gives is not what it should be`)
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
