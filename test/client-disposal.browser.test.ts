import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { fakeService } from '../packages/client/test/fake-service.ts'
import { bundleClient, servePage } from '../packages/client/test/page.ts'
import { compileSmall } from '../packages/client/test/small.ts'

/** Before anything else, in the page and in its worker: the symbols are not there. */
const without = `{
  const native = Symbol
  globalThis.Symbol = Object.assign((text) => native(text), {})
  for (const name of Object.getOwnPropertyNames(native))
    if (!/^(dispose|asyncDispose|length|name|prototype)$/.test(name)) globalThis.Symbol[name] = native[name]
}
`

test('a browser without Symbol.dispose, as Safari, predicts all the same', async () => {
  const tiny = compileSmall([4, 4, 2], { precisionBits: 6 })
  const samples = tiny.samples(1)
  const files = (await bundleClient()).map((file) => ({ ...file, code: without + file.code }))
  const served = await servePage(files, fakeService(tiny).fetch)
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  try {
    const page = await browser.newPage()
    await page.goto(served.url)
    await page.waitForFunction('typeof glovebox === "function"')
    const outputs = await page.evaluate(`
      glovebox(location.origin).model('tiny').then(async (model) => {
        const { outputs } = await model.predict(${JSON.stringify([...(samples[0] as ArrayLike<number> as number[])])})
        return [...outputs]
      })
    `)
    expect(tiny.error(samples, [Float64Array.from(outputs as number[])])).toBeLessThan(1)
  } finally {
    await browser.close()
    await served.close()
  }
}, 60_000)
