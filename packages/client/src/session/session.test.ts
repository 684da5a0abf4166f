import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../test/clock.ts'
import { type FakeRequest, type FakeService, type Fault, fakeService, framed } from '../../test/fake-service.ts'
import { compileSmall } from '../../test/small.ts'
import { memoryStorage } from '../storage/memory.ts'
import type { KeyStorage } from '../storage/storage.ts'
import type { Prediction } from './prediction.ts'
import type { Progress } from './progress.ts'
import { openSession, type Session } from './session.ts'

/** With keys of every kind, at the smallest ring that is secure: they are made in milliseconds. */
const tiny = compileSmall([4, 4, 2], { precisionBits: 6 })
const linear = compileSmall([8, 4])
const [sample] = tiny.samples(1)
const day = 86_400_000

interface Setting {
  readonly fake: FakeService
  readonly clock: ReturnType<typeof fakeClock>
  readonly storage: KeyStorage
}

function setting(fault?: (request: FakeRequest) => Fault | Promise<Fault>, version?: string): Setting {
  const fake = fakeService({ ...tiny, ...(fault && { fault }), ...(version && { version }) })
  return { fake, clock: fakeClock(), storage: memoryStorage() }
}

const config = { url: 'http://there', maxKeyAgeMs: 30 * day, retryMs: 10_000, threads: 1 } as const

/** As a page that is opened. */
async function start({ fake, clock, storage }: Setting, url: string = config.url) {
  const session: Session = openSession({ ...config, url }, { fetch: fake.fetch, storage, clock })
  const opened = await session.open({ name: 'tiny', version: undefined }, {})
  const predict = (samples = [sample!], context = {}): Promise<Prediction[]> =>
    session.predict({ model: opened.model, samples, pixels: undefined }, context)
  return { session, opened, predict }
}

function right(predictions: readonly Prediction[], samples = [sample!]): void {
  expect(
    tiny.error(
      samples,
      predictions.map(({ outputs }) => outputs),
    ),
  ).toBeLessThan(2.5)
}

const [head, put, infer] = ['HEAD /v2/keys/…', 'PUT /v2/keys/…', 'POST /v2/models/tiny/infer']
const behind = (fake: FakeService, from: number): string[] => fake.calls.slice(from)
const digests = (fake: FakeService): Set<string> =>
  new Set(fake.requests.map(({ headers }) => headers.get('glovebox-keys')).filter((digest) => digest !== null))

test('keys are made and sent once; every prediction says where its time went', async () => {
  const all = setting()
  const { predict } = await start(all)
  const stages: Progress[] = []
  const [first] = await predict([sample!], { onProgress: (progress: Progress) => void stages.push(progress) })
  right([first!])
  expect(first!.trace).toMatchObject({ samples: 1, computeMs: 1.5, waitMs: 0.5, attempts: 1, requestId: 'request-1' })
  expect(first!.trace.keygenMs).toBeGreaterThan(0)
  expect(first!.trace.keyBytes).toBe([...all.fake.keys.values()][0]!.length)
  expect(first!.trace.query.length).toBe(4096)
  expect(first!.trace.uploadBytes).toBe(all.fake.requests.at(-1)!.body.length)
  expect(first!.trace.keysDigest).toBe([...all.fake.keys.keys()][0])
  expect([...new Set(stages.map(({ stage }) => stage))]).toEqual(['infer', 'keys', 'encrypt', 'upload', 'decrypt'])
  expect(stages.every(({ done, total }) => done >= 0 && done <= total)).toBe(true)
  const [second] = await predict()
  right([second!])
  expect(second!.trace).toMatchObject({ keygenMs: 0, keyBytes: 0, uploadMs: 0 })
  expect(all.fake.calls).toEqual(['GET /v2/models/tiny/client', head, put, infer, infer])
})

test('a header names the keys, for proxies that route by them, as the body does', async () => {
  const all = setting()
  await (await start(all)).predict()
  const { headers, body } = all.fake.requests.at(-1)!
  const digest = headers.get('glovebox-keys')!
  expect(digest).toMatch(/^[0-9a-f]{64}$/)
  expect(Buffer.from(body).includes(`"parameters":{"keys":"${digest}"}`)).toBe(true)
})

