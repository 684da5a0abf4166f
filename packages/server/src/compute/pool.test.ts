import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GloveboxError } from '@glovebox/he'
import { pino } from 'pino'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Bytes, Job } from './compute.ts'
import { openPool, type Pool, type PoolOptions } from './pool.ts'

// The pool with threads that obey: the first byte of a query says what to do, the second is a time in units of 10 ms.
const [echo, crash, hang, refuse, wait, grow, stuck, batch] = [0, 1, 2, 3, 4, 5, 6, 7]
const folder = mkdtempSync(join(tmpdir(), 'glovebox-pool-'))
const script = join(folder, 'thread.mjs')
writeFileSync(
  script,
  `import { parentPort, threadId } from 'node:worker_threads'
   const models = new Set(), keys = new Set()
   let memory = 1000
   const after = (changed, openMs = 0, keysMs = 0) => ({ memory, openMs, keysMs, state: changed ? { models: [...models], keys: [...keys] } : undefined })
   const spin = (ms, until = () => false) => { const end = Date.now() + ms; while (Date.now() < end && !until()); }
   const answer = (m) => {
     if (m.kind === 'forget') { for (const id of keys) if (id.endsWith('/' + m.keys)) keys.delete(id); return { kind: 'forgotten', ...after(true) } }
     let changed = false, opened = 0, read = 0
     if (!models.has(m.model.serverPart)) {
       if (!m.model.bytes) return { kind: 'cold', ...after(true) }
       if (m.model.bytes[0] === 66) return { kind: 'refused', code: 'unavailable', message: 'bad model', ...after(false) }
       models.add(m.model.serverPart); changed = true; opened = 5
     }
     const id = m.keys && m.model.serverPart + '/' + m.keys.id
     if (id && !keys.has(id)) { if (!m.keys.bytes) return { kind: 'cold', ...after(true) }; keys.add(id); changed = true; read = id.endsWith('dear') ? 1e6 : 300 }
     if (m.kind === 'prepare') return { kind: 'prepared', ...after(changed, opened, read) }
     const [what, time] = m.query
     const state = after(changed, opened, read)
     if (what === ${crash}) { process.nextTick(() => { throw new Error('crashed') }); return }
     if (what === ${hang}) spin(time * 10)
     if (what === ${batch} && (m.part?.done ?? 0) < time) { spin(1e4, () => Atomics.load(m.control, 3)); return { kind: 'paused', part: { done: 1 + (m.part?.done ?? 0), replies: m.query }, computeMs: 7, ...state } }
     if (what === ${stuck}) spin(1e5)
     if (what === ${wait}) { Atomics.store(m.control, 2, 5); Atomics.store(m.control, 1, 3); spin(1e4, () => Atomics.load(m.control, 0)); return { kind: 'refused', code: 'unavailable', message: 'stopped', ...state } }
     if (what === ${refuse}) return { kind: 'refused', code: 'missing-key', message: 'no key', ...state }
     if (what === ${grow}) { memory = 1e12; state.memory = memory }
     return { kind: 'done', reply: m.query, computeMs: threadId, ...state }
   }
   parentPort.on('message', (m) => { const a = answer(m); if (a) parentPort.postMessage(a) })
   parentPort.postMessage({ kind: 'ready' })`,
)

const log = pino({ level: 'silent' })
const bytesOf = (bytes: Uint8Array): Bytes => ({
  bytes: bytes.length,
  body: (async function* () {
    yield bytes
  })(),
})
let pool: Pool
let asked: string[] = []
const gone = new Set<string>()
const start = async (options: PoolOptions = {}, file = script): Promise<Pool> => {
  asked = []
  gone.clear()
  const sources = {
    async serverPart(sha256: string): Promise<Bytes> {
      asked.push(sha256)
      if (sha256 === 'missing') throw new GloveboxError('not-found', 'no such model')
      return bytesOf(new TextEncoder().encode(sha256))
    },
    async keys(tenant: string, digest: string): Promise<Bytes> {
      asked.push(`${tenant}/${digest}`)
      if (gone.has(digest)) throw new GloveboxError('not-found', 'keys are gone')
      return bytesOf(new Uint8Array(10))
    },
  }
  pool = openPool(sources, { script: pathToFileURL(file), ...options }, log)
  await pool.started
  return pool
}
afterEach(() => pool?.close())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const model = (serverPart = 'part') => ({ name: 'm', digest: 'd', serverPart })
const job = (what: number, more: Partial<Job> & { time?: number } = {}): Job => ({
  model: model(),
  tenant: 'a',
  keysDigest: 'k',
  query: Uint8Array.of(what, more.time ?? 20),
  ...more,
})
const codeOf = (result: PromiseSettledResult<unknown>): unknown =>
  result.status === 'rejected' ? (result.reason as { code?: string }).code : 'ok'

