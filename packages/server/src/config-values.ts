import { z } from 'zod'

// What a value of the configuration may be, as an option or as a text of the environment.

const suffixes: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
const toNumber = (value: unknown): unknown => {
  const [, digits, suffix] = typeof value === 'string' ? (/^(\d{1,15})(|KiB|MiB|GiB)$/.exec(value.trim()) ?? []) : []
  return digits === undefined ? value : Number(digits) * suffixes[suffix!]!
}
export const integer = (low: number, high: number): z.ZodType<number> =>
  z.preprocess(
    toNumber,
    z
      .int(`expected a whole number from ${low} to ${high}`)
      .min(low, `expected at least ${low}`)
      .max(high, `expected at most ${high}`),
  )
export const flag: z.ZodType<boolean> = z.preprocess(
  (value) => ({ true: true, '1': true, yes: true, false: false, '0': false, no: false })[String(value)] ?? value,
  z.boolean('expected true or false'),
)
export const url = (...protocols: string[]): z.ZodType<string> =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `expected an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  })
export const text: z.ZodString = z.string('expected a text').min(1, 'expected a text, got an empty one')
export const origin: z.ZodType<string> = text.refine(
  (value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value),
  {
    error: 'expected origins as browsers send them, such as https://example.org, separated by commas',
  },
)
/** Folders by name; a text is split at commas and at the first equals sign of each part. */
export const folders: z.ZodType<Readonly<Record<string, string>>> = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? Object.fromEntries(value.split(',').map((part) => part.trim().split(/=(.*)/s, 2)))
      : value,
  z.record(
    z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/),
    text,
    'expected name=folder, separated by commas; names have 1 to 63 of a-z, 0-9, ".", "_" and "-"',
  ),
)
