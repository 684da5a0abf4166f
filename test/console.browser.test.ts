import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildConsole, modelOf, type Watched, watch } from './console-service.ts'
import { launchChromium, objectionsTo, type Visit, type VisitOptions, visitConsole } from './console-visit.ts'

// The console in a real browser, before a real service.

/** As long as names may be. */
const longName = 'a-model.whose_name-is-as-long-as-the-registry-lets-names-be-0123'
const hostileCard = `# hostile: a card with more than text

<script>window.hurt = 1</script><img src="https://elsewhere.example/x.png" onerror="window.hurt = 2">
[click](javascript:window.hurt=3) <a href="https://example.org/" onclick="window.hurt = 4">a link</a>

<style>body { display: none }</style><form action="/v2/tokens"><input name="x"></form>
`

let browser: Browser
let built: Awaited<ReturnType<typeof buildConsole>>
let service: Watched

beforeAll(async () => {
  built = await buildConsole()
  const digits = await modelOf('digits-linear')
  const models = [
    digits,
    {
      ...digits,
      extras: { ...digits.extras, 'card.md': new TextEncoder().encode('# digits-linear: the second card') },
    },
    await modelOf('heart'),
    await modelOf('sentiment'),
    await modelOf('maintenance'),
    await modelOf('xray'),
    await modelOf('heart', longName, hostileCard),
  ]
  service = await watch(models, { console: built.folder })
  browser = await launchChromium()
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await service?.[Symbol.asyncDispose]()
  await built?.[Symbol.asyncDispose]()
})

/** A new browser profile that opens a path. */
function visit(path: string, { at = service, ...options }: VisitOptions & { at?: Watched } = {}): Promise<Visit> {
  return visitConsole(browser, at, path, options)
}

/** Machines that run tests have other things to do. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 })

const seven = [
  [0.25, 0.2],
  [0.5, 0.2],
  [0.75, 0.22],
  [0.6, 0.55],
  [0.45, 0.88],
] as const

/** Most of its ink is at the top. */
const wideSeven = [
  [0.1, 0.1],
  [0.9, 0.1],
  [0.7, 0.5],
  [0.62, 0.97],
] as const

async function drawSeven(page: Page, points: readonly (readonly [number, number])[] = seven): Promise<void> {
  const box = (await page.getByRole('application').boundingBox())!
  for (const [i, [x, y]] of points.entries()) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 6 })
    if (i === 0) await page.mouse.down()
  }
  await page.mouse.up()
}

/** Of the picture that was encrypted: brightness at its edge, and rows that have some. */
function inkOf(page: Page): Promise<{ edge: number; height: number }> {
  return page.locator('.mine canvas').evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement
    const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
    let edge = 0
    const rows = new Set<number>()
    for (let i = 0; i < width * height; i++) {
      const [x, y, value] = [i % width, Math.floor(i / width), data[4 * i]!]
      if (x % (width - 1) === 0 || y % (height - 1) === 0) edge += value
      if (value > 64) rows.add(y)
    }
    return { edge, height: rows.size }
  })
}

const predict = (page: Page) => page.getByRole('button', { name: 'Predict privately' })

async function answerOf(page: Page): Promise<string> {
  await predict(page).click()
  return (await page.getByTestId('answer').innerText({ timeout: 30_000 })).trim()
}

describe('the list of models', () => {
  test('says what cards say, and leads to a model, whose heading gets the focus', async () => {
    await using visitor = await visit('/')
    const { page, wrong } = visitor
    const card = page.getByRole('article').filter({ hasText: 'digits-linear' })
    await soon(() => card.innerText()).toContain('The second card.')
    expect(await card.innerText()).toContain('92.6 %')
    await card.getByRole('link').click()
    await soon(() => page.title()).toBe('digits-linear · Glovebox')
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await page.goBack()
    await soon(() => page.getByRole('heading', { level: 1 }).innerText()).toContain('Models')
    expect(wrong).toEqual([])
  })

  test('of an empty service says how to push one', async () => {
    await using empty = await watch([], { console: built.folder })
    await using visitor = await visit('/', { at: empty })
    const { page, wrong } = visitor
    await soon(() => page.locator('main').innerText()).toContain(`--server ${empty.url}`)
    expect(wrong).toEqual([])
  })
})

