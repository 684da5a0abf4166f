import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { GloveboxError } from '@glovebox/he'
import { pino } from 'pino'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { Bytes, Job } from './compute.ts'
import { openPool, type Pool, type PoolOptions } from './pool.ts'
import { createSlot, startThread } from './slot.ts'

// Whatever a thread dies of, and whenever: its own job may be tried again (`unavailable`), every other one is answered, nothing waits without end.

// What the first byte of a query asks for.
const [echo, exit, late, pause, grow, cold] = [0, 1, 2, 3, 4, 5] as const
const folder = mkdtempSync(join(tmpdir(), 'glovebox-deaths-'))
const write = (name: string, text: string): string => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
const obedient = `import { parentPort, threadId } from 'node:worker_threads'
  let models = [], memory = 0, told = false
  const answer = (m) => {
    const { serverPart } = m.model
    if (!models.includes(serverPart)) {
      if (!m.model.bytes) return { kind: 'cold' }
      if (serverPart === 'kills') throw new Error('killed while it was opened')
      if (serverPart === 'hangs') return
      models.push(serverPart)
    }
    if (m.keys?.id.endsWith('kills')) throw new Error('killed by keys')
    if (m.kind === 'prepare') return { kind: 'prepared' }
    const [what] = m.query
    if (what === ${exit}) process.exit(3)
    if (what === ${late}) setTimeout(() => { throw new Error('killed while idle') })
    if (what === ${grow}) memory = 1e12
    if (what === ${cold} && !told) { told = true; return { kind: 'cold' } }
    const end = Date.now() + 1e4
    if (what === ${pause} && !m.part) {
      while (Date.now() < end && !Atomics.load(m.control, 3));
      return { kind: 'paused', part: { done: 1, replies: m.query }, computeMs: 1 }
    }
    return { kind: 'done', reply: m.query, computeMs: threadId }
  }
  parentPort.on('message', (m) => {
    const a = m.kind === 'forget' ? { kind: 'forgotten' } : answer(m)
    if (a) parentPort.postMessage({ ...a, memory, openMs: 0, keysMs: 0, state: { models, keys: [] } })
  })
  parentPort.postMessage({ kind: 'ready' })`
const script = write('thread.mjs', obedient)
const log = pino({ level: 'silent' })

