import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeFrame } from '@glovebox/he'
import { bundle, compile, importOnnx, packInput } from '@glovebox/ml'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDigits } from '../packages/cli/src/demo/mnist.ts'
import { findLeaks } from '../packages/cli/test/leaks.ts'
import { decodeSecretKey, openModel } from '../packages/client/src/index.ts'
import { type FakeService, fakeService } from '../packages/client/test/fake-service.ts'
import { bundleClient, type Page as Served, servePage } from '../packages/client/test/page.ts'

// The client in a real browser, as a page has it: bundled by vite, its keys in a module worker and in IndexedDB, under a strict policy.

const side = 28
let browser: Browser
let context: BrowserContext
let page: Page
let served: Served
let service: FakeService
let client: Uint8Array<ArrayBuffer>
let images: readonly Uint8Array[]
let labels: Uint8Array
const errors: string[] = []

beforeAll(async () => {
  const bytes = readFileSync(join(import.meta.dirname, '../models/digits/model.onnx'))
  const [train, digits] = [await readDigits('train', 64), await readDigits('test', 4)]
  ;({ images, labels } = digits)
  const samples = Float64Array.from(train.images.flatMap((image) => [...image].map((pixel) => pixel / 255)))
  const parts = bundle(compile(importOnnx(bytes), { name: 'digits', samples }))
  client = new Uint8Array(parts.client)
  service = fakeService({ client, server: new Uint8Array(parts.server) })
  served = await servePage(await bundleClient(), service.fetch)
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
  context = await browser.newContext()
  page = await openTab()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await served?.close()
})

async function openTab(): Promise<Page> {
  const tab = await context.newPage()
  tab.on('pageerror', (error) => errors.push(String(error)))
  await load(tab)
  return tab
}

/** Opens the page and watches how long its main thread is held up. */
async function load(tab: Page): Promise<void> {
  await tab.goto(served.url)
  await tab.waitForFunction('typeof glovebox === "function"')
  await tab.evaluate(`
    globalThis.longest = 0
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
    }).observe({ type: 'longtask' })
    globalThis.service = glovebox(location.origin)
    globalThis.opening = service.model('digits')
  `)
}

interface Said {
  readonly label: string
  readonly outputs: number[]
  readonly trace: { readonly keygenMs: number; readonly keyBytes: number; readonly keysDigest: string }
  readonly stages: string[]
}

/** A prediction in a tab, of pixels or of what an expression makes of them. */
function predict(tab: Page, pixels: Uint8Array, sample = 'Uint8Array.from(pixels)'): Promise<Said> {
  return tab.evaluate<Said>(`(async () => {
    const pixels = ${JSON.stringify([...pixels])}
    const stages = new Set()
    const model = await opening
    const { label, outputs, trace } = await model.predict(${sample}, { onProgress: ({ stage }) => stages.add(stage) })
    const { keygenMs, keyBytes, keysDigest } = trace
    return { label, outputs: [...outputs], trace: { keygenMs, keyBytes, keysDigest }, stages: [...stages] }
  })()`)
}

test('a first private prediction: keys are made in the worker, and the page is never held up', async () => {
  const { label, trace, stages } = await predict(page, images[0]!)
  expect(label).toBe(String(labels[0]))
  expect(trace.keygenMs).toBeGreaterThan(0)
  expect(trace.keyBytes).toBeGreaterThan(10_000_000)
  expect(stages).toEqual(expect.arrayContaining(['keys', 'upload', 'encrypt', 'infer', 'decrypt']))
  // In parts, as the keys are large.
  expect(service.calls.filter((call) => call.startsWith('PATCH')).length).toBeGreaterThanOrEqual(2)
  expect(errors).toEqual([])
  expect(await page.evaluate<number>('longest')).toBeLessThan(100)
})