describe('a private prediction', () => {
  test('of a seven that is drawn: the answer is 7, and what is shown of the bytes is what was sent', async () => {
    await using visitor = await visit('/models/digits-linear')
    const { page, wrong } = visitor
    const before = service.sent.length
    expect(await predict(page).isDisabled()).toBe(true)
    await drawSeven(page)
    expect(await answerOf(page)).toBe('7')
    await soon(() => page.getByRole('status').allInnerTexts()).toContain('The answer is 7')
    const queries = service.sent
      .slice(before)
      .filter(({ method, path }) => method === 'POST' && path.endsWith('/infer'))
    expect(queries).toHaveLength(1)
    const { body } = queries[0]!
    const bytes = page.getByTestId('upload-bytes')
    expect(Number(await bytes.getAttribute('data-bytes'))).toBe(body.length)
    await page.getByText('The bytes in hexadecimal').click()
    const dump = await page.locator('.hex pre').first().innerText()
    const shown = dump.split('\n').flatMap((line) => line.trim().split(/\s+/).slice(1))
    expect(shown.length).toBe(256)
    expect(body.toString('hex')).toContain(shown.join(''))
    await page.getByText('Its header, in the clear').click()
    const header = JSON.parse(await page.locator('.hex.json pre').innerText())
    expect(body.toString('latin1')).toContain(JSON.stringify(header))
    expect(wrong).toEqual([])
  })

  test('of a seven whose mass is at its top: all of it is in the picture, as large as the box of MNIST', async () => {
    await using visitor = await visit('/models/digits-linear')
    const { page } = visitor
    await drawSeven(page, wideSeven)
    await answerOf(page)
    expect(await inkOf(page)).toEqual({ edge: 0, height: 20 })
  })

  test('by keyboard alone: drawn with arrow keys', async () => {
    await using visitor = await visit('/models/digits-linear')
    const { page, wrong } = visitor
    const area = page.getByRole('application')
    await area.focus()
    const press = async (key: string, times: number): Promise<void> => {
      for (let i = 0; i < times; i++) await page.keyboard.press(key)
    }
    await press('ArrowLeft', 6)
    await press('ArrowUp', 9)
    await press('Space', 1)
    await press('ArrowRight', 12)
    for (let i = 0; i < 9; i++) {
      await press('ArrowDown', 2)
      await press('ArrowLeft', 1)
    }
    await press('Space', 1)
    expect(await area.getAttribute('aria-label')).toBe('Drawing area: 1 line')
    await predict(page).focus()
    await page.keyboard.press('Enter')
    await soon(() => page.getByTestId('answer').innerText()).toBe('7')
    expect(wrong).toEqual([])
  })

  test('of an example that is chosen by keyboard, by touch on a phone', async () => {
    await using visitor = await visit('/models/digits-linear', { phone: true })
    const { page, wrong } = visitor
    await page.getByRole('button', { name: /^a 3/ }).focus()
    await page.keyboard.press('Enter')
    expect(await answerOf(page)).toBe('3')
    await page.getByRole('button', { name: /^a 4/ }).tap()
    expect(await answerOf(page)).toBe('4')
    expect(wrong).toEqual([])
  })

  test('of a patient: fields are by columns, the answer moves with them, what is no number is said', async () => {
    await using visitor = await visit('/models/heart')
    const { page, wrong } = visitor
    const risk = async (): Promise<number> => Number.parseFloat(await answerOf(page))
    await page.getByRole('button', { name: 'Person 5' }).click()
    const first = await risk()
    expect(await page.getByTestId('answer').innerText()).toContain('chance: falls ill within ten years')
    expect(await page.locator('.bars .best').innerText()).toContain('falls ill')
    await page.getByText('The first run of a model is slower').waitFor()
    expect(await page.locator('main').innerText()).toContain('the same.')
    await page.getByLabel('cigarettes').fill('0')
    expect(await risk()).toBeLessThan(first)
    await page.getByLabel('cigarettes').fill('many')
    expect(await page.getByRole('alert').innerText()).toContain('Give a number')
    expect(await predict(page).isDisabled()).toBe(true)
    expect(wrong).toEqual([])
  })

  test('of a tweet that is typed, which is in nothing that was sent', async () => {
    await using visitor = await visit('/models/sentiment')
    const { page, wrong } = visitor
    const before = service.sent.length
    const text = 'I love this wonderful zanzibar, best day ever'
    await page.getByLabel('Your text').fill(text)
    expect(await answerOf(page)).toBe('positive')
    for (const { body, path } of service.sent.slice(before)) {
      expect(path).not.toContain('zanzibar')
      expect(body.toString('latin1')).not.toContain('zanzibar')
    }
    expect(wrong).toEqual([])
  })

  test('of a picture file, scaled here', async () => {
    await using visitor = await visit('/models/xray')
    const { page, wrong } = visitor
    const png = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(90, 60)
      const context = canvas.getContext('2d')!
      context.fillStyle = '#888'
      context.fillRect(20, 0, 50, 60)
      const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())
      return [...bytes]
    })
    await page
      .getByLabel('A picture of yours')
      .setInputFiles({ name: 'chest.png', mimeType: 'image/png', buffer: Buffer.from(png) })
    await page.getByRole('img', { name: 'The picture as it will be encrypted' }).waitFor()
    expect(Number.isFinite(Number.parseFloat(await answerOf(page)))).toBe(true)
    const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }
    await page.getByLabel('A picture of yours').setInputFiles(text)
    await soon(() => page.getByRole('alert').innerText()).toContain('no picture')
    expect(wrong).toEqual([])
  })

  test('can be cancelled, made again, and its keys forgotten, here and at the service', async () => {
    await using visitor = await visit('/models/maintenance')
    const { page, wrong } = visitor
    await page.getByRole('button', { name: 'Engine 3' }).click()
    let release = (): void => {}
    service.hold = new Promise((resolve) => {
      release = resolve
    })
    await predict(page).click()
    const reached = service.sent.length
    await soon(() => service.sent.slice(reached - 1).some(({ path }) => path.endsWith('/infer'))).toBe(true)
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByRole('alert').innerText()).toContain('Cancelled')
    service.hold = undefined
    release()
    expect(Number.parseFloat(await answerOf(page))).toBeCloseTo(79, -1)
    const kept = async (): Promise<number> => (await (await fetch(`${service.url}/v2/keys`)).json()).keys.length
    const before = await kept()
    await page.getByRole('button', { name: 'Forget it' }).click()
    await soon(() => page.locator('.keyring').innerText()).toContain('No key yet')
    expect(await kept()).toBe(before - 1)
    expect(wrong).toEqual([])
  })

  test('keeps its keys when the page is loaded again', async () => {
    await using visitor = await visit('/models/maintenance')
    const { page, wrong } = visitor
    await page.getByRole('button', { name: 'Engine 2' }).click()
    await answerOf(page)
    await page.reload()
    await soon(() => page.locator('.keyring').innerText()).toContain('You hold the key')
    const before = service.sent.length
    await page.getByRole('button', { name: 'Engine 2' }).click()
    await answerOf(page)
    expect(service.sent.slice(before).filter(({ method }) => method === 'PUT' || method === 'PATCH')).toEqual([])
    expect(wrong).toEqual([])
  })
})

