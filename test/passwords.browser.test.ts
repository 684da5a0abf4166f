import { planSet } from '@glovebox/psi'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEpoch, type Folder, temporaryFolder } from '../packages/psi/test/small-set.ts'
import { buildConsole, type Watched, watch } from './console-service.ts'
import { launchChromium, objectionsTo, type Visit, type VisitOptions, visitConsole } from './console-visit.ts'

// The page that asks whether a password is known, in a real browser, before a real service.

const breached = ['letmein', '123456', 'trustno1', 'naïve-Façade', ' with spaces ']
const strong = 'zanzibar-4711-kettle-Ω'

let browser: Browser
let built: Awaited<ReturnType<typeof buildConsole>>
let folder: Folder
let service: Watched

beforeAll(async () => {
  built = await buildConsole()
  folder = temporaryFolder()
  const others = Array.from({ length: 295 }, (_, i) => `of-others-${i}`)
  const { params } = planSet({ senderItems: 20_000, receiverItems: 1, reuseKeys: true })
  await buildEpoch(`${folder.path}/passwords`, {
    items: [...breached, ...others],
    params: params.literal,
    hardening: { algorithm: 'scrypt', N: 16, r: 8, p: 1, salt: '00'.repeat(16) },
    mode: 'voprf',
  })
  const label = (text: string): Uint8Array => Uint8Array.from({ length: 12 }, (_, i) => text.charCodeAt(i) || 0)
  await buildEpoch(`${folder.path}/domains`, {
    kind: 'domains',
    items: ['evil.example', 'worse.example'],
    labels: [label('phishing'), label('malware')],
    params: planSet({ senderItems: 300, receiverItems: 1, labelBytes: 12 }).params.literal,
  })
  const sets = { domains: `${folder.path}/domains`, passwords: `${folder.path}/passwords` }
  service = await watch([], { console: built.folder, sets })
  browser = await launchChromium()
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
  await built?.[Symbol.asyncDispose]()
  folder?.[Symbol.dispose]()
})

const visit = (path = '/passwords', options: VisitOptions = {}): Promise<Visit> =>
  visitConsole(browser, service, path, options)
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 })
const button = (page: Page) => page.getByRole('button', { name: 'Check privately' })

async function check(page: Page, password: string): Promise<string> {
  await page.getByLabel('Password', { exact: true }).fill(password)
  // An answer is gone as soon as it is about something else.
  expect(await page.getByTestId('answer').count()).toBe(0)
  await button(page).click()
  return page.getByTestId('answer').innerText({ timeout: 30_000 })
}

/** Bodies that were sent since, but for keys. */
const bodiesSince = (before: number) =>
  service.sent.slice(before).filter(({ method, path }) => method === 'POST' && path.startsWith('/v2/sets/'))

test('a breached and a strong password: both answers, and what is shown of the bytes is what left', async () => {
  await using visitor = await visit()
  const { page, wrong } = visitor
  await soon(() => page.locator('.chips').innerText()).toMatch(/about\s300\spasswords/)
  const start = service.sent.length
  const sizes: number[][] = []
  for (const [password, answer] of [
    ['letmein', 'This password has leaked'],
    [strong, 'Not among the leaked ones'],
  ] as const) {
    const before = service.sent.length
    expect(await check(page, password)).toBe(answer)
    await soon(() => page.getByRole('status').allInnerTexts()).toContain(answer)
    const bodies = bodiesSince(before)
    expect(bodies.map(({ path }) => path.split('/').at(-1)!.split('?')[0])).toEqual(['oprf', 'query'])
    const [blinded, query] = bodies.map(({ body }) => body.toString('hex')) as [string, string]
    sizes.push(bodies.map(({ body }) => body.length))
    const bytes = page.getByTestId('upload-bytes')
    expect(Number(await bytes.getAttribute('data-bytes'))).toBe((blinded.length + query.length) / 2)
    expect(await hexOf(page, 'blinded')).toBe(blinded)
    await page.getByText('The bytes in hexadecimal').click()
    expect(query).toContain(await hexOf(page, 'query'))
    await page.getByText('The bytes in hexadecimal').click()
  }
  // The same, whatever is asked.
  expect(sizes[0]).toEqual(sizes[1])
  expect(await page.getByRole('table', { name: /^Checks of this visit/ }).innerText()).toMatch(
    /2\. •+\s+not in it\s+[\d,]+ B[\s\S]*1\. •+\s+in the list/,
  )
  for (const { body, path } of service.sent.slice(start))
    for (const secret of ['letmein', 'zanzibar', Buffer.from(strong).toString('base64')]) {
      expect(path).not.toContain(secret)
      expect(body.toString('latin1')).not.toContain(secret)
    }
  // Keys went up once.
  expect(service.sent.slice(start).filter(({ method }) => method === 'PUT')).toHaveLength(1)
  expect(wrong).toEqual([])
})

