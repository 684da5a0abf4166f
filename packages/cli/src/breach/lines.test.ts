import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { linesOf, longestLine, openSource, type Source } from './lines.ts'

const folder = testFolder()
const at = (name: string): string => join(folder, name)

async function linesIn(path: string): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = []
  for await (const { number, bytes } of linesOf(await openSource(path))) {
    lines.push(bytes && Buffer.from(bytes).toString('latin1'))
    expect(number).toBe(lines.length)
  }
  return lines
}

test.each([
  ['none', '', []],
  ['one without an end', 'a', ['a']],
  ['one with an end', 'a\n', ['a']],
  ['empty ones', '\n\na\n\n', ['', '', 'a', '']],
  ['CRLF, one \\r of a line only', 'a\r\nb\r\r\n\r\n', ['a', 'b\r', '']],
  ['a byte order mark, of the first line alone', '\xef\xbb\xbfa\n\xef\xbb\xbfb\n', ['a', '\xef\xbb\xbfb']],
  ['bytes that are no UTF-8', 'caf\xe9\n\xff\xfe\n', ['caf\xe9', '\xff\xfe']],
  [
    'those that are too long',
    `a\n${'x'.repeat(longestLine)}\r\n${'x'.repeat(longestLine + 1)}\nb\n${'y'.repeat(3 * 2 ** 18)}`,
    ['a', 'x'.repeat(longestLine), undefined, 'b', undefined],
  ],
])('lines: %s', async (_, text, lines) => {
  writeFileSync(at('list'), text, 'latin1')
  expect(await linesIn(at('list'))).toEqual(lines)
  writeFileSync(at('packed'), gzipSync(Buffer.from(text, 'latin1')))
  expect(await linesIn(at('packed'))).toEqual(lines)
})

test('lines are the same wherever chunks end', async () => {
  const text = `a\r\nbc\n\n${'d'.repeat(9)}\r\n`
  for (let size = 1; size < text.length; size++) {
    const source: Source = {
      name: 'test',
      bytes: undefined,
      read: () => 0,
      async *chunks() {
        for (let i = 0; i < text.length; i += size) yield Buffer.from(text.slice(i, i + size))
      },
    }
    const lines: string[] = []
    for await (const { bytes } of linesOf(source)) lines.push(Buffer.from(bytes!).toString())
    expect(lines).toEqual(['a', 'bc', '', 'd'.repeat(9)])
  }
})

test('how much was read is known, of the file as it is', async () => {
  const bytes = gzipSync(Buffer.from('password\n'.repeat(1000)))
  writeFileSync(at('known'), bytes)
  const source = await openSource(at('known'))
  expect(source.bytes).toBe(bytes.length)
  for await (const _ of linesOf(source));
  expect(source.read()).toBe(bytes.length)
})

test('what cannot be read is named', async () => {
  await expect(openSource(at('none'))).rejects.toThrow(/cannot read .*none: there is no such file/)
  await expect(openSource(folder)).rejects.toThrow(/it is a folder/)
  writeFileSync(at('torn'), gzipSync(Buffer.from('password\n'.repeat(1000))).subarray(0, 30))
  await expect(linesIn(at('torn'))).rejects.toThrow(/cannot read .*torn: /)
})

test('whoever stops half-way leaves nothing open', async () => {
  writeFileSync(at('long'), gzipSync(Buffer.from('password\n'.repeat(1e6))))
  for await (const { number } of linesOf(await openSource(at('long')))) if (number === 3) break
})
