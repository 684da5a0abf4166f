import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Watched } from './console-service.ts'

// Visitors of the console in a real browser. CHROMIUM names another executable than Debian's.

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export interface Visit extends AsyncDisposable {
  readonly page: Page
  /** What a visitor should never cause: errors on the console, requests to other origins. */
  readonly wrong: string[]
}

export interface VisitOptions {
  readonly dark?: boolean
  readonly phone?: boolean
}

/** A new browser profile that opens a path. */
export async function visitConsole(
  browser: Browser,
  at: Watched,
  path: string,
  { dark = false, phone = false }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 900 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    hasTouch: phone,
  })
  const page = await context.newPage()
  const wrong: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(message.text())
  })
  page.on('pageerror', (error) => wrong.push(String(error)))
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== at.url && !/^(?:blob|data):$/.test(protocol)) wrong.push(`asked ${request.url()}`)
  })
  await page.goto(`${at.url}${path}`)
  await page.waitForSelector('h1')
  return { page, wrong, [Symbol.asyncDispose]: () => context.close() }
}

/** What axe objects to on a page as it is, on a screen and on a phone, and whether it scrolls sideways there. */
export async function objectionsTo(page: Page, name: string): Promise<unknown[]> {
  const found: unknown[] = []
  await page.evaluate(axe)
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 844 })
    // Observers of sizes come after the next frame.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))))
    const { violations } = await page.evaluate<AxeResults>('axe.run(document)')
    for (const { id, nodes } of violations)
      found.push([name, width, id, ...nodes.map(({ html }) => html.slice(0, 200))])
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    if (wide > width) found.push([name, width, `is ${wide} wide`])
  }
  return found
}