test('answers, on as many threads as asked for', async () => {
  const { run, ready } = await start({ threads: 2 })
  expect(ready).toBe(true)
  const keys = ['k', 'l', 'm']
  const answers = await Promise.all(keys.map((keysDigest, i) => run(job(i < 2 ? hang : echo, { keysDigest }))))
  expect(new Set(answers.map(({ computeMs }) => computeMs)).size).toBe(2)
  expect([...answers[2]!.reply]).toEqual([echo, 20])
  expect(answers[0]).toMatchObject({ warmMs: 305 })
})

describe('what fails', () => {
  test('for what a thread refuses is the error of that job', async () => {
    const { run, stats } = await start()
    await expect(run(job(refuse))).rejects.toMatchObject({ code: 'missing-key', message: 'no key' })
    await expect(run(job(echo))).resolves.toBeDefined()
    expect(stats()).toMatchObject({ refused: 1, served: 1, failed: 0, busy: 0 })
  })

  test('with its thread is that job only; the thread is replaced, its models are prepared again', async () => {
    const { run, stats, prepare } = await start()
    await prepare(model('other'))
    const results = await Promise.allSettled([run(job(crash)), run(job(echo))])
    // The client may try again.
    expect(results.map(codeOf)).toEqual(['unavailable', 'ok'])
    expect(stats()).toMatchObject({ died: 1, failed: 1, byThread: [{ models: 2 }] })
  })

  test('for a model that is not there, or cannot be opened, is its own jobs', async () => {
    const { run } = await start()
    const results = await Promise.allSettled([
      run(job(echo, { model: model('missing') })),
      run(job(echo, { model: model('Bad') })),
      run(job(echo)),
    ])
    expect(results.map(codeOf)).toEqual(['not-found', 'unavailable', 'ok'])
  })

  test('for keys that are gone is its own jobs', async () => {
    const { run } = await start()
    gone.add('x')
    const results = await Promise.allSettled([run(job(echo, { keysDigest: 'x' })), run(job(echo))])
    expect(results.map(codeOf)).toEqual(['not-found', 'ok'])
  })

  test('at the start is an error', async () => {
    const bad = join(folder, 'bad.mjs')
    writeFileSync(bad, `throw new Error('no such engine')`)
    await expect(start({}, bad)).rejects.toThrow('no such engine')
  })
})

describe('a full queue', () => {
  test('says so at once', async () => {
    const { run, stats } = await start({ queue: 2 })
    await run(job(echo))
    const waiting = [run(job(hang)), run(job(echo)), run(job(echo))]
    await expect(run(job(echo))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('busy'),
    })
    expect(stats().waiting).toEqual({ a: 2 })
    await Promise.all(waiting)
    await expect(run(job(echo))).resolves.toBeDefined()
  })

  test('has room for who has less in it, and the last of who has most comes back', async () => {
    const { run, stats } = await start({ queue: 3 })
    await run(job(echo))
    const greedy = [1, 2, 3, 4].map(() => run(job(hang, { time: 5 })))
    const results = Promise.allSettled(greedy)
    await expect(run(job(echo, { tenant: 'b' }))).resolves.toBeDefined()
    expect((await results).map(codeOf)).toEqual(['ok', 'ok', 'ok', 'unavailable'])
    expect(stats().turnedAway).toBe(1)
  })

  test('may be one of a tenant', async () => {
    const { run } = await start({ tenantQueue: 1 })
    await run(job(echo))
    const running = run(job(hang))
    const waiting = run(job(echo))
    await expect(run(job(echo))).rejects.toMatchObject({ message: expect.stringContaining('1 of your queries') })
    await expect(run(job(echo, { tenant: 'b' }))).resolves.toBeDefined()
    await Promise.all([running, waiting])
  })
})

