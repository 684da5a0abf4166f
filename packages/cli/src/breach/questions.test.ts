import { expect, test } from 'vitest'
import type { Entry } from './exports.ts'
import type { Source } from './lines.ts'
import { questionOf, questionsIn, questionsOf } from './questions.ts'

function source(text: string | Uint8Array): Source {
  return {
    name: 'standard input',
    bytes: undefined,
    read: () => 0,
    async *chunks() {
      yield Buffer.from(text)
    },
  }
}

const itemsIn = async (...args: Parameters<typeof questionsIn>) =>
  (await questionsIn(...args)).map(({ items }) => items)

test('a password a line, as it is; also composed where that is another one', async () => {
  const decomposed = 'cafe\u0301'
  expect(await itemsIn('passwords', source(` a b \r\n${decomposed}\ncaf\u00e9\n`))).toEqual([
    [' a b '],
    [decomposed, 'caf\u00e9'],
    ['caf\u00e9'],
  ])
  const raw = Uint8Array.of(0x63, 0xe9)
  expect(await itemsIn('passwords', source(raw))).toEqual([[Buffer.from(raw)]])
})

test('of other sets: user and password, domains, bytes', async () => {
  expect(await itemsIn('credentials', source('ann:a:b\n'))).toEqual([[{ user: 'ann', password: 'a:b' }]])
  expect(await itemsIn('domains', source('example.org\n'))).toEqual([['example.org']])
  expect(questionOf('bytes', 'ab').items).toEqual([Uint8Array.of(0x61, 0x62)])
})

test('a line that is wrong is named, and what is in it is not', async () => {
  for (const [kind, text, message] of [
    ['passwords', 'hunter2\n\nhunter3\n', 'line 2 of standard input is empty: expected a password in each line'],
    ['passwords', '', 'standard input is empty: expected a password in each line'],
    [
      'passwords',
      `x\n${'hunter2'.repeat(10_000)}\n`,
      'line 2 of standard input is too long: expected a password in each line',
    ],
    ['credentials', 'ann:x\nhunter2\n', 'line 2 of standard input has no colon: expected user:password'],
    [
      'credentials',
      'hunter2\nann:x\n\n',
      'lines 1, 3 of standard input cannot be asked for, and nothing was; the first: line 1 of standard input has no colon: expected user:password',
    ],
  ] as const) {
    const error = await questionsIn(kind, source(text)).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'malformed', message })
  }
  await expect(questionsIn('domains', source(Uint8Array.of(0xe9)))).rejects.toThrow(
    /line 1 of standard input is no text/,
  )
})

const entries: Entry[] = [
  { name: 'Example', url: 'https://example.org', username: 'ann', password: 'cafe\u0301' },
  { name: 'Router', url: '', username: ' ', password: 'x' },
]

test('log-ins of an export, without their passwords beside the question', () => {
  expect(questionsOf('passwords', entries)).toEqual([
    { entry: { name: 'Example', url: 'https://example.org', username: 'ann' }, items: ['cafe\u0301', 'caf\u00e9'] },
    { entry: { name: 'Router', url: '', username: ' ' }, items: ['x'] },
  ])
  expect(questionsOf('credentials', entries).map(({ items }) => items)).toEqual([
    [
      { user: 'ann', password: 'cafe\u0301' },
      { user: 'ann', password: 'caf\u00e9' },
    ],
  ])
  expect(() => questionsOf('domains', entries)).toThrow(/--file is for sets of passwords or credentials/)
})
