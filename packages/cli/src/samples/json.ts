import type { Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { Samples } from './samples.ts'

/** An array of samples, each a flat or nested array of numbers. */
export function readJson(bytes: Uint8Array, file: string): Samples {
  const value = parse(bytes, file)
  if (!Array.isArray(value))
    throw new GloveboxError('malformed', `${file} expected an array of samples, got ${kindOf(value)}`)
  const flat = value.findIndex((sample) => !Array.isArray(sample))
  if (flat >= 0) {
    const hint = typeof value[flat] === 'number' ? '; put a single sample into an array of its own: [[…]]' : ''
    throw new GloveboxError(
      'malformed',
      `${file} expected every sample to be an array of numbers, got ${kindOf(value[flat])} as sample ${flat}${hint}`,
    )
  }
  // Whether a sample holds numbers only is seen when it is encoded, for every kind of file in one place.
  return { samples: value as Sample[], pixels: false }
}

export function parse(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new GloveboxError('malformed', `${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}

/** What a value is; what it says is the user's own. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'string') return 'a text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
