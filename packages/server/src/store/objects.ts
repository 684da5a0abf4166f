import { GloveboxError } from '@glovebox/he'

/** An object as it is listed. */
export interface ObjectEntry {
  /** Under which it was put. */
  readonly key: string
  /** Its size. */
  readonly bytes: number
  /** When it appeared, milliseconds since 1970. */
  readonly modified: number
}

/** What `put` may be told. */
export interface PutOptions {
  /** Stops it; nothing appears. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Whole, immutable streams of bytes under keys: files or S3. All operations throw GloveboxError `unavailable` where the storage is full or away,
 * RangeError for a key that is none.
 */
export interface ObjectStore {
  /** The bytes that were written. The object appears when it is whole and durable, or not at all; one under the same key is replaced. What `body` throws is thrown. */
  put(key: string, body: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<number>
  /** In pieces of at most 1 MiB. Throws GloveboxError `not-found` at the first one. */
  get(key: string): AsyncIterable<Uint8Array>
  /** Undefined where there is none. */
  size(key: string): Promise<number | undefined>
  /** Does nothing where there is none. */
  delete(key: string): Promise<void>
  /** Those whose key begins with `prefix`, in no order; '' for all, else it ends with '/'. */
  list(prefix: string): AsyncIterable<ObjectEntry>
  /** Throws GloveboxError `unavailable` where it cannot be written to. */
  ready(): Promise<void>
  /** Nothing is asked of it afterwards. */
  close(): Promise<void>
}

const segment = /^(?!\.+$)[a-z0-9._-]{1,128}$/

/** Segments of a key. Lower case only, as some file systems do not tell it from upper case; nothing that a path could climb by. */
export function segmentsOf(key: string): readonly string[] {
  const segments = key.split('/')
  if (segments.length > 8 || !segments.every((name) => segment.test(name)))
    throw new RangeError(
      `"key" expected 1 to 8 names of a-z, 0-9, ".", "_" and "-" between slashes, got ${JSON.stringify(key.slice(0, 80))}`,
    )
  return segments
}

/** Segments of what comes before the last slash. */
export function prefixOf(prefix: string): readonly string[] {
  if (prefix === '') return []
  if (!prefix.endsWith('/'))
    throw new RangeError(`"prefix" expected "" or a slash at its end, got ${JSON.stringify(prefix)}`)
  return segmentsOf(prefix.slice(0, -1))
}

/** There is nothing under the key. */
export function noObject(key: string, cause?: unknown): GloveboxError {
  return new GloveboxError('not-found', `there is no stored object ${key}`, { cause })
}