test('keys are found again on the next start, one set for each service and program', async () => {
  const all = setting()
  await (await start(all)).predict()
  const again = await start(all)
  const before = all.fake.calls.length
  const [{ trace }] = (await again.predict()) as [Prediction]
  expect(trace.keygenMs).toBe(0)
  expect(behind(all.fake, before)).toEqual([head, infer])
  expect(digests(all.fake).size).toBe(1)
  const elsewhere = await start(all, 'http://elsewhere')
  right(await elsewhere.predict())
  expect(digests(all.fake).size).toBe(2)
})

describe('keys that are old', () => {
  test('are replaced at the next prediction, and the old ones are forgotten', async () => {
    const all = setting()
    const { predict } = await start(all)
    await predict()
    all.clock.time += 31 * day
    right(await predict())
    expect(digests(all.fake).size).toBe(2)
    right(await (await start(all)).predict())
    expect(digests(all.fake).size).toBe(2)
  })

  test('are replaced on the next start', async () => {
    const all = setting()
    await (await start(all)).predict()
    all.clock.time += 31 * day
    right(await (await start(all)).predict())
    expect(digests(all.fake).size).toBe(2)
  })
})

test('keys from a time that has not come, as the clock was ahead, are replaced', async () => {
  const all = setting()
  all.clock.time += 365 * day
  await (await start(all)).predict()
  all.clock.time -= 365 * day
  const again = await start(all)
  right(await again.predict())
  expect(digests(all.fake).size).toBe(2)
})

describe('keys that the server has lost', () => {
  test('are sent again by themselves, the same ones', async () => {
    const all = setting()
    const { predict } = await start(all)
    await predict()
    all.fake.keys.clear()
    const before = all.fake.calls.length
    right(await predict())
    expect(behind(all.fake, before)).toEqual([infer, head, put, infer])
    expect(digests(all.fake).size).toBe(1)
  })

  test('and that were not kept here either, are made anew', async () => {
    const all = setting()
    const storage: KeyStorage = { ...all.storage, evaluation: async () => undefined }
    const { predict } = await start({ ...all, storage })
    await predict()
    all.fake.keys.clear()
    right(await predict())
    expect(digests(all.fake).size).toBe(2)
    expect(all.fake.keys.size).toBe(1)
  })

  test('while many predict at once, are sent once', async () => {
    const all = setting()
    const { predict } = await start(all)
    for (const results of await Promise.all([predict(), predict(), predict()])) right(results)
    expect(all.fake.calls.filter((call) => call === put)).toHaveLength(1)
    all.fake.keys.clear()
    for (const results of await Promise.all([predict(), predict(), predict()])) right(results)
    expect(all.fake.keys.size).toBe(1)
  })

  test('each time, are an error in the end', async () => {
    const all = setting(({ method, path }) => {
      if (method === 'POST' && path.endsWith('infer')) all.fake.keys.clear()
      return undefined
    })
    await expect((await start(all)).predict()).rejects.toMatchObject({ code: 'not-found' })
    expect(all.fake.calls.filter((call) => call === infer)).toHaveLength(4)
  })

  test('are told from a model that is gone', async () => {
    const all = setting(({ path }) =>
      path.endsWith('infer')
        ? Response.json({ error: 'there is no model tiny', code: 'not-found' }, { status: 404 })
        : undefined,
    )
    await expect((await start(all)).predict()).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('there is no model tiny'),
    })
    expect(all.fake.calls.filter((call) => call === infer)).toHaveLength(1)
  })
})

