import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The packages as a stranger gets them: packed, installed into an empty folder, run under the oldest Node that they promise.

const root = join(import.meta.dirname, '..')
let folder = ''

function run(command: string, args: readonly string[], cwd: string): string {
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${join(cwd, 'node_modules/.bin')}:${process.env.PATH}` }
  // What npm and vitest set for their own children must not reach an unrelated installation.
  for (const name of Object.keys(env))
    if (/^(npm_|NODE_OPTIONS$|NODE_ENV$|VITEST|INIT_CWD)/i.test(name)) delete env[name]
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glovebox-pack-'))
  run('npm', ['pack', '--workspaces', '--pack-destination', folder, '--ignore-scripts'], root)
  const tarballs = readdirSync(folder)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => `./${name}`)
  expect(tarballs).toHaveLength(5)
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
