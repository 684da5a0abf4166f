import { GloveboxError } from '@glovebox/he'
import { CsvError, type Info, parse } from 'csv-parse/sync'
import { exportText, formatOf, unknownExport } from './export-format.ts'

/** A log-in of a password manager. */
export interface Entry {
  readonly name: string
  readonly url: string
  readonly username: string
  /** Not empty. It is shown nowhere. */
  readonly password: string
}

export interface Export {
  /** Whose export it is. */
  readonly of: string
  /** In the order of the file. */
  readonly entries: readonly Entry[]
  /** Log-ins without a password. */
  readonly empty: number
}

/**
 * Reads what a password manager exported. No message has anything of the file but its name and numbers of lines: neither a parser's own words, which
 * may quote what it stopped at, nor its error as a cause.
 * @throws GloveboxError `unsupported` for encrypted files and those of other kinds, `malformed` for broken ones.
 */
export function readExport(bytes: Uint8Array, file: string): Export {
  const text = exportText(bytes, file)
  if (text.trim() === '') throw new GloveboxError('malformed', `${file} is empty`)
  return /^\s*[{[]/.test(text) ? readJson(text, file) : readCsv(text, file)
}

function readCsv(text: string, file: string): Export {
  const [head, ...rows] = recordsOf(text, file)
  const columns = head!.record.map((name) => name.trim().toLowerCase())
  const format = formatOf(columns)
  if (!format) throw unknownExport(file)
  const at = (column: string | undefined): number => (column === undefined ? -1 : columns.indexOf(column))
  const [name, url, username, password] = [format.name, format.url, format.username, format.password].map(at) as [
    number,
    number,
    number,
    number,
  ]
  const logins = rows.filter(({ record, info }) => {
    if (record.length !== columns.length)
      throw new GloveboxError(
        'malformed',
        `${file} expected ${columns.length} columns, got ${record.length} in the entry that ends in line ${info.lines}: export again, and edit nothing in between`,
      )
    return format.type === undefined || record[at(format.type[0])]!.trim().toLowerCase() === format.type[1]
  })
  return exportOf(
    format.of,
    logins.map(({ record }) => ({
      // Firefox has no names.
      name: record[name] ?? hostOf(record[url]!),
      url: record[url]!,
      username: record[username]!,
      password: record[password]!,
    })),
  )
}

interface Row {
  readonly record: string[]
  readonly info: Info
}

function recordsOf(text: string, file: string): Row[] {
  try {
    return parse(text, {
      info: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      // A password may begin or end with white space.
      trim: false,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as Row[]
  } catch (error) {
    if (!(error instanceof CsvError)) throw new GloveboxError('malformed', `${file} is not CSV`)
    const { lines } = error as CsvError & { lines?: unknown }
    const where = typeof lines === 'number' ? ` (line ${lines})` : ''
    throw new GloveboxError(
      'malformed',
      `${file} is not CSV: ${reasons[error.code] ?? 'it breaks the rules of quotes'}${where}`,
    )
  }
}

const reasons: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed; it may have been cut short',
  INVALID_OPENING_QUOTE: 'a quote is in the middle of a cell that begins without one',
  CSV_INVALID_CLOSING_QUOTE: 'something follows a quote that was closed',
}

/** Of Bitwarden's JSON, what is read here. */
interface Vault {
  readonly encrypted?: unknown
  readonly items?: unknown
}

interface VaultItem {
  readonly type?: unknown
  readonly name?: unknown
  readonly login?: { readonly uris?: unknown; readonly username?: unknown; readonly password?: unknown } | null
}

/** Bitwarden's number for a log-in. */
const loginType = 1

function readJson(text: string, file: string): Export {
  let vault: Vault
  try {
    vault = JSON.parse(text) as Vault
  } catch {
    throw new GloveboxError('malformed', `${file} is not JSON: it may have been cut short; export again`)
  }
  if (vault.encrypted === true)
    throw new GloveboxError(
      'unsupported',
      `${file} is an encrypted export: export again as ".json", not as ".json (Encrypted)", and delete that file afterwards`,
    )
  if (!Array.isArray(vault.items)) throw unknownExport(file)
  const logins = (vault.items as (VaultItem | null)[]).flatMap((item) => {
    if (item?.type !== loginType || item.login === null || typeof item.login !== 'object') return []
    const { uris, username, password } = item.login
    const [first] = Array.isArray(uris) ? (uris as ({ readonly uri?: unknown } | null)[]) : []
    return [
      { name: textOf(item.name), url: textOf(first?.uri), username: textOf(username), password: textOf(password) },
    ]
  })
  return exportOf('Bitwarden', logins)
}

function exportOf(of: string, logins: readonly Entry[]): Export {
  const entries = logins.filter(({ password }) => password !== '')
  return { of, entries, empty: logins.length - entries.length }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
