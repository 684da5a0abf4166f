import { Readable } from 'node:stream'
import { GloveboxError } from '@glovebox/he'
import { type Credential, type Item, type ItemKind, itemBytes } from '@glovebox/psi'
import { CsvError, type Info, parse } from 'csv-parse'
import { linesOf, type Source } from './lines.ts'

/** An item of a list in its canonical bytes, and what the set is to say of it. */
export interface ListEntry {
  readonly item: Uint8Array
  /** Without the zeros that it is filled up with. */
  readonly label?: Uint8Array
}

/** What became of a list so far. Items are in nothing of it. */
export interface ListCounts {
  lines: number
  items: number
  empty: number
  /** Longer than any item. */
  long: number
  /** No item of the kind: no domain, or without the colon between user and password. */
  wrong: number
  /** Of `wrong`, the line of the first. */
  firstWrong: number | undefined
}

export interface ListOptions {
  readonly kind: ItemKind
  /** The list is CSV with names of columns in its first line; labels are in this one. */
  readonly labels?: string
  /** Of CSV: the column of items; default: the first other one, and of credentials those of users and passwords. */
  readonly column?: string
}

export interface List extends AsyncIterable<ListEntry> {
  readonly counts: Readonly<ListCounts>
}

/**
 * Items of a list as they come: a line each, its bytes as they are (of credentials `user:password`), or CSV with labels. What is no item is
 * counted and left out; no message has a part of an item.
 */
export function readList(source: Source, options: ListOptions): List {
  const counts: ListCounts = { lines: 0, items: 0, empty: 0, long: 0, wrong: 0, firstWrong: undefined }
  const entries = options.labels === undefined ? plainEntries : labelledEntries
  return { counts, [Symbol.asyncIterator]: () => entries(source, options, counts) }
}

async function* plainEntries(source: Source, { kind }: ListOptions, counts: ListCounts): AsyncGenerator<ListEntry> {
  for await (const { number, bytes } of linesOf(source)) {
    counts.lines = number
    if (bytes === undefined) counts.long++
    else if (bytes.length === 0) counts.empty++
    else {
      const item = canonical(kind, () => itemOf(kind, bytes), number, counts)
      if (item) yield { item }
    }
  }
}

async function* labelledEntries(source: Source, options: ListOptions, counts: ListCounts): AsyncGenerator<ListEntry> {
  const { kind } = options
  const parser = Readable.from(source.chunks()).pipe(
    parse({
      bom: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
    }),
  )
  let columns: Columns | undefined
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (columns === undefined) {
        columns = columnsOf(record, options, source.name)
        continue
      }
      counts.lines++
      const cell = (at: number): string => record[at] ?? ''
      if (cell(columns.item) === '') {
        counts.empty++
        continue
      }
      const item = canonical(
        kind,
        () =>
          kind === 'credentials'
            ? { user: cell(columns!.user), password: cell(columns!.item) }
            : textItem(kind, cell(columns!.item)),
        info.lines,
        counts,
      )
      if (item) yield { item, label: new TextEncoder().encode(cell(columns.label)) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    // What the parser says may quote the file.
    throw new GloveboxError(
      'malformed',
      `${source.name} is not CSV: quotes are wrong, at the latest in line ${error.lines ?? '?'}`,
    )
  } finally {
    parser.destroy()
  }
  if (columns === undefined)
    throw new GloveboxError('malformed', `${source.name} is empty: expected a line with names of columns`)
}

interface Columns {
  readonly item: number
  readonly user: number
  readonly label: number
}

const users = /^(?:user(?:[ _-]?name)?|e-?mail|login)$/i

function columnsOf(names: readonly string[], { kind, labels, column }: ListOptions, file: string): Columns {
  const trimmed = names.map((name) => name.trim())
  const at = (name: string, option: string): number => {
    const found = trimmed.indexOf(name)
    if (found >= 0) return found
    throw new GloveboxError(
      'malformed',
      // A list that is no CSV has an item in its first line, which no message may hold.
      `${file} has no column "${name}" (${option}) among the ${trimmed.length} of its first line: that line has to hold their names, as in CSV`,
    )
  }
  const label = at(labels!, '--labels')
  if (kind !== 'credentials')
    return {
      label,
      user: -1,
      item: column === undefined ? trimmed.findIndex((_, i) => i !== label) : at(column, '--column'),
    }
  const user = trimmed.findIndex((name) => users.test(name))
  if (user < 0)
    throw new GloveboxError('malformed', `${file} expected a column "user", "username" or "email" for credentials`)
  return { label, user, item: at(column ?? 'password', '--column') }
}

function itemOf(kind: ItemKind, bytes: Uint8Array): Item {
  if (kind === 'domains') return utf8(bytes)
  if (kind !== 'credentials') return bytes
  const colon = bytes.indexOf(0x3a)
  if (colon < 0) throw new RangeError('no colon')
  return { user: utf8(bytes.subarray(0, colon)), password: bytes.subarray(colon + 1) }
}

/**
 * The item that a text stands for, as a line of a list has it.
 * @throws RangeError for credentials without a colon.
 */
export function textItem(kind: ItemKind, text: string): Item {
  if (kind === 'bytes') return new TextEncoder().encode(text)
  if (kind !== 'credentials') return text
  const colon = text.indexOf(':')
  if (colon < 0) throw new RangeError('expected user:password')
  return { user: text.slice(0, colon), password: text.slice(colon + 1) } satisfies Credential
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

/** Canonical bytes; undefined, and counted, where there are none. */
function canonical(kind: ItemKind, item: () => Item, line: number, counts: ListCounts): Uint8Array | undefined {
  try {
    const bytes = itemBytes(kind, item())
    counts.items++
    return bytes
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error
    counts.wrong++
    counts.firstWrong ??= line
    return undefined
  }
}
