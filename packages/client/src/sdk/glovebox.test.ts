import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FakeService, fakeService } from '../../test/fake-service.ts'
import { type Page, servePage } from '../../test/page.ts'
import { compileSmall } from '../../test/small.ts'
import * as browser from '../browser.ts'
import * as node from '../index.ts'
import { type Glovebox, glovebox, memoryStorage } from '../index.ts'
import type { GloveboxOptions } from './options.ts'

const tiny = compileSmall([4, 4, 2], { precisionBits: 6 })
const samples = tiny.samples(3)
let folder: string
let fake: FakeService
let served: Page
let opened: Glovebox[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glovebox-sdk-'))
  fake = fakeService(tiny)
  served = await servePage([], fake.fetch)
})
afterAll(async () => {
  await served.close()
  await rm(folder, { recursive: true })
})
afterEach(async () => {
  await Promise.all(opened.map((service) => service.close()))
  opened = []
})

function open(options: GloveboxOptions): Glovebox {
  const service = glovebox(served.url, options)
  opened.push(service)
  return service
}

const within = (outputs: readonly Float64Array[]): number => tiny.error(samples.slice(0, outputs.length), outputs)

describe.each([true, false])('with a thread of its own: %s', (worker) => {
  // A thread takes its time to start: one for all tests that leave it as it is.
  let shared: Glovebox
  beforeAll(() => {
    shared = glovebox(served.url, { worker, keys: memoryStorage() })
  })
  afterAll(() => shared.close())

  test('predicts one and many, and says what it is at', async () => {
    const model = await open({ worker, keys: memoryStorage() }).model('tiny')
    const stages = new Set<string>()
    const { outputs, label, scores, values, probabilities } = await model.predict(samples[0]!, {
      onProgress: ({ stage }) => stages.add(stage),
    })
    expect(within([outputs])).toBeLessThan(2.5)
    expect([...stages]).toEqual(expect.arrayContaining(['keys', 'upload', 'encrypt', 'infer', 'decrypt']))
    expect(label).toBe(String([...outputs].indexOf(Math.max(...outputs))))
    expect(scores).toEqual({ 0: outputs[0], 1: outputs[1] })
    expect(values).toEqual([...outputs])
    expect(probabilities).toBe(false)
    const all = await model.predictAll(samples)
    expect(within(all.map((prediction) => prediction.outputs))).toBeLessThan(2.5)
    expect(model.digest).toBe(Buffer.from(model.part.digest).toString('hex'))
  })

  test('keeps its keys in files, and finds them again', async () => {
    const directory = join(folder, `keys ${worker}`)
    const first = await open({ worker, directory }).model('tiny')
    const { trace } = await first.predict(samples[0]!)
    expect((await readdir(directory)).filter((name) => name.endsWith('.secret'))).toHaveLength(1)
    const second = await open({ worker, directory }).model('tiny')
    expect(await second.keys()).toMatchObject({ digest: trace.keysDigest })
    expect((await second.predict(samples[0]!)).trace).toMatchObject({ keygenMs: 0, keysDigest: trace.keysDigest })
    await second.forgetKeys()
    expect(await readdir(directory)).toEqual([])
  })

  test('asks through the fetch, and keeps by the storage, that it is given', async () => {
    const urls: string[] = []
    const keys = memoryStorage()
    const kept: string[] = []
    const service = open({
      worker,
      token: 'gbx_abc',
      keys: {
        ...keys,
        keep(id, ...rest) {
          kept.push(id)
          return keys.keep(id, ...rest)
        },
      },
      fetch: (url, init) => {
        urls.push(`${init.method} ${new URL(url).pathname} ${new Headers(init.headers).get('authorization')}`)
        return fetch(url, init)
      },
    })
    const { outputs } = await (await service.model('tiny')).predict(samples[0]!)
    expect(within([outputs])).toBeLessThan(2.5)
    expect(urls.at(0)).toBe('GET /v2/models/tiny/client Bearer gbx_abc')
    expect(urls.at(-1)).toBe('POST /v2/models/tiny/infer Bearer gbx_abc')
    expect(kept).toHaveLength(1)
  })

  test('is given up with the reason of the signal, at once', async () => {
    const model = await shared.model('tiny')
    const abort = new AbortController()
    const onProgress = (): void => abort.abort(new Error('enough'))
    await expect(model.predict(samples[0]!, { signal: abort.signal, onProgress })).rejects.toThrow('enough')
    expect(within([(await model.predict(samples[0]!)).outputs])).toBeLessThan(2.5)
    await expect(model.predict(samples[0]!, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
  })

  test('errors keep their kind and code', async () => {
    const service = open({ worker, keys: memoryStorage(), retryMs: 0 })
    const model = await service.model('tiny')
    await expect(model.predict([1, 2])).rejects.toThrow(RangeError)
    await expect(model.predict([1, 2, 3, 'x'] as never)).rejects.toThrow(TypeError)
    await expect(model.predictAll([])).rejects.toThrow('at least one sample')
    await expect(model.job('none').state()).rejects.toMatchObject({ name: 'GloveboxError', code: 'not-found' })
    await expect(model.predict(samples[0]!, { timeoutMs: 0 })).rejects.toMatchObject({ name: 'TimeoutError' })
    await service.close()
    await expect(model.predict(samples[0]!)).rejects.toMatchObject({ code: 'disposed' })
    await service.close()
  })

  test('jobs, cards and lists', async () => {
    expect(await shared.list()).toEqual([{ name: 'tiny' }])
    const model = await shared.model('tiny')
    expect(await model.card()).toBe('# Tiny')
    expect(await model.examples()).toBeUndefined()
    const job = await model.submit(samples)
    expect(await job.state()).toMatchObject({ id: job.id, status: 'queued' })
    expect(within((await job.result()).map(({ outputs }) => outputs))).toBeLessThan(2.5)
    await job.cancel()
    expect(fake.jobs.has(job.id)).toBe(false)
  })
})

test('a program that forgets to close ends all the same', async () => {
  const script = join(folder, 'program.ts')
  const entry = new URL('../index.ts', import.meta.url).href
  await writeFile(
    script,
    `import { glovebox } from '${entry}'
     const model = await glovebox('${served.url}', { directory: ${JSON.stringify(join(folder, 'child'))} }).model('tiny')
     const { outputs } = await model.predict(${JSON.stringify([...samples[0]!])})
     console.log(JSON.stringify([...outputs]))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@glovebox/source', script], {
    timeout: 30_000,
  })
  expect(within([Float64Array.from(JSON.parse(stdout))])).toBeLessThan(2.5)
})

test.each<[GloveboxOptions, string]>([
  [{ keyDays: 0 }, '"keyDays" expected a number above 0, got 0'],
  [{ retryMs: -1 }, '"retryMs" expected a number from 0, got -1'],
  [{ worker: () => undefined as never }, '"worker" expected true or false in Node'],
])('options that make no sense are refused: %o', (options, message) => {
  expect(() => glovebox('http://there', options)).toThrow(message)
})

test('only http addresses are taken', () => {
  for (const url of ['ftp://x', 'there', ''])
    expect(() => glovebox(url)).toThrow('"url" expected an http or https address')
})

test('browsers see the same names as Node, but for files', () => {
  const onlyNode = ['dataDirectory', 'fileStorage']
  expect(Object.keys(browser).sort()).toEqual(
    Object.keys(node)
      .filter((name) => !onlyNode.includes(name))
      .sort(),
  )
  expect(() => browser.glovebox('http://there', { worker: false })).toThrow('in a browser keys live in one')
})
