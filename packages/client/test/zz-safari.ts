import { chromium } from 'playwright-core'
import { fakeService } from './fake-service.ts'
import { bundleClient, servePage } from './page.ts'
import { compileSmall } from './small.ts'
const tiny = compileSmall([4, 4, 2], { precisionBits: 6 })
const files = (await bundleClient()).map((f) => ({ ...f, code: process.env.PLAIN ? f.code : f.code.replace(/Symbol\.dispose\b/g, 'Symbol.absent').replace(/Symbol\.asyncDispose\b/g, 'Symbol.absentToo') }))
console.log(files.map((f) => `${f.name} ${f.gzipped}`).join(', '))
const served = await servePage(files, fakeService(tiny).fetch)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--js-flags=--no-js-explicit-resource-management', '--no-experimental-fetch'] })
try {
  const page = await browser.newPage()
  page.on('pageerror', (e) => console.log('pageerror', String(e)))
  page.on('console', (m) => console.log('console', m.text()))
  await page.goto(served.url)
  console.log(await page.evaluate('navigator.userAgent + " " + typeof Symbol.dispose'))
  await page.waitForFunction('typeof glovebox === "function"', undefined, { timeout: 10_000 })
  console.log(await page.evaluate(`(async () => { try { const m = await glovebox(location.origin).model('tiny'); const p = await m.predict(${JSON.stringify([...(tiny.samples(1)[0] as ArrayLike<number> as number[])])}); return [...p.outputs].join() } catch (e) { return String(e) } })()`))
} finally { await browser.close(); await served.close() }
