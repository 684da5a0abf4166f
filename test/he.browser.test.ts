import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from './he.browser.threads.entry.ts'

// The library in a real browser: bundled by vite, run in Chromium. CHROMIUM names another executable than Debian's.

let browser: Browser
let code = ''
let threaded = ''
let server: Server
let address = ''

/** One script of an entry and all that it imports, under the name `glovebox`. */
async function bundled(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@glovebox/source'] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(import.meta.dirname, entry), formats: ['iife'], name: 'glovebox' },
    },
  })
  const output = Array.isArray(result) ? result[0]! : result
  if (!('output' in output)) throw new Error('vite gave no output')
  return output.output[0].code
}

beforeAll(async () => {
  code = await bundled('he.browser.entry.ts')
  threaded = await bundled('he.browser.threads.entry.ts')
  // Two pages: one that is isolated from other origins, so that it may share memory, and one that is not.
  server = createServer(({ url }, response) => {
    if (url?.startsWith('/isolated'))
      response
        .setHeader('cross-origin-opener-policy', 'same-origin')
        .setHeader('cross-origin-embedder-policy', 'require-corp')
    const script = url?.endsWith('.js')
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
    response.end(script ? threaded : '<!doctype html><title>glovebox</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  server?.close()
})

test('the bundle asks for nothing of Node', () => {
  // Those two are asked for at run time, where there is a process.
  for (const text of [code, threaded]) expect(text).not.toMatch(/["'`]node:(?!v8|worker_threads)|require\(|\bimport\(/)
})

test('encrypts, rotates a square and decrypts in Chromium, on the fused module', async () => {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.addScriptTag({ content: code })
  const { backend, values } = await page.evaluate<{ backend: string; values: number[] }>(
    'glovebox.squareAndRotate([1.5, -2, 3])',
  )
  expect(errors).toEqual([])
  expect(backend).toBe('wasm-fused')
  values.forEach((value, i) => expect(value).toBeCloseTo([4, 9, 0][i]!, 4))
})

/** On the page itself, or in a worker of it. */
async function runThreaded(path: string, where: 'page' | 'worker', threads: number): Promise<Outcome> {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(`${address}${path}`)
  await page.addScriptTag({ url: `${path}/main.js` })
  const call =
    where === 'page'
      ? `glovebox.withThreads(${threads})`
      : `new Promise((resolve, reject) => {
          const worker = new Worker('${path}/main.js')
          worker.onmessage = ({ data }) => resolve(data)
          worker.onerror = ({ message }) => reject(new Error(message))
          worker.postMessage(${threads})
        })`
  const outcome = await page.evaluate<Outcome>(call)
  expect(errors).toEqual([])
  await page.close()
  return outcome
}

test.each(['page', 'worker'] as const)(
  'threads compute the same where the page is isolated: in a %s',
  async (where) => {
    const outcome = await runThreaded('/isolated', where, 3)
    expect(outcome).toMatchObject({ isolated: true, threads: 3, shared: true, equal: true, left: 1 })
    outcome.values.forEach((value, i) => expect(value).toBeCloseTo([4, 9, 0][i]!, 4))
  },
)

test.each(['page', 'worker'] as const)(
  'without isolation there is one thread, and it says so: in a %s',
  async (where) => {
    const outcome = await runThreaded('/open', where, 3)
    expect(outcome).toMatchObject({ isolated: false, threads: 1, shared: false, equal: true, left: 1 })
    outcome.values.forEach((value, i) => expect(value).toBeCloseTo([4, 9, 0][i]!, 4))
  },
)