test('a greedy tenant does not hold up a modest one', async () => {
  const { run } = await start({ queue: 100 })
  for (const tenant of ['greedy', 'modest']) await run(job(echo, { tenant }))
  const order: string[] = []
  const send = (tenant: string) => run(job(hang, { tenant, time: 1 })).then(() => order.push(tenant))
  const greedy = Array.from({ length: 40 }, () => send('greedy'))
  await Promise.all(['modest', 'modest', 'modest'].map(send))
  expect(order.length).toBeLessThan(12)
  await Promise.all(greedy)
})

test('a tenant may have threads of its own only up to its limit', async () => {
  const { run, stats } = await start({ threads: 2, tenantThreads: 1 })
  const both = [run(job(hang, { keysDigest: undefined })), run(job(hang, { keysDigest: undefined }))]
  await run(job(echo, { tenant: 'b' }))
  expect(stats()).toMatchObject({ busy: 1, waiting: { a: 1 } })
  await Promise.all(both)
})

test('background jobs leave the last thread to others, and go behind them', async () => {
  const { run } = await start({ threads: 2 })
  const order: string[] = []
  const behind = [1, 2, 3].map(() =>
    run(job(hang, { background: true, keysDigest: undefined, tenant: 'b' })).then(() => order.push('b')),
  )
  await run(job(echo, { keysDigest: undefined })).then(() => order.push('a'))
  expect(order).toEqual(['a'])
  await Promise.all(behind)
})

