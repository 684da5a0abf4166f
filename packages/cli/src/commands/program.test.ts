import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { glovebox } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { createProgram } from '../program.ts'

const commands = [
  ...['train', 'compile', 'inspect', 'calibrate', 'serve', 'worker', 'gallery', 'push', 'test', 'deploy', 'predict'],
  ...['models', 'types', 'token', 'top', 'keygen', 'encrypt', 'run', 'decrypt', 'demo'],
]

test('help is on standard output with code 0, everywhere', async () => {
  const { code, stdout, stderr } = await glovebox('--help')
  expect([code, stderr]).toEqual([0, ''])
  for (const command of commands) expect(stdout).toContain(command)
  expect(await glovebox('serve', '--help')).toMatchObject({ code: 0, stderr: '' })
  for (const command of createProgram().commands) {
    expect(command.helpInformation()).toMatch(new RegExp(`^Usage: glovebox ${command.name()} `))
    for (const { short, long, description } of command.options) expect(description, short ?? long).not.toBe('')
  }
})

test('a command line that is wrong is code 2, said on standard error', async () => {
  const wrong = [[], ['serve', 'x', '--port', '99999']]
  const each = await Promise.all(wrong.map((args) => glovebox(...args)))
  each.forEach((one, i) => {
    expect([wrong[i], one.code, one.stdout]).toEqual([wrong[i], 2, ''])
    expect(one.stderr).not.toBe('')
    expect(one.stderr).not.toMatch(/\n\s+at /)
  })
})

test.each(['nonsense', 'keygen', 'keygen x', 'encrypt x --bogus', 'demo cats', 'demo digits --images 0'])(
  '%s is such a line',
  async (line) => {
    const { message, cause } = await inside(...line.split(' ')).then(
      ({ stdout, stderr }) => expect.fail(`it ran: ${stdout}${stderr}`),
      (error: Error) => error,
    )
    // What main.ts makes code 2 of; it is on standard error already.
    expect(cause).toBeInstanceOf(CommanderError)
    expect((cause as CommanderError).exitCode).not.toBe(0)
    expect(message).toMatch(/\nerror: /)
    expect(message).not.toMatch(/\n\s+at /)
  },
)

test('the version is that of the package', async () => {
  expect((await glovebox('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('a pipe that is closed early is no error', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const child = spawn(
    'sh',
    ['-c', `"${process.execPath}" --conditions=@glovebox/source "${main}" --help | true; exit 0`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(stderr).toBe('')
})