test('a page that is held up would be seen', async () => {
  const longest = await page.evaluate<number>(`(async () => {
    const before = longest
    await new Promise((resolve) => setTimeout(resolve))
    for (const end = performance.now() + 150; performance.now() < end; );
    await new Promise((resolve) => setTimeout(resolve, 200))
    const seen = longest
    longest = before
    return seen
  })()`)
  expect(longest).toBeGreaterThanOrEqual(140)
})

test('a canvas is taken as it is', async () => {
  const { label } = await predict(
    page,
    images[1]!,
    `(() => {
      const context = new OffscreenCanvas(${side}, ${side}).getContext('2d')
      const image = context.createImageData(${side}, ${side})
      pixels.forEach((pixel, i) => image.data.set([pixel, pixel, pixel, 255], 4 * i))
      context.putImageData(image, 0, 0)
      return context.getImageData(0, 0, ${side}, ${side})
    })()`,
  )
  expect(label).toBe(String(labels[1]))
})

test('keys outlive a reload, and another tab has the same', async () => {
  const [before] = service.keys.keys()
  await load(page)
  const again = await predict(page, images[2]!)
  expect(again.label).toBe(String(labels[2]))
  expect(again.trace).toEqual({ keygenMs: 0, keyBytes: 0, keysDigest: before })
  const tab = await openTab()
  expect((await predict(tab, images[3]!)).trace.keysDigest).toBe(before)
  await tab.close()
  expect(service.keys.size).toBe(1)
})

test('keys that the server has lost come from the database', async () => {
  const [before] = service.keys.keys()
  service.keys.clear()
  const { trace } = await predict(page, images[0]!)
  expect(trace).toMatchObject({ keygenMs: 0, keysDigest: before })
  expect(trace.keyBytes).toBeGreaterThan(10_000_000)
})

