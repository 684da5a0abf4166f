import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Item, type ItemKind, itemBytes } from '@glovebox/psi'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { atLeastOne, paddedEntries } from './entries.ts'
import { openSource } from './lines.ts'
import { type ListEntry, type ListOptions, readList } from './list.ts'
import { leftOut } from './report.ts'
import { surveyList } from './survey.ts'

const folder = testFolder()
const at = (name: string): string => join(folder, name)

async function listOf(text: string, options: ListOptions) {
  writeFileSync(at('list'), text, 'latin1')
  const list = readList(await openSource(at('list')), options)
  const entries: ListEntry[] = []
  for await (const entry of list) entries.push(entry)
  return { entries, counts: list.counts }
}

const bytesOf = (kind: ItemKind, items: readonly Item[]): Uint8Array[] => items.map((item) => itemBytes(kind, item))
const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

describe('a line an item', () => {
  test('passwords are the bytes of their lines, whatever they are', async () => {
    const { entries, counts } = await listOf(`secret\n two words \r\n\ncaf\xe9\n${'x'.repeat(70_000)}\nlast`, {
      kind: 'passwords',
    })
    const items = ['secret', ' two words ', latin1('caf\xe9'), 'last']
    expect(entries.map(({ item }) => item)).toEqual(bytesOf('passwords', items))
    expect(counts).toEqual({ lines: 6, items: 4, empty: 1, long: 1, wrong: 0, firstWrong: undefined })
    expect(leftOut(counts)).toBe('lines left out: 1 empty, 1 longer than any item')
  })

  test('credentials are split at the first colon', async () => {
    const { entries, counts } = await listOf('Ann@Example.org:a:b\nno colon\n:nobody\nbob:\nbob:\xff\n', {
      kind: 'credentials',
    })
    const items = [
      { user: 'ann@example.org', password: 'a:b' },
      { user: 'bob', password: latin1('\xff') },
    ]
    expect(entries.map(({ item }) => item)).toEqual(bytesOf('credentials', items))
    expect(counts).toMatchObject({ items: 2, wrong: 3, firstWrong: 2 })
    expect(leftOut(counts)).toBe('lines left out: 3 that are no item (first in line 2)')
  })

  test('domains are those of hosts', async () => {
    const { entries, counts } = await listOf('Example.org.\nhttps://example.org/\nb\xc3\xbccher.example\n', {
      kind: 'domains',
    })
    expect(entries.map(({ item }) => item)).toEqual(bytesOf('domains', ['example.org', 'xn--bcher-kva.example']))
    expect(counts).toMatchObject({ items: 2, wrong: 1, firstWrong: 2 })
  })
})

describe('CSV with labels', () => {
  const csv =
    'domain,kind,seen\nEvil.example,phishing,2024\n,none,1\n"worse.example","mal, ware",2025\nnot a domain,x,1\n'

  test('has items in the first other column, or in one that is named', async () => {
    const first = await listOf(csv, { kind: 'domains', labels: 'kind' })
    expect(first.entries.map(({ item }) => item)).toEqual(bytesOf('domains', ['evil.example', 'worse.example']))
    expect(first.entries.map(({ label }) => Buffer.from(label!).toString())).toEqual(['phishing', 'mal, ware'])
    expect(first.counts).toMatchObject({ lines: 4, items: 2, empty: 1, wrong: 1, firstWrong: 5 })
    const named = await listOf(csv, { kind: 'bytes', labels: 'seen', column: 'kind' })
    expect(named.entries.map(({ label }) => Buffer.from(label!).toString())).toEqual(['2024', '1', '2025', '1'])
  })

  test('has users and passwords in columns of these names', async () => {
    const { entries } = await listOf('source,E-Mail,password\nforum,Ann@example.org,"a,b"\n', {
      kind: 'credentials',
      labels: 'source',
    })
    expect(entries.map(({ item }) => item)).toEqual(
      bytesOf('credentials', [{ user: 'ann@example.org', password: 'a,b' }]),
    )
  })

  test('what is wrong with it is said without what is in it', async () => {
    const thrown = (text: string, options: ListOptions) => listOf(text, options).catch((error: Error) => error)
    for (const [text, message] of [
      [csv, /has no column "severity" \(--labels\) among the 3 of its first line/],
      ['hunter2', /has no column "severity" \(--labels\) among the 1 of its first line/],
      ['', /is empty/],
      ['domain,severity\nhunter2"x,y\n', /is not CSV.*line/],
    ] as const) {
      const error = (await thrown(text, { kind: 'domains', labels: 'severity' })) as Error
      expect(error.message).toMatch(message)
      expect(`${error.message}${error.stack}${error.cause}`).not.toContain('hunter2')
    }
    await expect(listOf('a,password\nb,c\n', { kind: 'credentials', labels: 'a' })).rejects.toThrow(
      /"user", "username" or/,
    )
  })

  test('labels are filled up to one length, and one that is longer is named by its place', async () => {
    writeFileSync(at('labels'), csv)
    const options: ListOptions = { kind: 'domains', labels: 'kind' }
    expect(await surveyList(at('labels'), options, () => undefined)).toEqual({ items: 2, labelBytes: 9 })
    const padded = async (room: number): Promise<(Uint8Array | undefined)[]> => {
      const labels: (Uint8Array | undefined)[] = []
      for await (const { label } of paddedEntries(readList(await openSource(at('labels')), options), room))
        labels.push(label)
      return labels
    }
    expect((await padded(9)).map((label) => Buffer.from(label!).toString())).toEqual(['phishing\0', 'mal, ware'])
    expect(await padded(0)).toEqual([undefined, undefined])
    await expect(padded(8)).rejects.toThrow(/the label of item 2 has 9 bytes, and those of the set 8/)
  })
})

test('of a long list lines are counted', async () => {
  writeFileSync(at('long'), 'a password\n'.repeat(100_000))
  const { items } = await surveyList(at('long'), { kind: 'passwords' }, () => undefined)
  expect(items).toBe(100_001)
})

test('a list without items is no list', async () => {
  writeFileSync(at('none'), '\n\n')
  await expect(surveyList(at('none'), { kind: 'passwords' }, () => undefined)).rejects.toThrow(
    /has no item that a set of passwords could take in its 2 lines/,
  )
  // Lines of a long one are only counted.
  writeFileSync(at('long'), 'no colon\n'.repeat(200_000))
  const list = readList(await openSource(at('long')), { kind: 'credentials' })
  const read = async (): Promise<number> => {
    let items = 0
    for await (const _ of atLeastOne(paddedEntries(list, 0), 'long')) items++
    return items
  }
  await expect(read()).rejects.toThrow(/long has no item that the set could take/)
})
