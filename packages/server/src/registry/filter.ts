import { GloveboxError } from '@glovebox/he'

/** A condition of a search. */
export type Condition =
  | { readonly on: 'name'; readonly match: 'equal' | 'like' | 'ilike'; readonly value: string }
  | { readonly on: 'version'; readonly value: number }
  | { readonly on: 'tag'; readonly key: string; readonly value: string }

const clause =
  /\s*(?:(name)|(version_number)|tags?\.(?:`([^`]{1,250})`|"([^"]{1,250})"|([\w./-]{1,250})))\s*(=|i?like\b)\s*(?:'((?:[^']|'')*)'|"([^"]*)"|(\d{1,15}))\s*(?:and\b|$)/iy
const longestFilter = 4096

/** MLflow's filter strings, as far as `Search` says. Throws GloveboxError `malformed`. */
export function parseFilter(text: string | undefined): readonly Condition[] {
  if (text === undefined || text.trim() === '') return []
  const conditions: Condition[] = []
  const wrong = (): GloveboxError =>
    new GloveboxError(
      'malformed',
      `the filter expected name = 'x', name LIKE 'x%', tags.key = 'v' or version_number = 3, joined by AND; got ${JSON.stringify(text.slice(0, 120))}`,
    )
  if (text.length > longestFilter) throw wrong()
  const form = new RegExp(clause)
  while (form.lastIndex < text.length) {
    const found = form.exec(text)
    if (!found) throw wrong()
    const [whole, name, version, quoted, doubled, plain, operator = '=', single, double, digits] = found
    const value = single?.replaceAll("''", "'") ?? double ?? digits ?? ''
    const match = operator === '=' ? 'equal' : operator.toLowerCase() === 'like' ? 'like' : 'ilike'
    if (name) {
      if (digits !== undefined || value.includes('\\')) throw wrong()
      conditions.push({ on: 'name', match, value })
    } else if (match !== 'equal') throw wrong()
    else if (version) {
      if (!/^\d{1,15}$/.test(value)) throw wrong()
      conditions.push({ on: 'version', value: Number(value) })
    } else conditions.push({ on: 'tag', key: quoted ?? doubled ?? plain ?? '', value })
    if (form.lastIndex >= text.length && /and$/i.test(whole)) throw wrong()
  }
  return conditions
}

/** Where a page ends, as clients hand it back. */
export function encodePlace(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** Throws GloveboxError `malformed` for what `encodePlace` did not make. */
export function decodePlace(text: string): { readonly name: string; readonly version: number } {
  try {
    const [name, version = 0]: unknown[] = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (typeof name === 'string' && !name.includes('\0') && Number.isSafeInteger(version))
      return { name, version: version as number }
  } catch {}
  throw new GloveboxError('malformed', 'the page token expected what the page before gave')
}

/** Rows of a page. Throws GloveboxError `malformed` beyond 1 to 1000. */
export function requireLimit(limit = 100): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit
  throw new GloveboxError('malformed', `"max_results" expected an integer from 1 to 1000, got ${limit}`)
}