describe('the secret key', () => {
  interface Stored {
    /** All bytes in the database, base64. */
    readonly values: string[]
    readonly extractable: boolean
    readonly exported: string
    /** The secret key, as the page can have it opened. */
    readonly secret: string
  }
  let stored: Stored
  const forms = new Map<string, Buffer>()

  beforeAll(async () => {
    // The page may open the seal; what lies in the database may not do it alone.
    stored = await page.evaluate<Stored>(`(async () => {
      const open = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      const base64 = (bytes) => bytes.toBase64 ? bytes.toBase64() : btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''))
      const values = []
      const collect = (value) => {
        if (value instanceof CryptoKey) return
        if (value instanceof ArrayBuffer) values.push(base64(new Uint8Array(value)))
        else if (ArrayBuffer.isView(value)) values.push(base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)))
        else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
        else values.push(btoa(String(value)))
      }
      let wrapping, set, id
      for (const { name } of await indexedDB.databases()) {
        const database = await open(indexedDB.open(name))
        for (const store of database.objectStoreNames) {
          const content = database.transaction(store).objectStore(store)
          const all = await open(content.getAll())
          const keys = await open(database.transaction(store).objectStore(store).getAllKeys())
          all.forEach(collect)
          keys.forEach(collect)
          if (store === 'wrapping') wrapping = all[0]
          if (store === 'sets') [set, id] = [all[0], keys[0]]
        }
        database.close()
      }
      const additionalData = new TextEncoder().encode(id + ' ' + set.digest)
      const secret = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: set.iv, additionalData }, wrapping, set.sealed)
      const exported = await crypto.subtle.exportKey('raw', wrapping).then(() => 'exported', (error) => error.name)
      return { values, extractable: wrapping.extractable, exported, secret: base64(new Uint8Array(secret)) }
    })()`)
    const frame = Buffer.from(stored.secret, 'base64')
    const secret = decodeSecretKey(openModel(client), frame)
    const packed = Buffer.from(decodeFrame(frame, 'secret key of a program').body.bytes.slice(32))
    const ternary = Int8Array.from(
      { length: 4 * packed.length },
      (_, i) => [0, 1, -1][(packed[i >> 2]! >> (2 * (i & 3))) & 3]!,
    )
    forms.set('packed', packed)
    forms.set('signed bytes', Buffer.from(ternary.buffer))
    forms.set('f64', Buffer.from(Float64Array.from(ternary).buffer))
    forms.set('f32', Buffer.from(Float32Array.from(ternary).buffer))
    forms.set('hexadecimal', Buffer.from(packed.toString('hex')))
    forms.set('base64', Buffer.from(packed.toString('base64')))
    const { ring, slab } = secret
    forms.set('transformed', Buffer.from(ring.heap.f64(slab.ptr, ring.moduli.length * ring.n).slice().buffer))
  }, 60_000)

  test('lies sealed in the database, under a key that cannot be exported', () => {
    expect(stored).toMatchObject({ extractable: false, exported: 'InvalidAccessError' })
    const all = Buffer.concat(stored.values.map((value) => Buffer.from(value, 'base64')))
    // The evaluation keys are among what was looked at.
    expect(all.length).toBeGreaterThan(10_000_000)
    expect(findLeaks(all, forms).found).toEqual([])
    expect(findLeaks(Buffer.concat([all.subarray(0, 1000), forms.get('packed')!]), forms).found).toContain('packed')
  })

  test('is not in what the page sends, and neither is a digit', () => {
    const sent = Buffer.concat(served.sent)
    expect(sent.length).toBeGreaterThan(10_000_000)
    const { part } = openModel(client)
    const pictures = new Map<string, Buffer>()
    images.forEach((image, i) => {
      const scaled = Float64Array.from(image, (pixel) => pixel / 255)
      pictures.set(`pixels of ${i}`, Buffer.from(image))
      pictures.set(`f64 of ${i}`, Buffer.from(scaled.buffer))
      pictures.set(`f32 of ${i}`, Buffer.from(Float32Array.from(scaled).buffer))
      pictures.set(`slots of ${i}`, Buffer.from(packInput(part, [scaled])[0]!.buffer))
      pictures.set(`JSON of ${i}`, Buffer.from([...image].join(',')))
    })
    for (const [needles, some] of [
      [forms, 'packed'],
      [pictures, 'f64 of 0'],
    ] as const) {
      expect(findLeaks(sent, needles).found).toEqual([])
      const planted = Buffer.concat([sent.subarray(0, 1001), needles.get(some)!, sent.subarray(1001, 5000)])
      expect(findLeaks(planted, needles).found).toContain(some)
    }
  })

  test('is gone when the keys are forgotten', async () => {
    const left = await page.evaluate<number>(`(async () => {
      const model = await opening
      await model.forgetKeys()
      const database = await new Promise((resolve) => {
        const request = indexedDB.open('glovebox')
        request.onsuccess = () => resolve(request.result)
      })
      return await new Promise((resolve) => {
        const request = database.transaction('sets').objectStore('sets').count()
        request.onsuccess = () => resolve(request.result)
      })
    })()`)
    expect(left).toBe(0)
    expect(service.keys.size).toBe(0)
  })
})

test('a prediction can be given up, and errors keep their codes on the way to the page', async () => {
  const outcome = await page.evaluate<string[]>(`(async () => {
    const model = await opening
    const codes = []
    const abort = new AbortController()
    setTimeout(() => abort.abort(new Error('changed my mind')), 30)
    await model.predict(new Uint8Array(784), { signal: abort.signal }).catch((error) => codes.push(error.message))
    await model.predict(new Uint8Array(7)).catch((error) => codes.push(error.name))
    await model.predict(new Uint8Array(784), { timeoutMs: 1 }).catch((error) => codes.push(error.name))
    await model.job('none').state().catch((error) => codes.push(error.code))
    await service.close()
    await model.predict(new Uint8Array(784)).catch((error) => codes.push(error.code))
    return codes
  })()`)
  expect(outcome).toEqual(['changed my mind', 'RangeError', 'TimeoutError', 'not-found', 'disposed'])
  expect(errors).toEqual([])
})
