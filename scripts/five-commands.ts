// The five commands, from nothing to a private prediction, read out of the README: npm run five-commands
// A service on a free port with a data directory of its own; all of it is gone at the end. From sources, or, with --built, from the build.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fiveCommands } from './documented.ts'

const root = join(import.meta.dirname, '..')
const built = process.argv.includes('--built')
const command = built
  ? [join(root, 'packages/cli/bin/glovebox.js')]
  : ['--conditions=@glovebox/source', join(root, 'packages/cli/src/main.ts')]
const folder = mkdtempSync(join(tmpdir(), 'glovebox-five-'))
const env: NodeJS.ProcessEnv = {
  ...process.env,
  XDG_STATE_HOME: join(folder, 'state'),
  XDG_DATA_HOME: join(folder, 'share'),
}
const started = performance.now()
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`

/** Shows a command and what it says. Throws where it fails. */
async function run(...args: readonly string[]): Promise<string> {
  process.stdout.write(`\n$ npx glovebox ${args.join(' ')}\n`)
  const begun = performance.now()
  const child = spawn(process.execPath, [...command, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  process.stdout.write(`${said.replaceAll(folder, '…')}(${seconds(begun)})\n`)
  if (code !== 0) throw new Error(`glovebox ${args[0]} ended with ${code}`)
  return said
}

/** Throws where a command did not say what it should. */
function expect(said: string, wanted: RegExp): void {
  if (!wanted.test(said)) throw new Error(`expected ${wanted}, got: ${said}`)
}

const data = join(folder, 'data')
const service = spawn(process.execPath, [...command, 'serve', '--port', '0', '--data', data, '--stop-with-stdin'], {
  env,
  stdio: ['pipe', 'pipe', 'inherit'],
})
try {
  const url = await new Promise<string>((resolve, reject) => {
    service.once('close', (code) => reject(new Error(`the service ended with ${code}`)))
    createInterface({ input: service.stdout }).on('line', (line) => {
      const { msg, url } = JSON.parse(line) as { msg?: string; url?: string }
      if (msg === 'listening' && url !== undefined) resolve(url)
    })
  })
  process.stdout.write(`\n$ npx glovebox serve --data …/data\n${url}\n`)
  env.GLOVEBOX_SERVER = url
  const [train, push, test, deploy, predict] = fiveCommands('README.md') as [string[], string[], ...string[][]]
  await run(...train)
  expect(await run(...push), /^mydigits@1: /)
  expect(await run(...test!), /same class in 100 of 100/)
  expect(await run(...deploy!), /^mydigits@production is version 1/)
  expect(await run(...predict!), /^sample 0: 7;/)
  // Trained with other luck, it is another version; the same folder again is none.
  await run(...train, '--seed', '2')
  expect(await run(...push), /^mydigits@2: /)
  expect(await run(...push), /^mydigits@2: these files are this version already/)
  expect(await run('test', 'mydigits@2', '--data', 'mnist', '-n', '200'), /same class in 200 of 200/)
  process.stdout.write(`\nall of it in ${seconds(started)}\n`)
} finally {
  service.stdin.end()
  await new Promise((resolve) => (service.exitCode === null ? service.once('close', resolve) : resolve(undefined)))
  rmSync(folder, { recursive: true, force: true })
}
