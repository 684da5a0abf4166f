import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The packages as a stranger gets them: packed, installed into an empty folder, run under the oldest Node that they promise.

const root = join(import.meta.dirname, '..')
let folder = ''

function environment(cwd: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PATH: `${join(cwd, 'node_modules/.bin')}:${process.env.PATH}`,
    XDG_STATE_HOME: join(cwd, 'state'),
    XDG_DATA_HOME: join(cwd, 'share'),
  }
  // What npm and vitest set for their own children must not reach an unrelated installation.
  for (const name of Object.keys(env))
    if (/^(npm_|NODE_OPTIONS$|NODE_ENV$|VITEST|INIT_CWD|GLOVEBOX_)/i.test(name)) delete env[name]
  return env
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, {
    cwd,
    env: environment(cwd),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  })
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glovebox-pack-'))
  // The console is no package of its own: it is in that of the command.
  const workspaces = readdirSync(join(root, 'packages')).flatMap((name) => ['--workspace', `packages/${name}`])
  run('npm', ['pack', ...workspaces, '--pack-destination', folder, '--ignore-scripts'], root)
  const tarballs = readdirSync(folder)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => `./${name}`)
  expect(tarballs).toHaveLength(6)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', 'node@22', ...tarballs], folder)
}, 240_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('runs on Node 22', () => {
  expect(run('node', ['--version'], folder)).toMatch(/^v22\./)
})

test('@glovebox/he computes on ciphertexts', () => {
  writeFileSync(
    join(folder, 'he.js'),
    `import { createParams, decodeCiphertext, encodeCiphertext, openCkks } from '@glovebox/he'
     import { createGaloisKeys, createRelinearisationKey, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
     const params = createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [49, 40, 40], specialBits: [50] })
     const client = openCkks(params)
     const secret = createSecretKey(client)
     const keys = { relinearisation: createRelinearisationKey(client, secret), galois: createGaloisKeys(client, secret, [{ steps: 1 }]) }
     const bytes = encodeCiphertext(encryptSymmetric(client, secret, client.encode([1.5, -2, 3], { scale: 2 ** 40 })))
     const ct = decodeCiphertext(client, bytes)
     const out = client.rotate(client.rescale(client.relinearise(client.square(ct), keys)), 1, keys)
     console.log(JSON.stringify(Array.from(client.decode(decrypt(client, secret, out)).slice(0, 2), (x) => Math.round(x * 1000))))`,
  )
  expect(JSON.parse(run('node', ['he.js'], folder))).toEqual([4000, 9000])
})

test('glovebox demo digits classifies real digits', () => {
  const result = JSON.parse(run('glovebox', ['demo', 'digits', '--images', '4', '--json'], folder))
  expect(result).toMatchObject({ model: 'digits', images: 4, agreeWithClear: 4 })
})

test('starts a service without configuration, which serves the console and a prediction over the command', async () => {
  const server = spawn('glovebox', ['serve', '--port', '0', '--stop-with-stdin'], {
    cwd: folder,
    env: environment(folder),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const line = await new Promise<{ url: string; data: string }>((resolve, reject) => {
      server.once('close', (code) => reject(new Error(`the service ended with ${code}`)))
      createInterface({ input: server.stdout }).on('line', (text) => {
        const parsed = JSON.parse(text)
        if (parsed.msg === 'listening') resolve(parsed)
      })
    })
    expect(line.data).toBe(join(folder, 'share/glovebox/service'))
    const to = ['--server', line.url]
    run('glovebox', ['train', 'digits-linear', '--epochs', '1', '-o', 'mine'], folder)
    expect(run('glovebox', ['push', 'mine', '--name', 'digits', ...to], folder)).toMatch(/^digits@1: /)
    expect(run('glovebox', ['gallery', 'heart', ...to], folder)).toBe('heart@1\n')
    expect(run('glovebox', ['test', 'digits', '--data', 'mnist', '-n', '20', ...to], folder)).toContain(
      'same class in 20 of 20',
    )
    expect(run('glovebox', ['predict', 'digits', '--input', 'mine/seven.png', ...to], folder)).toMatch(/^sample 0: 7;/)
    const page = await fetch(line.url)
    expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/<script type="module"/)])
    const card = await fetch(`${line.url}/v2/models/heart/card`)
    expect(await card.text()).toMatch(/^# heart/)
  } finally {
    const ended = new Promise((resolve) => server.once('close', resolve))
    server.stdin.end()
    expect(await ended).toBe(0)
  }
})