test('a card is text: what else is in it is left out', async () => {
  await using visitor = await visit(`/models/${longName}/card`)
  const { page, wrong } = visitor
  await page.getByText('a link').waitFor()
  expect(
    await page.locator('.prose').locator('script, img, style, form, input, [onclick], [href^="javascript"]').count(),
  ).toBe(0)
  expect(await page.evaluate('window.hurt')).toBeUndefined()
  expect(wrong).toEqual([])
})

describe('administration', () => {
  test('an alias moves what is served, tags, stages and permissions are set, all with words of what happened', async () => {
    await using visitor = await visit('/admin/models/digits-linear')
    const { page, wrong } = visitor
    await page.getByLabel('Alias', { exact: true }).fill('production')
    await page.getByLabel('Version', { exact: true }).selectOption('1')
    await page.getByRole('button', { name: 'Set alias' }).click()
    await page.getByRole('rowheader', { name: '@production' }).waitFor()
    const { models } = await (await fetch(`${service.url}/v2/models`)).json()
    const aliases = (): unknown => models.find((model: { name: string }) => model.name === 'digits-linear').aliases
    expect(aliases()).toEqual({ production: '1' })
    await page.getByText('Description, tags and stage of version 2').click()
    await page.getByLabel('Stage of version 2').selectOption('Staging')
    await soon(() => page.getByLabel('Stage of version 2').inputValue()).toBe('Staging')
    await page.getByLabel('Tag', { exact: true }).first().fill('owner')
    await page.getByLabel('Value', { exact: true }).first().fill('radiology')
    await page.getByRole('button', { name: 'Set tag' }).first().click()
    await page.getByText('radiology').waitFor()
    await page.getByLabel('Tenant, or * for everybody').fill('hospital-2')
    await page.getByRole('button', { name: 'Grant' }).click()
    await page.getByRole('rowheader', { name: 'hospital-2' }).waitFor()
    // The list now has the card of version 1.
    await page.goto(`${service.url}/`)
    const card = page.getByRole('article').filter({ hasText: 'digits-linear' })
    await soon(() => card.innerText()).toContain('Softmax regression')
    await page.goto(`${service.url}/admin/models/digits-linear`)
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('button', { name: 'Remove it' }).click()
    await soon(() => page.getByRole('rowheader', { name: '@production' }).count()).toBe(0)
    await page.goto(`${service.url}/admin/audit`)
    await soon(() => page.locator('table').innerText()).toContain('digits-linear')
    expect(wrong).toEqual([])
  })

  test('deleting a model asks for its name first', async () => {
    const extra = await modelOf('heart', 'to-be-deleted')
    await using own = await watch([extra], { console: built.folder })
    await using visitor = await visit('/admin/models/to-be-deleted', { at: own })
    const { page, wrong } = visitor
    await page.getByRole('button', { name: 'Delete this model' }).click()
    const sure = page.getByRole('button', { name: 'Delete it for good' })
    expect(await sure.isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await soon(() => page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('button', { name: 'Delete this model' }).click()
    await page.getByLabel(/^Type/).fill('to-be-deleted')
    await sure.click()
    await soon(() => page.locator('main').innerText()).toContain('The registry is empty')
    expect(wrong).toEqual([])
  })

  test('a token is shown once, works, and works no more when it is revoked', async () => {
    const adminToken = `gbx_${'A'.repeat(43)}`
    await using guarded = await watch([], { console: built.folder, tokens: true, adminToken })
    await using visitor = await visit('/admin/tokens', { at: guarded })
    const { page, wrong } = visitor
    expect(await page.getByRole('alert').innerText()).toContain('A token is needed')
    await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('Token', { exact: true }).fill('gbx_wrong')
    const submit = page.getByRole('dialog').getByRole('button', { name: 'Sign in' })
    await submit.click()
    await soon(() => page.getByRole('dialog').innerText()).toContain('does not know this token')
    await page.getByLabel('Token', { exact: true }).fill(adminToken)
    await submit.click()
    await page.getByLabel('What it is for').fill('the ward')
    await page.getByLabel('Tenant').fill('hospital')
    await page.getByRole('button', { name: 'Make the token' }).click()
    const token = await page.getByTestId('token').innerText()
    expect(token).toMatch(/^gbx_/)
    const status = async (): Promise<number> =>
      (await fetch(`${guarded.url}/v2/whoami`, { headers: { authorization: `Bearer ${token}` } })).status
    expect(await status()).toBe(200)
    await page.getByRole('button', { name: 'I have it' }).click()
    expect(await page.content()).not.toContain(token)
    await page.getByRole('row').filter({ hasText: 'the ward' }).getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke it' }).click()
    await soon(status).toBe(401)
    // The token of whoever is signed in is in this tab alone.
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('gbx_')
    expect(await page.evaluate(() => JSON.stringify(sessionStorage))).toContain(adminToken)
    // Refusals are what the browser itself writes there.
    expect(wrong.filter((text) => !/status of 401/.test(text))).toEqual([])
  })
})

test('a token that may only predict sees who it is and no places that would refuse it', async () => {
  const adminToken = `not-gbx-${'A'.repeat(43)}`
  await using guarded = await watch([], { console: built.folder, tokens: true, adminToken })
  const made = await fetch(`${guarded.url}/v2/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tenant: 'ward-7', name: 'ward', scopes: ['predict'] }),
  })
  const { token } = (await made.json()) as { token: string }
  await using visitor = await visit('/live', { at: guarded })
  const { page } = visitor
  const use = async (value: string): Promise<void> => {
    await page.evaluate((text) => sessionStorage.setItem('glovebox-token', text), value)
    await page.reload()
  }
  const links = (): Promise<string[]> => page.getByRole('navigation').first().getByRole('link').allInnerTexts()
  await soon(() => page.getByRole('alert').innerText()).toMatch(/^A token is needed\s+This service wants a token/)
  await use(`${token.slice(0, -4)}zzzz`)
  await soon(() => page.getByRole('alert').innerText()).toMatch(/^This token is not known here\s/)
  await use(token)
  await soon(() => page.getByTestId('who').innerText()).toBe('ward-7 may predict')
  await soon(() => page.getByRole('alert').innerText()).toMatch(/^Your token does not allow this\s/)
  expect(await links()).toEqual(['Models'])
  await page.goto(`${guarded.url}/admin/models`)
  await soon(() =>
    page.getByRole('navigation', { name: 'Of administration' }).getByRole('link').allInnerTexts(),
  ).toEqual(['Models'])
  await use(adminToken)
  await soon(links).toEqual(['Models', 'Live', 'Registry'])
})

test('live metrics count what is asked for', async () => {
  await using visitor = await visit('/live')
  const { page, wrong } = visitor
  await soon(() => page.getByRole('heading', { name: 'Latency by stage' }).count()).toBe(1)
  await page.getByText('As a table: Requests per second').click()
  const table = page.getByRole('table', { name: 'Requests per second, newest first' })
  await soon(() => table.getByRole('row').count()).toBeGreaterThan(2)
  expect(await page.locator('.uplot canvas').count()).toBe(4)
  // What is known of the predictions before is there from the first look.
  await page.getByText('As a table: Latency by stage').click()
  const latency = page.getByRole('table', { name: 'Latency by stage, newest first' })
  await soon(() => latency.getByRole('row').last().innerText()).toMatch(/\d ms/)
  expect(wrong).toEqual([])
})

const pages: readonly (readonly [string, string, ((page: Page) => Promise<unknown>)?])[] = [
  ['the list', '/'],
  ['a digit', '/models/digits-linear', predictSeven],
  ['a patient', '/models/heart', answerOf],
  ['a tweet', '/models/sentiment'],
  ['numbers', '/models/maintenance', (page) => page.getByRole('button', { name: 'Engine 1' }).click()],
  ['a photo', '/models/xray', (page) => page.locator('.pick').first().click()],
  ['a long name', `/models/${longName}`],
  ['a card', '/models/heart/card', (page) => page.waitForSelector('.prose h2')],
  ['live', '/live', (page) => page.waitForSelector('.uplot')],
  ['the registry', '/admin/models'],
  [
    'a model of it',
    `/admin/models/${longName}`,
    (page) => page.getByText('Description, tags and stage').first().click(),
  ],
  ['tokens', '/admin/tokens'],
  ['the audit log', '/admin/audit'],
  ['nowhere', '/nowhere'],
]

async function predictSeven(page: Page): Promise<void> {
  await drawSeven(page)
  await answerOf(page)
}

describe.each(['light', 'dark'])('in %s', (theme) => {
  test('axe objects to nothing on any page, and none scrolls sideways on a phone', async () => {
    await using visitor = await visit('/', { dark: theme === 'dark' })
    const { page, wrong } = visitor
    const found: unknown[] = []
    for (const [name, path, prepare] of pages) {
      await page.setViewportSize({ width: 1280, height: 900 })
      await page.goto(`${service.url}${path}`)
      await page.waitForSelector('h1')
      await page.waitForFunction(() => !document.querySelector('.ghost'))
      await prepare?.(page)
      found.push(...(await objectionsTo(page, name)))
    }
    expect(found).toEqual([])
    expect(wrong).toEqual([])
  }, 180_000)
})

test('the toggle of colours goes round, and is kept', async () => {
  await using visitor = await visit('/')
  const { page, wrong } = visitor
  const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await paper()
  const toggle = page.getByRole('button', { name: /^Colours/ })
  await toggle.click()
  expect(await paper()).toBe(light)
  await toggle.click()
  const dark = await paper()
  expect(dark).not.toBe(light)
  await page.reload()
  await page.waitForSelector('h1')
  expect(await paper()).toBe(dark)
  await toggle.click()
  expect(await paper()).toBe(light)
  expect(wrong).toEqual([])
})