const bytesOf = (bytes: number): Bytes => ({
  bytes,
  body: (async function* () {
    yield new Uint8Array(bytes)
  })(),
})
let pool: Pool
/** Keys that come when it is settled. */
let slow: Promise<Bytes>
const open = (options: PoolOptions = {}, url = pathToFileURL(script)): Pool => {
  const sources = {
    serverPart: async () => bytesOf(4),
    keys: (_: string, digest: string) => (digest === 'slow' ? slow : Promise.resolve(bytesOf(10))),
  }
  pool = openPool(sources, { script: url, ...options }, log)
  return pool
}
const start = async (options?: PoolOptions): Promise<Pool> => {
  await open(options).started
  return pool
}
afterEach(async () => {
  vi.useRealTimers()
  await pool?.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const model = (serverPart = 'part') => ({ name: 'm', digest: 'd', serverPart })
const job = (what: number, more: Partial<Job> = {}): Job => ({
  model: model(),
  tenant: 'a',
  keysDigest: undefined,
  query: Uint8Array.of(what),
  ...more,
})
const codesOf = async (promises: Promise<unknown>[]): Promise<unknown[]> =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === 'rejected' ? (result.reason as { code?: string }).code : 'ok',
  )
const until = async (met: () => boolean): Promise<void> => {
  while (!met()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a thread that dies', () => {
  test.each([
    ['in the middle of a query, without an error', job(exit)],
    ['while it opens a model', job(echo, { model: model('kills') })],
    ['while it reads keys', job(echo, { keysDigest: 'kills' })],
  ])('%s takes that job with it only', async (_, deadly) => {
    const { run, stats } = await start()
    expect(await codesOf([run(deadly), run(job(echo)), run(deadly), run(deadly), run(job(echo))])).toEqual([
      'unavailable',
      'ok',
      'unavailable',
      'unavailable',
      'ok',
    ])
    expect(stats()).toMatchObject({ died: 3, failed: 3, served: 2, busy: 0, waiting: {} })
    expect(pool.ready).toBe(true)
  })

  test('while it makes a model or keys warm fails that, to be tried again', async () => {
    const { run, prepare, warm, stats } = await start()
    const warmed = warm({ model: model(), tenant: 'a', keysDigest: 'kills' })
    expect(await codesOf([prepare(model('kills')), warmed, run(job(echo)), prepare(model('kills'))])).toEqual([
      'unavailable',
      'unavailable',
      'ok',
      'unavailable',
    ])
    expect(stats()).toMatchObject({ died: 3, failed: 0, busy: 0 })
  })

  test('while it has nothing to do is replaced', async () => {
    const { run, stats } = await start()
    await run(job(late))
    await until(() => stats().died === 1)
    await expect(run(job(echo))).resolves.toBeDefined()
  })

  test('while a job of it is paused does not take that along', async () => {
    const { run, stats } = await start()
    const paused = run(job(pause, { background: true }))
    await until(() => stats().busy === 1)
    expect(await codesOf([run(job(exit)), paused])).toEqual(['unavailable', 'ok'])
    expect(stats()).toMatchObject({ died: 1, failed: 1, served: 1 })
  })

  test('while it is replaced for its memory holds nothing up', async () => {
    const { run, stats } = await start({ threadMemory: 1e9 })
    const results = [run(job(late)), run(job(grow)), run(job(grow)), run(job(echo))]
    expect((await codesOf(results)).filter((code) => code !== 'ok' && code !== 'unavailable')).toEqual([])
    await expect(run(job(echo))).resolves.toBeDefined()
    expect(stats()).toMatchObject({ busy: 0, waiting: {} })
  })

  test('and cannot be replaced makes way on the others for jobs that its own held up', async () => {
    const file = write('once.mjs', obedient)
    const { run, stats } = open({ threads: 2, tenantThreads: 1 }, pathToFileURL(file))
    await pool.started
    await run(job(echo))
    write('once.mjs', 'throw new Error("no such file")')
    expect(await codesOf([run(job(exit)), run(job(echo))])).toEqual(['unavailable', 'ok'])
    expect(stats().served).toBe(2)
  })
})

describe('a thread that cannot start', () => {
  test('leaves nobody waiting, and the pool is ready again when one can', async () => {
    const file = write('broken.mjs', obedient)
    const { run, prepare } = open({}, pathToFileURL(file))
    await pool.started
    write('broken.mjs', 'throw new Error("no such file")')
    expect(await codesOf([run(job(exit))])).toEqual(['unavailable'])
    const behind = run(job(echo, { background: true }))
    expect(await codesOf([run(job(echo)), prepare(model('other'))])).toEqual(['unavailable', 'unavailable'])
    expect(pool.ready).toBe(false)
    await expect(run(job(echo))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no thread'),
    })
    write('broken.mjs', obedient)
    // What nobody waits for at the other end has waited.
    await expect(behind).resolves.toBeDefined()
    expect(pool.ready).toBe(true)
    await expect(run(job(echo))).resolves.toBeDefined()
  })

  test('because the system refuses it is told like one that dies', async () => {
    // None is tried again meanwhile.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { run, started } = open({}, new URL('http://127.0.0.1/thread.mjs'))
    await expect(started).rejects.toThrow()
    expect(pool.ready).toBe(false)
    await expect(run(job(echo))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('because its script hangs is ended after a minute', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const file = write('hangs.mjs', 'setInterval(() => {}, 1e6); await new Promise(() => {})')
    const { run, started } = open({}, pathToFileURL(file))
    const waiting = codesOf([run(job(echo))])
    vi.advanceTimersByTime(60_000)
    await expect(started).rejects.toThrow('a thread has not started in 60 s')
    expect(await waiting).toEqual(['unavailable'])
    expect(pool.ready).toBe(false)
  })
})

test('a thread that hangs while it prepares a model is replaced', async () => {
  const { run, prepare, stats } = await start()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const preparing = prepare(model('hangs'))
  const waiting = codesOf([preparing, run(job(echo))])
  await until(() => stats().busy === 1)
  vi.advanceTimersByTime(300_000)
  expect(await waiting).toEqual(['unavailable', 'ok'])
  expect(stats()).toMatchObject({ died: 1, busy: 0 })
})

test('a job that cannot be sent to a thread leaves it free', async () => {
  const { run, stats } = await start()
  const query = Uint8Array.of(echo)
  structuredClone(query, { transfer: [query.buffer] })
  const lost = run(job(echo, { query }))
  const next = run(job(echo))
  await expect(lost).rejects.toMatchObject({ name: 'DataCloneError' })
  await expect(next).resolves.toBeDefined()
  expect(stats()).toMatchObject({ failed: 1, served: 1, died: 0, busy: 0 })
})

test('a thread whose message cannot be read is replaced', async () => {
  const slot = createSlot()
  const died = new Promise<Error>((resolve) => {
    const events = {
      ready: () => undefined,
      heard: () => undefined,
      died: (_: unknown, { error }: { error: Error }) => resolve(error),
    }
    void startThread(slot, { data: { keyMemory: 1, modelMemory: 1 }, script: pathToFileURL(script) }, events).then(() =>
      slot.worker!.emit('messageerror', new Error('out of memory')),
    )
  })
  expect((await died).message).toBe('out of memory')
  slot.closed = true
  await slot.worker?.terminate()
})

test('keys that fail to come after the deadline disturb nobody', async () => {
  const coming = Promise.withResolvers<Bytes>()
  slow = coming.promise
  const { run, stats } = await start()
  const waiting = run(job(echo, { keysDigest: 'slow', deadline: Date.now() + 30 }))
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
  coming.reject(new GloveboxError('not-found', 'keys are gone'))
  await expect(run(job(echo))).resolves.toBeDefined()
  slow = Promise.resolve(bytesOf(10))
  await expect(run(job(echo, { keysDigest: 'slow' }))).resolves.toBeDefined()
  expect(stats()).toMatchObject({ busy: 0, waiting: {} })
})

test('a job that its thread was not warm for gives back what it held', async () => {
  // Room for one set.
  const { run } = await start({ keyMemory: 10 })
  await run(job(cold, { keysDigest: 'k' }))
  const next = run(job(echo, { keysDigest: 'l', deadline: Date.now() + 1000 }))
  await expect(next).resolves.toBeDefined()
})