async function hexOf(page: Page, id: string): Promise<string> {
  const dump = await page.getByTestId(id).innerText()
  return dump
    .split('\n')
    .flatMap((line) => line.trim().split(/\s+/).slice(1))
    .join('')
}

test('passwords are taken as they are: spaces, other letters, and either way to write them', async () => {
  await using visitor = await visit()
  const { page } = visitor
  for (const [password, found] of [
    [' with spaces ', true],
    ['with spaces', false],
    ['naïve-Façade', true],
    ['naïve-Façade'.normalize('NFD'), true],
    ['LETMEIN', false],
  ] as const)
    expect(await check(page, password)).toMatch(found ? /has leaked/ : /Not among/)
})

test('by keyboard alone, and hidden until it is asked for', async () => {
  await using visitor = await visit()
  const { page, wrong } = visitor
  const field = page.getByLabel('Password', { exact: true })
  await field.focus()
  expect(await button(page).isDisabled()).toBe(true)
  await page.keyboard.type('123456')
  expect(await field.getAttribute('type')).toBe('password')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(await field.getAttribute('type')).toBe('text')
  await page.keyboard.press('Space')
  expect(await field.getAttribute('type')).toBe('password')
  await field.focus()
  await page.keyboard.press('Enter')
  expect(await page.getByTestId('answer').innerText({ timeout: 30_000 })).toBe('This password has leaked')
  expect(wrong).toEqual([])
})

test('a new, random one is in no list; what was typed is in no storage and on no other page', async () => {
  await using visitor = await visit('/passwords', { phone: true })
  const { page, wrong } = visitor
  await page.getByRole('button', { name: 'a new, random one' }).tap()
  const typed = await page.getByLabel('Password', { exact: true }).inputValue()
  expect(typed).toMatch(/^[\w-]{20}$/)
  await button(page).tap()
  expect(await page.getByTestId('answer').innerText({ timeout: 30_000 })).toMatch(/Not among/)
  const stored = await page.evaluate(async () => {
    const databases = await indexedDB.databases()
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, databases, document.cookie])
  })
  expect(stored).not.toContain(typed)
  expect(stored).toContain('[],""')
  await page.getByRole('link', { name: 'Models', exact: true }).tap()
  await page.getByText('This service has lists, and no models').waitFor()
  await page.goBack()
  await soon(() => page.getByLabel('Password', { exact: true }).inputValue()).toBe('')
  expect(wrong).toEqual([])
})

test('it can be cancelled and asked again; a refusal is said', async () => {
  await using visitor = await visit()
  const { page } = visitor
  let release = (): void => {}
  service.hold = new Promise((resolve) => {
    release = resolve
  })
  try {
    await page.getByLabel('Password', { exact: true }).fill('letmein')
    const before = service.sent.length
    await button(page).click()
    await soon(() => service.sent.slice(before).some(({ path }) => path.includes('/query'))).toBe(true)
    await page.getByText('The server compares with all of its list, blindly').first().waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByRole('alert').innerText()).toContain('Cancelled')
  } finally {
    service.hold = undefined
    release()
  }
  expect(await check(page, 'letmein')).toMatch(/has leaked/)
  await page.route(/\/v2\/sets\/passwords\/oprf/, (route) =>
    route.fulfill({ status: 403, json: { error: 'not for you' } }),
  )
  await page.getByLabel('Password', { exact: true }).fill('123456')
  await button(page).click()
  await soon(() => page.getByRole('alert').innerText()).toMatch(/not for you\. Sign in with a token/)
}, 90_000)

test('other lists too: a domain with its label', async () => {
  await using visitor = await visit('/passwords/domains')
  const { page, wrong } = visitor
  await page.getByLabel('Domain').fill('Evil.Example.')
  await button(page).click()
  expect(await page.getByTestId('answer').innerText({ timeout: 30_000 })).toBe('It is in the list')
  expect(await page.locator('.verdict-label').innerText()).toBe('phishing')
  await page.getByLabel('List').selectOption('passwords')
  await page.getByLabel('Password', { exact: true }).waitFor()
  expect(wrong).toEqual([])
})

describe.each(['light', 'dark'])('in %s', (theme) => {
  test('axe objects to nothing, and nothing scrolls sideways on a phone', async () => {
    await using visitor = await visit('/passwords', { dark: theme === 'dark' })
    const { page, wrong } = visitor
    const found = await objectionsTo(page, 'before')
    await page.setViewportSize({ width: 1280, height: 900 })
    for (const password of ['letmein', strong]) {
      await check(page, password)
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true
      })
      found.push(...(await objectionsTo(page, password)))
    }
    expect(found).toEqual([])
    expect(wrong).toEqual([])
  }, 90_000)
})
