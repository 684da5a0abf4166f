import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build } from 'vite'
import { median } from '../rows.ts'
import { startService } from './process.ts'
import type { Prepared } from './query.ts'

export interface FirstPrediction {
  readonly model: string
  /** Median over tabs, from the begin of loading the page to the decrypted answer. */
  readonly seconds: number
  readonly detail: Readonly<Record<string, unknown>>
}

type Run = typeof import('./tab.entry.ts').predict

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const tabs = 7

/** New browser contexts, which have no keys and no cache, one after the other; undefined, with a message, where there is no Chromium. */
export async function firstPredictions(options: {
  readonly folder: string
  readonly models: readonly Prepared[]
  readonly threads: number
}): Promise<FirstPrediction[] | undefined> {
  if (!existsSync(executablePath)) {
    console.error(`skipped: no Chromium at ${executablePath}; set CHROMIUM to measure the first prediction in a tab`)
    return undefined
  }
  const page = join(options.folder, 'page')
  await buildPage(page)
  const folders = options.models.map(({ folder }) => folder)
  await using server = await startService([...folders, '--threads', String(options.threads)], {
    GLOVEBOX_CONSOLE: page,
  })
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  try {
    const results: FirstPrediction[] = []
    for (const { name, input } of options.models) {
      const times: number[] = []
      const traces: Record<string, number>[] = []
      for (let i = -1; i < tabs; i++) {
        const context = await browser.newContext()
        const tab = await context.newPage()
        await tab.goto(server.url)
        // Its module has run before the page counts as loaded.
        const { ms, trace } = await tab.evaluate(
          ([model, values]) => (globalThis as unknown as { run: Run }).run(model, values),
          [name, [...input]] as const,
        )
        await context.close()
        // The first one warms the server.
        if (i >= 0) times.push(ms) && traces.push(trace as Record<string, number>)
      }
      const parts = Object.keys(traces[0]!).filter((key) => typeof traces[0]![key] === 'number')
      results.push({
        model: name,
        seconds: median(times) / 1000,
        detail: {
          tabs,
          slowestMs: Math.max(...times),
          ...Object.fromEntries(parts.map((key) => [key, median(traces.map((trace) => trace[key]!))])),
        },
      })
    }
    return results
  } finally {
    await browser.close()
  }
}

/** A page with the client in it and nothing else. */
async function buildPage(folder: string): Promise<void> {
  const source = join(folder, '../page-source')
  await mkdir(source, { recursive: true })
  const entry = fileURLToPath(new URL('./tab.entry.ts', import.meta.url))
  await writeFile(
    join(source, 'index.html'),
    `<!doctype html><title>glovebox</title><script type="module" src="./main.ts"></script>`,
  )
  await writeFile(
    join(source, 'main.ts'),
    `import { predict } from ${JSON.stringify(entry)}\nglobalThis.run = predict\n`,
  )
  await build({
    root: source,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@glovebox/source', 'browser', 'module'] },
    worker: { format: 'es' },
    build: { outDir: folder, emptyOutDir: true, target: 'es2023' },
  })
}
