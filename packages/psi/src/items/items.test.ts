import { toHex } from '@glovebox/he'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Item, type ItemKind, itemBytes } from './items.ts'

const ascii = (text: string): string => toHex(new TextEncoder().encode(text))
const hex = (kind: ItemKind, item: Item): string => toHex(itemBytes(kind, item))
const unicode = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })

// Databases hold what comes of these bytes: they never change.
test('canonical bytes, one by one', () => {
  expect(hex('passwords', 'hunter2')).toBe(`01${ascii('hunter2')}`)
  expect(hex('passwords', 'é')).toBe('01c3a9')
  expect(hex('credentials', { user: ' Eve@Example.ORG ', password: ' Pw' })).toBe(
    `020f000000${ascii('eve@example.org')}03000000${ascii(' Pw')}`,
  )
  expect(hex('domains', 'Bücher.Example.')).toBe(`03${ascii('xn--bcher-kva.example')}`)
  expect(hex('bytes', Uint8Array.of(0, 255))).toBe('0400ff')
})

describe('passwords', () => {
  test('are as they are: no case, trimming or normalisation', () => {
    const forms = ['pass', 'Pass', ' pass', 'pass ', 'pass\n', 'caf\u00e9', 'cafe\u0301', '\u212b', '\u00c5']
    expect(new Set(forms.map((form) => hex('passwords', form))).size).toBe(forms.length)
  })

  test('text is its UTF-8, and bytes that are no UTF-8 are items too', () => {
    fc.assert(
      fc.property(unicode, (text) => {
        expect(itemBytes('passwords', text)).toEqual(itemBytes('passwords', new TextEncoder().encode(text)))
      }),
    )
    expect(hex('passwords', Uint8Array.of(0x63, 0xe9))).toBe('0163e9')
  })
})

describe('credentials', () => {
  const pair = fc.record({ user: unicode.filter((text) => text.trim() !== ''), password: unicode })

  test('no two pairs meet', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\x01'), minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(short, short, short, short, (u, p, v, q) => {
        const same = u === v && p === q
        expect(hex('credentials', { user: u, password: p }) === hex('credentials', { user: v, password: q })).toBe(same)
      }),
    )
    const clash = [
      { user: 'ab', password: 'c' },
      { user: 'a', password: 'bc' },
      { user: 'c', password: 'ab' },
    ]
    expect(new Set(clash.map((item) => hex('credentials', item))).size).toBe(3)
  })

  test('users are trimmed, in lower case and NFC; passwords are not', () => {
    const base = hex('credentials', { user: 'andré', password: 'X' })
    for (const user of ['André', ' ANDRÉ\t', 'andre\u0301', 'ANDRE\u0301'])
      expect(hex('credentials', { user, password: 'X' })).toBe(base)
    // J with a caron has no letter of its own in upper case.
    expect(hex('credentials', { user: 'J\u030c', password: 'X' })).toBe(
      hex('credentials', { user: '\u01f0', password: 'X' }),
    )
    for (const password of ['x', 'X ', ' X']) expect(hex('credentials', { user: 'andré', password })).not.toBe(base)
    expect(hex('credentials', { user: 'andre', password: 'X' })).not.toBe(base)
  })

  test('the canonical user is its own canonical form', () => {
    fc.assert(
      fc.property(pair, ({ user, password }) => {
        const bytes = itemBytes('credentials', { user, password })
        const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true)
        const again = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(5, 5 + length))
        expect(itemBytes('credentials', { user: again, password })).toEqual(bytes)
      }),
    )
  })
})

describe('domains', () => {
  test.each([
    ['Example.ORG', 'example.org'],
    [' example.org. ', 'example.org'],
    ['www.example.org', 'www.example.org'],
    ['straße.example', 'xn--strae-oqa.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['例え。テスト', 'xn--r8jz45g.xn--zckzah'],
    ['under_score.example', 'under_score.example'],
    ['127.1', '127.0.0.1'],
  ])('%s is %s', (text, expected) => expect(hex('domains', text)).toBe(`03${ascii(expected)}`))

  test.each([
    'http://example.org',
    'example.org/a',
    'example.org:80',
    'user@example.org',
    'a b',
    'a..b',
    '.',
    '..',
    '.a',
    'a..',
    '%61.org',
    '[::1]',
    'a\\b',
    'a?b',
    'a#b',
    'a<b',
    '１２７．０．０．１：８０',
    'x'.repeat(64).concat('.').repeat(4),
  ])('%s is none', (text) => {
    expect(() => itemBytes('domains', text)).toThrow(RangeError)
    expect(() => itemBytes('domains', text)).not.toThrow(text.length > 3 ? text : 'nothing')
  })
})

test('kinds do not meet: the same bytes differ', () => {
  const text = 'example.org'
  const all = [
    hex('passwords', text),
    hex('domains', text),
    hex('bytes', new TextEncoder().encode(text)),
    hex('credentials', { user: text, password: text }),
  ]
  expect(new Set(all).size).toBe(4)
})

describe('what is no item', () => {
  const cases: [string, ItemKind, unknown, ErrorConstructor][] = [
    ['another kind', 'words' as ItemKind, 'secret', TypeError],
    ['an empty password', 'passwords', '', RangeError],
    ['no bytes', 'bytes', new Uint8Array(0), RangeError],
    ['text as bytes', 'bytes', 'secret', TypeError],
    ['a number', 'passwords', 5, TypeError],
    ['null', 'credentials', null, TypeError],
    ['bytes as a pair', 'credentials', Uint8Array.of(1), TypeError],
    ['a pair without a user', 'credentials', { password: 'secret' }, TypeError],
    ['a blank user', 'credentials', { user: ' \t', password: 'secret' }, RangeError],
    ['an empty password of a pair', 'credentials', { user: 'secret', password: '' }, RangeError],
    ['a lone surrogate', 'passwords', 'secret\ud800', TypeError],
    ['a lone surrogate in a user', 'credentials', { user: 'secret\udc00', password: 'secret' }, TypeError],
    ['too long', 'passwords', 'secret'.repeat(10923), RangeError],
    ['too long together', 'credentials', { user: 's'.repeat(40000), password: 's'.repeat(30000) }, RangeError],
    ['no host', 'domains', 'secret domain', RangeError],
  ]
  test.each(cases)('%s', (_, kind, item, type) => {
    let error: unknown
    try {
      itemBytes(kind, item as Item)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).not.toMatch(/secret|sss/)
  })

  test('the longest', () => expect(itemBytes('passwords', 'x'.repeat(65534))).toHaveLength(65535))
})
