import { GloveboxError } from '@glovebox/he'

// What password managers write, told apart by what is in a file and not by its name.

/** A manager's name for people, and which of its columns are what; names in lower case. */
export interface ExportFormat {
  readonly of: string
  /** Columns that there are; together they are of no other format. */
  readonly columns: readonly string[]
  readonly name?: string
  readonly url: string
  readonly username: string
  readonly password: string
  /** Of a file that has other things than log-ins: the column that says what, and what a log-in is called. */
  readonly type?: readonly [column: string, value: string]
}

const bitwarden = {
  of: 'Bitwarden',
  name: 'name',
  url: 'login_uri',
  username: 'login_username',
  password: 'login_password',
  type: ['type', 'login'],
} as const

/** The more particular come first. */
export const formats: readonly ExportFormat[] = [
  { ...bitwarden, columns: ['type', 'name', 'login_uri', 'login_username', 'login_password'] },
  {
    of: 'Firefox',
    columns: ['url', 'username', 'password', 'httprealm'],
    url: 'url',
    username: 'username',
    password: 'password',
  },
  {
    of: 'Chrome',
    columns: ['name', 'url', 'username', 'password'],
    name: 'name',
    url: 'url',
    username: 'username',
    password: 'password',
  },
  {
    of: 'Safari',
    columns: ['title', 'url', 'username', 'password'],
    name: 'title',
    url: 'url',
    username: 'username',
    password: 'password',
  },
]

/** Whose columns these are, in lower case; undefined: nobody's that is known. */
export function formatOf(columns: readonly string[]): ExportFormat | undefined {
  return formats.find((format) => format.columns.every((column) => columns.includes(column)))
}

const plain =
  'export again without encryption: as CSV (Chrome, Firefox, Bitwarden, Safari) or as unencrypted JSON (Bitwarden)'

/** First bytes of files that somebody may take for an export, and what there is to do about each. */
const others: readonly (readonly [start: readonly number[] | string, is: string, advice: string])[] = [
  [[0x03, 0xd9, 0xa2, 0x9a], 'a KeePass database, which is encrypted', 'export it as CSV in the form of Chrome'],
  ['PK\u0003\u0004', 'a ZIP archive', 'unpack it, and take the CSV or JSON file in it'],
  [[0x1f, 0x8b], 'compressed by gzip', 'unpack it first'],
  ['SQLite format 3', "a browser's own database", "export the passwords in the browser's settings"],
  ['-----BEGIN PGP', 'encrypted by OpenPGP', 'decrypt it first'],
  ['age-encryption.org', 'encrypted by age', 'decrypt it first'],
  ['Salted__', 'encrypted by OpenSSL', 'decrypt it first'],
  ['%PDF', 'a PDF', plain],
  ['<', 'HTML or XML', plain],
]

/**
 * The text of an export: UTF-8, or UTF-16 with a byte order mark.
 * @throws GloveboxError `unsupported` for files of another kind, with what to do; `malformed` for bytes that are no text.
 */
export function exportText(bytes: Uint8Array, file: string): string {
  const found = others.find(([start]) => {
    const wanted = typeof start === 'string' ? [...start].map((letter) => letter.charCodeAt(0)) : start
    return wanted.every((byte, i) => bytes[i] === byte)
  })
  if (found) throw new GloveboxError('unsupported', `${file} is ${found[1]}: ${found[2]}`)
  const utf16 =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : undefined
  try {
    return new TextDecoder(utf16 ?? 'utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new GloveboxError('malformed', `${file} is no text in UTF-8: ${plain}`)
  }
}

/** What is said of a text that is the export of no manager that is known. */
export function unknownExport(file: string): GloveboxError {
  return new GloveboxError(
    'unsupported',
    `${file} is no export that is known: expected CSV with the columns of Chrome (${list('Chrome')}), Firefox (${list('Firefox')}, …), Bitwarden (${list('Bitwarden')}, …) or Safari, or the unencrypted JSON of Bitwarden`,
  )
}

function list(of: string): string {
  return formats.find((format) => format.of === of)!.columns.join(', ')
}
