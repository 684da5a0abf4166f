import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadModel, type ServeOptions, type Service, serve } from '../../../server/src/index.ts'
import { compileSmall, type Small } from '../../test/small.ts'
import { systemClock } from '../http/retry.ts'
import { openService } from '../http/service.ts'
import { uploadKeys } from '../http/upload-keys.ts'
import { createKeys, type Glovebox, glovebox, memoryStorage, openModel } from '../index.ts'

// The client against the service itself, over HTTP.

/** Its keys go up in one request; those of `wide`, of 5 MB, in parts. */
const small = compileSmall([4, 4, 2], { precisionBits: 6 })
const wide = compileSmall([256, 64, 8], { precisionBits: 8 })
const linear = compileSmall([8, 4])
const models = Object.entries({ small, wide, linear })
const log = pino({ level: 'silent' })
let data: string
let server: Service
let client: Glovebox

async function start(port: number): Promise<Service> {
  const loaded = models.map(([name, bundle]) =>
    loadModel({
      name,
      clientPart: bundle.client,
      serverPart: bundle.server,
      extras: { 'card.md': new TextEncoder().encode(`# ${name}`) },
    }),
  )
  return await serve(loaded, log, { port, data } satisfies ServeOptions)
}

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'glovebox-service-'))
  server = await start(0)
  client = glovebox(server.url, { worker: false, keys: memoryStorage() })
})
afterAll(async () => {
  await client?.close()
  await server?.close()
  await rm(data, { recursive: true, force: true })
})

/** The stated bound is four deviations, and hundreds of outputs are looked at. */
const tolerance = 2.5

function right(
  model: Small,
  samples: readonly Float64Array[],
  said: readonly { readonly outputs: Float64Array }[],
): void {
  expect(
    model.error(
      samples,
      said.map(({ outputs }) => outputs),
    ),
  ).toBeLessThan(tolerance)
}

test('lists what there is, with cards', async () => {
  expect((await client.list()).map(({ name }) => name).sort()).toEqual(['linear', 'small', 'wide'])
  const model = await client.model('small')
  expect(model.version).toBe('1')
  expect(await model.card()).toBe('# small')
  expect(await model.examples()).toBeUndefined()
  await expect(client.model('none')).rejects.toMatchObject({ code: 'not-found' })
})

describe.each(models)('%s', (name, bundle) => {
  test('predicts, and says what the server said of times', async () => {
    const model = await client.model(name)
    const samples = bundle.samples(20)
    const said = await model.predictAll(samples)
    right(bundle, samples, said)
    const { trace } = said[0]!
    expect(trace.computeMs).toBeGreaterThan(0)
    expect(trace.waitMs).toBeGreaterThanOrEqual(0)
    expect(trace.requestId).toMatch(/^[\w-]{8,}$/)
    // Of parts too.
    if (name === 'wide') expect(trace.keyBytes).toBeGreaterThan(2 ** 22)
  })

  test('computes jobs', async () => {
    const model = await client.model(name)
    const samples = bundle.samples(3)
    const job = await model.submit(samples)
    right(bundle, samples, await job.result())
    await job.cancel()
    await expect(job.state()).rejects.toMatchObject({ code: 'not-found' })
  })
})

test('keys that were deleted at the server go up again by themselves', async () => {
  const model = await client.model('wide')
  await model.prepare()
  const { digest } = (await model.keys())!
  await fetch(`${server.url}/v2/keys/${digest}`, { method: 'DELETE' })
  const samples = wide.samples(1)
  const prediction = await model.predict(samples[0]!)
  right(wide, samples, [prediction])
  expect(prediction.trace).toMatchObject({ keysDigest: digest, keygenMs: 0 })
  expect(prediction.trace.keyBytes).toBeGreaterThan(2 ** 22)
})

test('an upload that is broken off goes on where it ended', async () => {
  const model = openModel(wide.client)
  using keys = createKeys(model)
  const abort = new AbortController()
  const service = openService(server.url, fetch)
  const options = { clock: systemClock, retryMs: 1000, partBytes: 2 ** 20 }
  const bytes = async (): Promise<Uint8Array<ArrayBuffer>> => keys.evaluation
  const onProgress = (done: number): void => {
    if (done >= 2 ** 21) abort.abort(new Error('enough'))
  }
  const first = uploadKeys(service, keys.digest, bytes, { ...options, signal: abort.signal, onProgress })
  await expect(first).rejects.toThrow('enough')
  const sent = await uploadKeys(service, keys.digest, bytes, options)
  expect(sent).toBeLessThanOrEqual(keys.evaluation.length - 2 ** 21)
  expect(await uploadKeys(service, keys.digest, bytes, options)).toBe(0)
})

test('a server that restarts in between is waited for', async () => {
  const model = await client.model('small')
  const [sample] = small.samples(1)
  await model.predict(sample!)
  const { port } = new URL(server.url)
  await server.close()
  const asked = model.predict(sample!)
  server = await start(Number(port))
  const prediction = await asked
  right(small, [sample!], [prediction])
  // The server kept the keys.
  expect(prediction.trace).toMatchObject({ keyBytes: 0 })
  expect(prediction.trace.attempts).toBeGreaterThan(1)
})

test('keys that are forgotten are gone from the server', async () => {
  const model = await client.model('small')
  await model.prepare()
  const { digest } = (await model.keys())!
  expect((await fetch(`${server.url}/v2/keys/${digest}`, { method: 'HEAD' })).status).toBe(200)
  await model.forgetKeys()
  expect((await fetch(`${server.url}/v2/keys/${digest}`, { method: 'HEAD' })).status).toBe(404)
})