describe('two tabs', () => {
  test('that start at once agree on one set of keys', async () => {
    const all = setting()
    const tabs = await Promise.all([start(all), start(all)])
    for (const results of await Promise.all(tabs.map(({ predict }) => predict()))) right(results)
    expect(all.fake.keys.size).toBe(1)
    expect(digests(all.fake).size).toBe(1)
  })

  test('of which one replaces the keys and deletes the old ones, both go on', async () => {
    const all = setting()
    const [a, b] = [await start(all), await start(all)]
    await a.predict()
    await b.predict()
    await a.session.forgetKeys({ model: a.opened.model }, {})
    expect(all.fake.keys.size).toBe(0)
    right(await a.predict())
    right(await b.predict())
    expect(digests(all.fake).size).toBe(2)
    expect(all.fake.keys.size).toBe(1)
  })
})

describe('a server that restarts', () => {
  test.each<Fault>(['reset', 'lose the answer'])(
    'is waited for (%s), and the same query is sent again',
    async (kind) => {
      let count = 0
      const all = setting(({ path }) => (path.endsWith('infer') && ++count <= 3 ? kind : undefined))
      const [prediction] = (await (await start(all)).predict()) as [Prediction]
      right([prediction])
      expect(prediction.trace.attempts).toBe(4)
      const bodies = all.fake.requests.filter(({ path }) => path.endsWith('infer')).map(({ body }) => Buffer.from(body))
      expect(bodies.every((body) => body.equals(bodies[0]!))).toBe(true)
    },
  )

  test('and comes back without keys gets them again', async () => {
    let count = 0
    const all = setting(({ path }) => {
      if (!path.endsWith('infer') || ++count !== 1) return undefined
      all.fake.keys.clear()
      return 'reset'
    })
    right(await (await start(all)).predict())
  })

  test('and stays away is an error that says so', async () => {
    const all = setting(({ path }) => (path.endsWith('infer') ? 'reset' : undefined))
    await expect((await start(all)).predict()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/http:\/\/there .*ECONNRESET/),
    })
    expect(all.clock.pauses.length).toBeGreaterThan(3)
  })
})

test.each([
  [400, undefined, 'malformed'],
  [401, undefined, 'unauthorised'],
  [403, undefined, 'unauthorised'],
  [409, 'exists', 'exists'],
  [413, undefined, 'too-large'],
  [418, undefined, 'malformed'],
  [422, undefined, 'missing-key'],
  [422, '__proto__', 'missing-key'],
])('status %i with code %s is %s, with the words of the server, and final', async (status, named, code) => {
  const all = setting(({ path }) =>
    path.endsWith('infer') ? Response.json({ error: 'the reason', code: named }, { status }) : undefined,
  )
  await expect((await start(all)).predict()).rejects.toMatchObject({
    code,
    message: expect.stringContaining('the reason'),
  })
  expect(all.fake.calls.filter((call) => call === infer)).toHaveLength(1)
})

test('a busy server is waited for as long as it asks', async () => {
  let count = 0
  const all = setting(({ path }) =>
    path.endsWith('infer') && ++count === 1
      ? Response.json({ error: 'busy' }, { status: 429, headers: { 'retry-after': '3' } })
      : undefined,
  )
  right(await (await start(all)).predict())
  expect(all.clock.pauses[0]).toBeGreaterThanOrEqual(3000)
})

test('many samples go in several requests and come back in order; one that is wrong stops all before anything is sent', async () => {
  const all = setting()
  const { predict } = await start(all)
  const many = tiny.samples(40)
  const done: number[] = []
  const predictions = await predict(many, {
    onProgress: ({ stage, done: count }: Progress) => void (stage === 'infer' && done.push(count)),
  })
  right(predictions, many)
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(done.at(-1)).toBe(40)
  expect(predictions[39]!.trace.samples).toBe(8)
  const before = all.fake.calls.length
  await expect(predict([...many, Float64Array.of(1)])).rejects.toThrow('"sample 40" expected 4 numbers')
  await expect(predict([])).rejects.toThrow('at least one')
  expect(all.fake.calls.length).toBe(before)
})

test('the first request that fails ends the others', async () => {
  let count = 0
  const all = setting(({ path }) =>
    path.endsWith('infer') && ++count === 2 ? Response.json({ error: 'no' }, { status: 400 }) : undefined,
  )
  await expect((await start(all)).predict(tiny.samples(160))).rejects.toMatchObject({ code: 'malformed' })
  const asked = all.fake.calls.length
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(all.fake.calls.length).toBe(asked)
  expect(count).toBeLessThanOrEqual(4)
})

