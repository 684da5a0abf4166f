import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { fakeClock } from '../../test/clock.ts'
import { type FakeRequest, type Fault, fakeService } from '../../test/fake-service.ts'
import { compileTiny } from '../../test/tiny.ts'
import { openService } from './service.ts'
import { uploadKeys } from './upload-keys.ts'

const part = 2 ** 16
let tiny: ReturnType<typeof compileTiny>
beforeAll(() => {
  tiny = compileTiny()
})

function setUp(size: number, fault?: (request: FakeRequest) => Fault, parts = true) {
  const bytes = new Uint8Array(randomBytes(size))
  const digest = createHash('sha256').update(bytes).digest('hex')
  const fake = fakeService({ ...tiny, parts, ...(fault && { fault }) })
  const clock = fakeClock()
  const progress: number[] = []
  let asked = 0
  const upload = (signal?: AbortSignal): Promise<number> =>
    uploadKeys(
      openService('http://there', fake.fetch),
      digest,
      async () => {
        asked++
        return bytes
      },
      { clock, signal, retryMs: 10_000, partBytes: part, onProgress: (done) => void progress.push(done) },
    )
  const stored = (): boolean => Buffer.from(fake.keys.get(digest) ?? []).equals(bytes)
  return { fake, clock, progress, upload, stored, digest, bytes, asked: () => asked }
}

const patches = (fake: { readonly calls: readonly string[] }): number =>
  fake.calls.filter((call) => call.startsWith('PATCH')).length

test('what is there is not sent, and not even asked for', async () => {
  const { fake, upload, digest, bytes, asked } = setUp(100)
  fake.keys.set(digest, bytes)
  expect(await upload()).toBe(0)
  expect(fake.calls).toEqual(['HEAD /v2/keys/…'])
  expect(asked()).toBe(0)
})

test('a small set goes in one request', async () => {
  const { fake, upload, stored } = setUp(1000)
  expect(await upload()).toBe(1000)
  expect(fake.calls).toEqual(['HEAD /v2/keys/…', 'PUT /v2/keys/…'])
  expect(stored()).toBe(true)
})

test('a large one goes whole where the server takes no parts', async () => {
  const { fake, upload, stored } = setUp(2 * part + 5, undefined, false)
  expect(await upload()).toBe(2 * part + 5)
  expect(fake.calls).toEqual(['HEAD /v2/keys/…', 'PUT /v2/keys/…'])
  expect(stored()).toBe(true)
})

describe('in parts', () => {
  test('with progress', async () => {
    const { fake, upload, stored, progress } = setUp(2 * part + 5)
    expect(await upload()).toBe(2 * part + 5)
    expect(patches(fake)).toBe(3)
    expect(progress).toEqual([0, part, 2 * part, 2 * part + 5])
    expect(stored()).toBe(true)
  })

  test('goes on where an earlier upload ended', async () => {
    const { fake, upload, stored, digest, bytes } = setUp(2 * part + 5)
    fake.staged.set(digest, bytes.slice(0, part + 7))
    expect(await upload()).toBe(part - 2)
    expect(stored()).toBe(true)
  })

  test.each<Fault>(['reset', 'lose the answer'])('survives a server that is away now and then: %s', async (kind) => {
    let count = 0
    const { fake, upload, stored, clock } = setUp(3 * part + 1, ({ method }) =>
      method === 'PATCH' && ++count % 2 === 1 ? kind : undefined,
    )
    await upload()
    expect(stored()).toBe(true)
    expect(clock.pauses.length).toBeGreaterThanOrEqual(2)
    // After each failure the server is asked how far it is, so no part that arrived goes twice.
    const heads = fake.calls.filter((call) => call.startsWith('HEAD')).length
    expect(heads).toBe(1 + clock.pauses.length)
    expect(patches(fake)).toBe(kind === 'reset' ? 8 : 4)
  })

  test('a server that has lost what it had gets it again', async () => {
    let count = 0
    const held = setUp(3 * part, ({ method }) => {
      if (method === 'PATCH' && ++count === 3) held.fake.staged.clear()
      return undefined
    })
    await held.upload()
    expect(held.stored()).toBe(true)
    expect(patches(held.fake)).toBe(6)
  })

  test('gives up on a server that never gets further, and on one that says nonsense', async () => {
    const stuck = setUp(2 * part, ({ method }) =>
      method === 'PATCH' ? new Response(null, { status: 409, headers: { 'upload-offset': '0' } }) : undefined,
    )
    await expect(stuck.upload()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no more'),
    })
    // It says another place each time, and now and then a later one.
    let turn = 0
    const swaying = setUp(2 * part, ({ method }) => {
      if (method !== 'PATCH') return undefined
      if (turn > 100) throw new Error('never ends')
      return new Response(null, { status: 409, headers: { 'upload-offset': turn++ % 2 === 0 ? '100' : '50' } })
    })
    await expect(swaying.upload()).rejects.toMatchObject({ code: 'unavailable' })
    expect(turn).toBeLessThan(20)
    const wild = setUp(2 * part, ({ method }) =>
      method === 'PATCH'
        ? new Response(null, { status: 204, headers: { 'upload-offset': '999999999999' } })
        : undefined,
    )
    await expect(wild.upload()).rejects.toMatchObject({ code: 'malformed' })
  })

  test('gives up when the server stays away, with its time counted from the last progress', async () => {
    let count = 0
    const { upload, clock } = setUp(3 * part, ({ method }) => (method === 'PATCH' && ++count > 1 ? 'reset' : undefined))
    const started = clock.now()
    await expect(upload()).rejects.toMatchObject({ code: 'unavailable' })
    expect(clock.now() - started).toBeLessThanOrEqual(10_000)
    expect(clock.pauses.length).toBeGreaterThan(4)
  })

  test('a refusal is final', async () => {
    const { upload, fake } = setUp(2 * part, ({ method }) =>
      method === 'PATCH' ? Response.json({ error: 'too many keys' }, { status: 422, headers: {} }) : undefined,
    )
    await expect(upload()).rejects.toMatchObject({
      code: 'missing-key',
      message: expect.stringContaining('too many keys'),
    })
    expect(patches(fake)).toBe(1)
  })

  test('is in smaller parts where the server takes no larger ones, and ends where it takes none', async () => {
    const most = 2 ** 20
    const bytes = new Uint8Array(randomBytes(5 * 2 ** 20))
    const digest = createHash('sha256').update(bytes).digest('hex')
    for (const limit of [most, 0]) {
      const fake = fakeService({
        ...tiny,
        fault: ({ method, body }) =>
          method === 'PATCH' && body.length > limit
            ? Response.json({ error: 'too large' }, { status: 413 })
            : undefined,
      })
      const service = openService('http://there', fake.fetch)
      const sent = uploadKeys(service, digest, async () => bytes, { clock: fakeClock(), retryMs: 1000 })
      if (limit > 0) expect(await sent).toBe(bytes.length)
      else await expect(sent).rejects.toMatchObject({ code: 'too-large' })
      expect(patches(fake)).toBe(limit > 0 ? 3 + 5 : 6)
    }
  })

  test('can be given up between parts', async () => {
    const abort = new AbortController()
    let count = 0
    const { upload, fake } = setUp(3 * part, ({ method }) => {
      if (method === 'PATCH' && ++count === 2) abort.abort(new Error('enough'))
      return undefined
    })
    await expect(upload(abort.signal)).rejects.toThrow('enough')
    expect(patches(fake)).toBe(2)
  })
})
