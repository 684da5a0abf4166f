import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { fiveCommands, shellBlocks } from '../../../scripts/documented.ts'
import { serveWith, succeed, testFolder } from '../test/glovebox.ts'
import { commandLine } from './service/command-process.ts'

// docs/service.md by its letters: bash, curl and Node, with `npx glovebox` from sources.

const page = 'docs/service.md'
const folder = testFolder()
const bin = join(folder, 'bin')

/** What a block says; throws where a line of it fails. */
async function bash(code: string, more: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', code], {
    cwd: folder,
    env: {
      ...process.env,
      NO_COLOR: '1',
      XDG_STATE_HOME: join(folder, 'state'),
      XDG_DATA_HOME: join(folder, 'share'),
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(`ended with ${status}: ${stdout}${stderr}`)
  return stdout
}

const block = (what: RegExp): string => {
  const found = shellBlocks(page).filter((code) => what.test(code))
  expect(found, String(what)).toHaveLength(1)
  return found[0]!
}

beforeAll(async () => {
  mkdirSync(bin)
  const line = [process.execPath, ...commandLine()].map((arg) => `'${arg}'`).join(' ')
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec ${line} "$@"\n`)
  chmodSync(join(bin, 'npx'), 0o755)
})

test('the READMEs have the same five commands', () => {
  for (const other of ['README.md', 'packages/cli/README.md']) expect(fiveCommands(other)).toEqual(fiveCommands(page))
})

describe('without tokens', () => {
  test('quick start, then by hand: a model without keys, and one with them', async () => {
    const server = await serveWith({}, '--port', '0', '--data', join(folder, 'data'))
    const more = { GLOVEBOX_SERVER: server.url }
    const said = await bash(block(/^npx glovebox train /), more)
    expect(said).toContain('same class in 100 of 100')
    expect(said).toMatch(/sample 0: 7;[^\n]*\n$/)
    const keyless = block(/^S=\$/)
    expect(await bash(keyless, more)).toMatch(/sample 0: 7;[^\n]*\n$/)
    const keyed = await bash(keyless + block(/^npx glovebox gallery digits/), more)
    expect(keyed).toMatch(/404.*upload-offset: 0.*sample 0: largest at 7 /s)
    expect(existsSync(join(folder, 'keys/evaluation.key'))).toBe(true)
    await server.kill('SIGTERM')
  })
})

describe('with tokens', () => {
  test('a clinic reads what the administrator pushed, and what was granted', async () => {
    const model = join(folder, 'mydigits')
    if (!existsSync(model)) await succeed('train', 'digits-linear', '-o', model)
    const token = 'the-first-token-of-this-test-0123456789'
    const server = await serveWith(
      { GLOVEBOX_ADMIN_TOKEN: token },
      '--port',
      '0',
      '--data',
      join(folder, 'with-tokens'),
    )
    const all =
      block(/^export GLOVEBOX_SERVER=/).replace(/^export .*$/m, '') +
      block(/^npx glovebox push mydigits --name granted/)
    const said = await bash(all, { GLOVEBOX_SERVER: server.url, GLOVEBOX_TOKEN: token })
    expect(said.match(/sample 0: 7;/g)).toHaveLength(2)
    expect(said).toContain('"tenant":"clinic"')
    expect(statSync(join(folder, 'clinic.token')).mode & 0o077).toBe(0)
    await server.kill('SIGTERM')
  })
})
