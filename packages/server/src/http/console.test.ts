import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setUpApp } from '../../test/http.ts'
import { openConsole } from './console.ts'

const outer = mkdtempSync(join(tmpdir(), 'glovebox-console-'))
const folder = join(outer, 'page')
afterAll(() => rmSync(outer, { recursive: true }))
beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(outer, 'secret.txt'), 'hunter2')
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'icon.svg'), '<svg/>')
  writeFileSync(join(folder, 'assets', 'main-1a2b3c.js'), 'export {}')
})

const html = { accept: 'text/html,*/*' }

test('files have their types, and those with a hash in their name are kept for ever', async () => {
  await using app = await setUpApp({ config: { console: folder }, models: [] })
  const page = await app.call('GET', '/')
  expect([page.status, await page.text()]).toEqual([200, '<!doctype html><title>page</title>'])
  expect(Object.fromEntries(page.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': expect.stringContaining("script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:"),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'x-content-type-options': 'nosniff',
  })
  const script = await app.call('GET', '/assets/main-1a2b3c.js')
  expect(Object.fromEntries(script.headers)).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'cross-origin-embedder-policy': 'require-corp',
  })
  expect((await app.call('GET', '/icon.svg')).headers.get('content-type')).toBe('image/svg+xml')
  const again = await app.call('GET', '/', undefined, { 'if-none-match': page.headers.get('etag')! })
  expect([again.status, await again.text()]).toEqual([304, ''])
  const head = await app.call('HEAD', '/icon.svg')
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '6', ''])
})

test('an address of the page is the page; what else is not there is 404', async () => {
  await using app = await setUpApp({ config: { console: folder }, models: [] })
  expect(await (await app.call('GET', '/models/digits', undefined, html)).text()).toContain('<title>page')
  for (const [path, headers] of [
    ['/models/digits', {}],
    ['/assets/gone-123.js', html],
    ['/v2/nothing', html],
    ['/api/2.0/mlflow/nothing', html],
  ] as const)
    expect((await app.call('GET', path, undefined, headers)).status, path).toBe(404)
  expect((await app.call('POST', '/', {}, html)).status).toBe(404)
})

test('no path leads out of the folder', async () => {
  await using app = await setUpApp({ config: { console: folder }, models: [] })
  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '//secret.txt',
    '/%00',
    `/${join(outer, 'secret.txt')}`,
    '/..\\secret.txt',
    '/%5c..%5csecret.txt',
    '/index.html%00.js',
    '/%c0%ae%c0%ae/secret.txt',
  ]) {
    const answer = await app.call('GET', path)
    expect(await answer.text(), path).not.toContain('hunter2')
    expect(answer.status, path).toBe(404)
  }
})

test('the page is there without a token, and nothing else', async () => {
  const adminToken = 'an-admin-token-of-40-characters-or-more!'
  await using app = await setUpApp({ config: { console: folder, adminToken }, models: [] })
  expect((await app.call('GET', '/', undefined, html)).status).toBe(200)
  expect((await app.call('GET', '/v2/models', undefined, html)).status).toBe(401)
})

test('a folder without a page says so', () => {
  expect(() => openConsole(join(folder, 'assets'))).toThrow('has no index.html')
  expect(() => openConsole(join(outer, 'none'))).toThrow('cannot be read')
})
