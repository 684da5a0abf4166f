import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { glovebox } from '../../test/glovebox.ts'
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
  const wrong = [
    [],
    ['nonsense'],
    ['keygen'],
    ['keygen', 'x'],
    ['encrypt', 'x', '--bogus'],
    ['serve', 'x', '--port', '99999'],
    ['demo', 'cats'],
    ['demo', 'digits', '--images', '0'],
  ]
  const each = await Promise.all(wrong.map((args) => glovebox(...args)))
  each.forEach((one, i) => {
    expect([wrong[i], one.code, one.stdout]).toEqual([wrong[i], 2, ''])
    expect(one.stderr).not.toBe('')
    expect(one.stderr).not.toMatch(/\n\s+at /)
  })
})

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
