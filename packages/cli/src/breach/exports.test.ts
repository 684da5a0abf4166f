import { describe, expect, test } from 'vitest'
import { readExport } from './exports.ts'

// Made up by the formats' descriptions; nobody's passwords.

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string) => readExport(bytes(text), 'export.csv')

const chrome = `name,url,username,password,note
example.org,https://example.org/login,ann,"say ""friend"", and enter",
shop.example,https://shop.example/,ann@example.org, leading and trailing ,"a note
of two lines, with ""quotes"""
router,http://192.168.0.1/,,schön 🔑 пароль,
`
const expected = [
  { name: 'example.org', url: 'https://example.org/login', username: 'ann', password: 'say "friend", and enter' },
  {
    name: 'shop.example',
    url: 'https://shop.example/',
    username: 'ann@example.org',
    password: ' leading and trailing ',
  },
  { name: 'router', url: 'http://192.168.0.1/', username: '', password: 'schön 🔑 пароль' },
]

test.each([
  ['as it is', chrome],
  ['with a byte order mark', `\uFEFF${chrome}`],
  ['with CRLF', chrome.replaceAll('\n', '\r\n')],
  ['without a line end at its end', chrome.trimEnd()],
  ['without notes, as older ones', chrome.replace(',note', '').replace(/,("a note[\s\S]*?""")?$/gm, '')],
])("Chrome's, %s", (_, text) => {
  expect(read(text)).toEqual({ of: 'Chrome', entries: expected, empty: 0 })
})

test('in UTF-16, as Excel writes it, it is the same', () => {
  const utf16 = Buffer.from(`\uFEFF${chrome}`, 'utf16le')
  expect(readExport(utf16, 'export.csv').entries).toEqual(expected)
})

test("Firefox's: names are the hosts", () => {
  const text = `"url","username","password","httpRealm","formActionOrigin","guid","timeCreated","timeLastUsed","timePasswordChanged"
"https://example.org","ann","one,two",,"https://example.org","{1}","1","2","3"
"not a url","bob","x","realm","","{2}","1","2","3"
`
  expect(read(text)).toEqual({
    of: 'Firefox',
    entries: [
      { name: 'example.org', url: 'https://example.org', username: 'ann', password: 'one,two' },
      { name: '', url: 'not a url', username: 'bob', password: 'x' },
    ],
    empty: 0,
  })
})

test("Bitwarden's CSV: log-ins alone, also those of an organisation", () => {
  const head = 'folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp'
  const text = `${head}
Social,1,login,Example,,,0,https://example.org,ann,secret-1,
,,note,A note,"of
two lines",,0,,,,
,,login,No password,,,0,https://other.example,ann,,otpauth://x
`
  const all = {
    of: 'Bitwarden',
    entries: [{ name: 'Example', url: 'https://example.org', username: 'ann', password: 'secret-1' }],
    empty: 1,
  }
  expect(read(text)).toEqual(all)
  expect(read(text.replace('folder,favorite', 'collections,extra'))).toEqual(all)
})

test("Bitwarden's JSON", () => {
  const vault = {
    encrypted: false,
    folders: [],
    items: [
      {
        type: 1,
        name: 'Example',
        login: { uris: [{ match: null, uri: 'https://example.org' }], username: 'ann', password: 'a\n"b' },
      },
      { type: 1, name: 'Passkey', login: { uris: null, username: null, password: null } },
      { type: 1, name: 'Nothing', login: null },
      { type: 3, name: 'Card', card: { number: '1' } },
    ],
  }
  expect(read(`\uFEFF${JSON.stringify(vault, null, 2)}`)).toEqual({
    of: 'Bitwarden',
    entries: [{ name: 'Example', url: 'https://example.org', username: 'ann', password: 'a\n"b' }],
    empty: 1,
  })
})

test("Safari's", () => {
  expect(read('Title,URL,Username,Password,Notes,OTPAuth\nExample,https://example.org,ann,x,,\n').of).toBe('Safari')
})

test('10,000 entries, in their order', () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => `s${i},https://s${i}.example/,u${i},"p""${i},",`)
  const { entries } = read(`name,url,username,password,note\r\n${rows.join('\r\n')}\r\n`)
  expect(entries).toHaveLength(10_000)
  for (const i of [0, 4999, 9999])
    expect(entries[i]).toEqual({ name: `s${i}`, url: `https://s${i}.example/`, username: `u${i}`, password: `p"${i},` })
})

describe('what is no export is refused with what to do, and with nothing of what is in it', () => {
  const secret = 'hunter2'
  const encrypted = JSON.stringify({ encrypted: true, passwordProtected: true, salt: 'x', data: secret })
  test.each<[string, string | Uint8Array, RegExp]>([
    ['empty', '', /is empty/],
    ['nothing but white space', ' \r\n', /is empty/],
    ['encrypted JSON of Bitwarden', encrypted, /encrypted export: export again as "\.json"/],
    ['other JSON', JSON.stringify({ accounts: [secret] }), /no export that is known/],
    ['JSON of another type', JSON.stringify([secret]), /no export that is known/],
    ['JSON that was cut short', `{"items": [{"login": {"password": "${secret}`, /not JSON/],
    ['JSON that is broken', `{"items": ${secret}}`, /not JSON/],
    ['other columns', `site,login,secret\na,b,${secret}\n`, /no export that is known: expected CSV with the columns/],
    ['semicolons', `name;url;username;password\na;b;c;${secret}\n`, /no export that is known/],
    [
      'a quote without end',
      `name,url,username,password\na,b,c,"${secret}\n`,
      /not CSV: a quote is opened and never closed.*\(line \d\)/,
    ],
    [
      'a quote in a cell',
      `name,url,username,password\na,b,c,x"${secret}\n`,
      /not CSV: a quote is in the middle.*\(line 2\)/,
    ],
    [
      'something after a quote',
      `name,url,username,password\na,b,c,"x"${secret}\n`,
      /not CSV: something follows.*\(line 2\)/,
    ],
    [
      'a column too many',
      `name,url,username,password\na,b,c,d\na,b,c,${secret},e\n`,
      /expected 4 columns, got 5.*line 3/,
    ],
    [
      'a KeePass database',
      Uint8Array.of(3, 0xd9, 0xa2, 0x9a, 1, 2),
      /KeePass database, which is encrypted: export it as CSV/,
    ],
    ['a ZIP archive', `PK\u0003\u0004${secret}`, /ZIP archive: unpack it/],
    ['OpenPGP', `-----BEGIN PGP MESSAGE-----\n${secret}`, /encrypted by OpenPGP: decrypt it first/],
    ['a page', `<html>${secret}`, /HTML or XML/],
    [
      'bytes that are no UTF-8',
      Uint8Array.of(...bytes(`name,url,username,password\na,b,c,${secret}`), 0xe9),
      /no text in UTF-8/,
    ],
  ])('%s', (_, content, message) => {
    let thrown: Error & { code?: string } = new Error('nothing was thrown')
    try {
      readExport(typeof content === 'string' ? bytes(content) : content, 'export.csv')
    } catch (error) {
      thrown = error as Error
    }
    expect(thrown.message).toMatch(message)
    expect(thrown.message).toMatch(/^export\.csv /)
    expect(['malformed', 'unsupported']).toContain(thrown.code)
    expect(`${thrown.message}${thrown.stack}${String(thrown.cause)}`).not.toContain(secret)
    expect(thrown.cause).toBeUndefined()
  })
})
