import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The library in a real browser: bundled by vite, run in Chromium. CHROMIUM names another executable than Debian's.

let browser: Browser
let code = ''

beforeAll(async () => {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@glovebox/source'] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(import.meta.dirname, 'he.browser.entry.ts'), formats: ['iife'], name: 'glovebox' },
    },
  })
  const output = Array.isArray(result) ? result[0]! : result
  if (!('output' in output)) throw new Error('vite gave no output')
  code = output.output[0].code
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

afterAll(() => browser?.close())

test('the bundle asks for nothing of Node', () => {
  expect(code).not.toMatch(/["']node:(?!v8)|require\(/)
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