describe('is given up', () => {
  test.each(['HEAD', 'PUT', 'POST'])(
    'at %s, with the reason of the signal, and works the next time',
    async (method) => {
      const abort = new AbortController()
      const all = setting((request) => {
        if (request.method === method) abort.abort(new Error('changed my mind'))
        return undefined
      })
      const { predict } = await start(all)
      await expect(predict([sample!], { signal: abort.signal })).rejects.toThrow('changed my mind')
      right(await predict())
      expect(digests(all.fake).size).toBe(1)
    },
  )

  test('before it began', async () => {
    const all = setting()
    const { predict } = await start(all)
    await expect(predict([sample!], { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
    expect(all.fake.calls).toHaveLength(1)
  })

  test('by one of two, the other goes on', async () => {
    const abort = new AbortController()
    const all = setting(async ({ method }) => {
      if (method !== 'PUT') return undefined
      abort.abort(new Error('not I'))
      await new Promise((resolve) => setTimeout(resolve, 20))
      return undefined
    })
    const { predict } = await start(all)
    const [a, b] = await Promise.allSettled([predict([sample!], { signal: abort.signal }), predict()])
    expect(a).toMatchObject({ status: 'rejected', reason: expect.objectContaining({ message: 'not I' }) })
    expect(b.status).toBe('fulfilled')
    expect(all.fake.calls.filter((call) => call === put)).toHaveLength(1)
  })
})

test('a model without evaluation keys is asked without a name, under a key of the session that is kept nowhere', async () => {
  const fake = fakeService(linear)
  let kept = 0
  const storage = { ...memoryStorage(), keep: () => Promise.reject(new Error(`kept ${++kept}`)) }
  const session = openSession(config, { fetch: fake.fetch, storage, clock: fakeClock() })
  const { model } = await session.open({ name: 'small', version: undefined }, {})
  const samples = linear.samples(2)
  const predictions = await session.predict({ model, samples, pixels: undefined }, {})
  expect(
    linear.error(
      samples,
      predictions.map(({ outputs }) => outputs),
    ),
  ).toBeLessThan(2.5)
  expect(fake.calls).toEqual(['GET /v2/models/small/client', 'POST /v2/models/small/infer'])
  expect(fake.requests[1]!.headers.get('glovebox-keys')).toBeNull()
  expect(predictions[0]!.trace).toMatchObject({ keysDigest: undefined, keyBytes: 0, uploadMs: 0 })
  expect(kept).toBe(0)
  expect(await session.keys({ model }, {})).toMatchObject({ digest: undefined })
})

test('a version that the server tells stays the version that is asked', async () => {
  const all = setting(undefined, '7')
  const { predict, opened } = await start(all)
  expect(opened.version).toBe('7')
  await predict()
  expect(all.fake.calls.at(-1)).toBe('POST /v2/models/tiny/versions/7/infer')
})

test('an answer to another request is not decrypted', async () => {
  const all = setting(({ path }) => (path.endsWith('infer') ? framed('another', new Uint8Array(100)) : undefined))
  await expect((await start(all)).predict()).rejects.toThrow('belongs to another request')
})

describe('jobs', () => {
  const submit = async (all: Setting) => {
    const { session, opened } = await start(all)
    const handle = { model: opened.model }
    const { id, status } = await session.submit({ ...handle, samples: [sample!], pixels: undefined }, {})
    return { session, handle, id, status }
  }

  test('are submitted, waited for, and decrypted', async () => {
    const all = setting()
    const { session, handle, id, status } = await submit(all)
    expect(status).toBe('queued')
    right(await session.jobResult({ ...handle, id }, {}))
    expect(all.fake.calls.slice(-4)).toEqual([
      'GET /v2/jobs/job-1',
      'GET /v2/jobs/job-1',
      'GET /v2/jobs/job-1',
      'GET /v2/jobs/job-1/result',
    ])
  })

  test('are submitted once, although the answer was lost', async () => {
    let count = 0
    const all = setting(({ path }) => (path.endsWith('/jobs') && ++count === 1 ? 'lose the answer' : undefined))
    const { session, handle, id } = await submit(all)
    expect(all.fake.jobs.size).toBe(1)
    right(await session.jobResult({ ...handle, id }, {}))
  })

  test('of an earlier start are taken up with the keys that were kept', async () => {
    const all = setting()
    const { id } = await submit(all)
    const { session, opened } = await start(all)
    right(await session.jobResult({ model: opened.model, id }, {}))
  })

  test('are known by a plain id, and an answer names the job or the query', async () => {
    const all = setting(({ path, method }) =>
      path.endsWith('/jobs') && method === 'POST' ? Response.json({ id: '../../keys', status: 'queued' }) : undefined,
    )
    await expect(submit(all)).rejects.toMatchObject({ code: 'malformed' })
    const nameless = setting(({ path }) =>
      path.endsWith('/result') ? framed(undefined as never, new Uint8Array(100)) : undefined,
    )
    const { id } = await submit(nameless)
    const { session, opened } = await start(nameless)
    await expect(session.jobResult({ model: opened.model, id }, {})).rejects.toThrow('belongs to another request')
  })

  test('that fail say why; those that are cancelled are gone', async () => {
    const all = setting(({ path }) =>
      path === '/v2/jobs/job-1' && all.fake.calls.length < 99
        ? Response.json({ id: 'job-1', status: 'failed', error: { code: 'too-large', message: 'out of memory' } })
        : undefined,
    )
    const { session, handle, id } = await submit(all)
    await expect(session.jobResult({ ...handle, id }, {})).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('failed: out of memory'),
    })
    const other = setting()
    const job = await submit(other)
    await job.session.cancelJob({ ...job.handle, id: job.id }, {})
    expect(other.fake.jobs.size).toBe(0)
    await job.session.cancelJob({ ...job.handle, id: job.id }, {})
    await expect(job.session.jobResult({ ...job.handle, id: job.id }, {})).rejects.toMatchObject({ code: 'not-found' })
  })
})

test('keys can be looked at and forgotten, here and at the server', async () => {
  const all = setting()
  const { session, opened, predict } = await start(all)
  const handle = { model: opened.model }
  expect(await session.keys(handle, {})).toBeUndefined()
  await session.prepare(handle, {})
  const [digest] = all.fake.keys.keys()
  expect(await session.keys(handle, {})).toEqual({ digest, created: all.clock.now() })
  await session.forgetKeys(handle, {})
  expect(all.fake.keys.size).toBe(0)
  expect(await session.keys(handle, {})).toBeUndefined()
  right(await predict())
  expect(digests(all.fake).has(digest!)).toBe(false)
})

test('a token goes with every request, and is no part of an error', async () => {
  const token = 'gbx_c2VjcmV0LXRva2Vu'
  const all = setting(({ path }) =>
    path.endsWith('infer') ? Response.json({ error: 'no' }, { status: 403 }) : undefined,
  )
  const session = openSession({ ...config, token }, { fetch: all.fake.fetch, storage: all.storage, clock: all.clock })
  const { model } = await session.open({ name: 'tiny', version: undefined }, {})
  const error = await session.predict({ model, samples: [sample!], pixels: undefined }, {}).catch((e: Error) => e)
  expect(all.fake.requests.every(({ headers }) => headers.get('authorization') === `Bearer ${token}`)).toBe(true)
  expect(`${(error as Error).message}${(error as Error).stack}`).not.toContain('gbx_')
  for (const wrong of ['two words', 'line\nbreak', ''])
    expect(() => openSession({ ...config, token: wrong }, { fetch: all.fake.fetch, storage: all.storage })).toThrow(
      '"token" expected',
    )
})

test('a session that was closed says so', async () => {
  const { session, predict } = await start(setting())
  await session.close()
  await expect(predict()).rejects.toMatchObject({ code: 'disposed' })
})
