// How long the first private prediction in a new tab takes: worker, client part, keys, upload, query, answer, in Chromium against the service on this machine.
//   node --conditions=@glovebox/source packages/client/test/first-prediction.ts [tabs: 5]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bundle, compile, importOnnx } from '@glovebox/ml'
import { pino } from 'pino'
import { chromium } from 'playwright-core'
import { readDigits } from '../../cli/src/demo/mnist.ts'
import { loadModel, serve } from '../../server/src/index.ts'
import { bundleClient } from './page.ts'

const tabs = Number(process.argv[2] ?? 5)
const names = ['digits-linear', 'digits']
const [train, digits] = [await readDigits('train', 64), await readDigits('test', 1)]
const samples = Float64Array.from(train.images.flatMap((image) => [...image].map((pixel) => pixel / 255)))
const models = names.map((name) => {
  const onnx = readFileSync(join(import.meta.dirname, `../../../models/${name}/model.onnx`))
  const { client, server } = bundle(compile(importOnnx(onnx), { name, samples }))
  return loadModel({ name, clientPart: new Uint8Array(client), serverPart: server })
})

const folder = mkdtempSync(join(tmpdir(), 'glovebox-page-'))
const files = await bundleClient()
for (const { name, code } of files) {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), code)
}
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><title>page</title><script type="module" src="/${files[0]!.name}"></script>`,
)
const service = await serve(models, pino({ level: 'silent' }), { port: 0, console: folder })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  for (const name of names) {
    const rows: Record<string, number>[] = []
    for (let i = 0; i < tabs; i++) {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(service.url)
      await page.waitForFunction('typeof glovebox === "function"')
      rows.push(
        await page.evaluate<Record<string, number>>(`(async () => {
          const pixels = Uint8Array.from(${JSON.stringify([...digits.images[0]!])})
          const started = performance.now()
          const model = await glovebox(location.origin).model('${name}')
          const openMs = performance.now() - started
          const { trace } = await model.predict(pixels)
          const firstMs = performance.now() - started
          const again = performance.now()
          await model.predict(pixels)
          return { firstMs, openMs, ...trace, secondMs: performance.now() - again }
        })()`),
      )
      await context.close()
    }
    const median = (key: string): number => rows.map((row) => row[key] ?? 0).sort((a, b) => a - b)[rows.length >> 1]!
    const shown = [
      'firstMs',
      'openMs',
      'keygenMs',
      'uploadMs',
      'encryptMs',
      'roundTripMs',
      'waitMs',
      'warmMs',
      'computeMs',
      'decryptMs',
      'secondMs',
    ]
    console.log(`${name}, medians of ${tabs}: ${shown.map((key) => `${key} ${median(key).toFixed(0)}`).join(', ')}`)
    console.log(`  first, each: ${rows.map(({ firstMs }) => firstMs!.toFixed(0)).join(' ')}`)
  }
} finally {
  await browser.close()
  await service.close()
  rmSync(folder, { recursive: true })
}
