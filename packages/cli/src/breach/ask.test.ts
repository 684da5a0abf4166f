import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askHidden } from './ask.ts'

async function typing(keys: string): Promise<{ answer: string | undefined; shown: string }> {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const answer = askHidden('Password: ', { input, output })
  input.write(keys)
  return { answer: await answer, shown: String(output.read()) }
}

test.each([
  ['a line', 'hunter2\r', 'hunter2'],
  ['one that was corrected', 'hunter3\u007f2\r', 'hunter2'],
  ['spaces and other letters', ' schön 🔑 \r', ' schön 🔑 '],
  ['nothing', '\r', ''],
  ['Ctrl-C', 'hunter2\u0003', undefined],
  ['Ctrl-D', '\u0004', undefined],
])('%s is taken, and not shown', async (_, keys, answer) => {
  expect(await typing(keys)).toEqual({ answer, shown: 'Password: \n' })
})