describe('a job', () => {
  test('can be taken back while it waits', async () => {
    const { run, stats } = await start()
    await run(job(echo))
    const first = run(job(hang))
    const abort = new AbortController()
    const second = run(job(echo, { signal: abort.signal }))
    abort.abort()
    await expect(second).rejects.toMatchObject({ code: 'unavailable', message: 'the query was withdrawn' })
    await first
    expect(stats()).toMatchObject({ served: 2, turnedAway: 1, waiting: {} })
  })

  test('that runs hears that it was cancelled', async () => {
    const { run } = await start()
    const abort = new AbortController()
    const running = run(job(wait, { signal: abort.signal }))
    setTimeout(() => abort.abort(), 100)
    await expect(running).rejects.toMatchObject({ message: 'the query was withdrawn' })
    await expect(run(job(echo, { signal: abort.signal }))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(run(job(echo))).resolves.toBeDefined()
  })

  test('tells how far it is', async () => {
    const { run } = await start()
    const heard = await new Promise((resolve) => {
      run(job(wait, { onProgress: (...all) => resolve(all) })).catch(() => undefined)
    })
    expect(heard).toEqual([3, 5])
  })

  test('past its deadline is not started, or stopped', async () => {
    const { run, stats } = await start()
    await run(job(echo))
    const soon = (ms: number) => ({ deadline: Date.now() + ms })
    await expect(run(job(echo, soon(-1)))).rejects.toMatchObject({ code: 'unavailable' })
    const running = run(job(wait, soon(100)))
    const waiting = run(job(echo, soon(50)))
    const results = await Promise.allSettled([running, waiting])
    expect(results.map(codeOf)).toEqual(['unavailable', 'unavailable'])
    expect((results[0] as PromiseRejectedResult).reason.message).toMatch(/it took longer than [\d.]+ s/)
    expect((results[1] as PromiseRejectedResult).reason.message).toMatch(/waited until its time was over/)
    expect(stats()).toMatchObject({ served: 1, turnedAway: 2 })
  })
})

describe('keys', () => {
  test('are loaded once, decoded once a thread, and looked for again after they were forgotten', async () => {
    const { run, forget, stats } = await start()
    for (let i = 0; i < 3; i++) await run(job(echo))
    expect(asked).toEqual(['part', 'a/k'])
    expect(stats()).toMatchObject({ keys: { count: 1, bytes: 10 }, byThread: [{ keys: 1, models: 1 }] })
    forget('a', 'k')
    gone.add('k')
    await expect(run(job(echo))).rejects.toMatchObject({ code: 'not-found' })
  })

  test('can be made warm ahead, on one thread, which then gets the query', async () => {
    const { run, warm, stats } = await start({ threads: 2 })
    await warm({ model: model(), tenant: 'a', keysDigest: 'k' })
    await warm({ model: model(), tenant: 'a', keysDigest: 'k' })
    expect(
      stats()
        .byThread.map(({ keys }) => keys)
        .sort(),
    ).toEqual([0, 1])
    expect(await run(job(echo))).toMatchObject({ warmMs: 0 })
    gone.add('x')
    await expect(warm({ model: model(), tenant: 'a', keysDigest: 'x' })).rejects.toMatchObject({ code: 'not-found' })
    expect(asked).toEqual(['part', 'a/k', 'a/x'])
  })

  test('that are made warm while a query waits for it are told apart from waiting', async () => {
    const { run, warm } = await start()
    const ahead = warm({ model: model(), tenant: 'a', keysDigest: 'k' })
    const { warmMs } = await run(job(echo))
    await ahead
    expect(warmMs).toBeGreaterThan(0)
    expect(await run(job(echo))).toMatchObject({ warmMs: 0 })
  })

  test('of one tenant are not those of another', async () => {
    const { run } = await start()
    await run(job(echo))
    await run(job(echo, { tenant: 'b' }))
    expect(asked).toEqual(['part', 'a/k', 'b/k'])
  })

  test('bring a job to the thread that has them decoded, for as long as decoding would take', async () => {
    const { run } = await start({ threads: 2 })
    // It would take longer than any wait here: the job stays with its thread.
    const dear = { model: model('dear'), keysDigest: 'dear' }
    const { computeMs: home } = await run(job(echo, dear))
    const [, near] = await Promise.all([run(job(hang, dear)), run(job(echo, dear))])
    expect(near.computeMs).toBe(home)
    // It would take less than the wait: it goes to the other.
    const { computeMs: first } = await run(job(echo))
    const [, far] = await Promise.all([run(job(hang, { time: 100 })), run(job(echo))])
    expect(far.computeMs).not.toBe(first)
  })
})

test('a thread that has grown too large is replaced between two jobs', async () => {
  const { run, stats } = await start({ threadMemory: 1e9 })
  const first = await run(job(grow))
  const second = await run(job(echo))
  expect(second.computeMs).not.toBe(first.computeMs)
  expect(stats()).toMatchObject({ recycled: 1, died: 0, failed: 0, byThread: [{ memory: 1000 }] })
})

test('a model is prepared on every thread ahead', async () => {
  const { prepare, run, stats } = await start({ threads: 2 })
  await prepare(model())
  expect(stats().byThread).toMatchObject([{ models: 1 }, { models: 1 }])
  expect(await run(job(echo, { keysDigest: undefined }))).toMatchObject({ warmMs: 0 })
  await expect(prepare(model('Bad'))).rejects.toMatchObject({ code: 'unavailable' })
})

describe('closing', () => {
  test('ends what waits and what runs, and takes no more', async () => {
    const { run, close } = await start()
    await run(job(echo))
    const running = Promise.allSettled([run(job(hang)), run(job(echo))])
    await close()
    expect((await running).map(codeOf)).toEqual(['unavailable', 'unavailable'])
    await expect(run(job(echo))).rejects.toMatchObject({ code: 'unavailable' })
    expect(pool.ready).toBe(false)
  })

  test('lets what runs finish where it is given time', async () => {
    const { run, close } = await start()
    await run(job(echo))
    const running = Promise.allSettled([run(job(hang)), run(job(echo)), run(job(echo, { keysDigest: 'cold' }))])
    await close({ drainMs: 5000 })
    expect((await running).map(codeOf)).toEqual(['ok', 'unavailable', 'unavailable'])
  })

  test('does not wait for longer than that', async () => {
    const { run, close } = await start()
    const running = Promise.allSettled([run(job(stuck))])
    while (pool.stats().busy === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await close({ drainMs: 50 })
    expect((await running).map(codeOf)).toEqual(['unavailable'])
  })
})

// The first one pauses it twice: for its turn, and once its keys are in memory.
test.each([
  ['whose keys are cold', ['other']],
  ['whose keys are warm', ['a', 'a']],
])('a batch job on the only thread pauses for queries %s, and goes on from where it was', async (_, tenants) => {
  const { run, stats } = await start({ threads: 1 })
  let over = false
  const long = run(job(batch, { background: true, time: 2 }))
  void long.finally(() => {
    over = true
  })
  while (stats().busy === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  for (const tenant of tenants) {
    await run(job(echo, { tenant }))
    expect(over).toBe(false)
  }
  // Two parts of 7 ms each, and what the script calls the time of the last.
  expect((await long).computeMs).toBeGreaterThanOrEqual(14)
  expect(stats()).toMatchObject({ served: tenants.length + 1, died: 0, busy: 0 })
})
