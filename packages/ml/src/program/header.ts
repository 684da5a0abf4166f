import { ByteReader, ByteWriter, GloveboxError } from '@glovebox/he'
import type { z } from 'zod'

/** Largest header: 4 MB. */
const maxHeader = 2 ** 22

/** Reads the header; an error names the first field that is wrong. */
export function readHeader<T>(reader: ByteReader, schema: z.ZodType<T>): T {
  const text = reader.text('header', maxHeader)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', `${reader.what}: "header" expected JSON`, { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new GloveboxError('malformed', `${reader.what}: "${issue.path.join('.')}": ${issue.message}`)
}

/**
 * Writes a header that `readHeader` takes. Throws GloveboxError `unsupported`, naming the field, for one that it would not: a number that is not finite,
 * a name or a list without end, more than 4 MB.
 */
export function writeHeader(writer: ByteWriter, what: string, header: object, schema: z.ZodType): void {
  const bytes = new ByteWriter(2 ** 14).text(JSON.stringify(header)).done()
  try {
    readHeader(new ByteReader(bytes, what), schema)
  } catch (cause) {
    throw new GloveboxError('unsupported', `${(cause as Error).message}: this model cannot be written`, { cause })
  }
  writer.raw(bytes)
}
