import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pino } from 'pino'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { Job } from './compute.ts'
import { openPool, type Pool } from './pool.ts'

// The pool with threads that obey: the first byte of a query says what to do.
const [echo, crash, hang, refuse, wait] = [0, 1, 2, 3, 4]
const folder = mkdtempSync(join(tmpdir(), 'glovebox-pool-'))
const script = join(folder, 'thread.mjs')
writeFileSync(
  script,
  `import { parentPort, threadId } from 'node:worker_threads'
   parentPort.on('message', (m) => {
     if (m.kind !== 'run') return
     if (m.query[0] === ${crash}) process.nextTick(() => { throw new Error('crashed') })
     else if (m.query[0] === ${hang}) { const end = Date.now() + 400; while (Date.now() < end); parentPort.postMessage({ kind: 'done', reply: m.query, computeMs: threadId }) }
     else if (m.query[0] === ${wait}) { const end = Date.now() + 1e4; while (!Atomics.load(m.cancelled, 0) && Date.now() < end); parentPort.postMessage({ kind: 'refused', code: 'unavailable', message: 'stopped' }) }
     else if (m.query[0] === ${refuse}) parentPort.postMessage({ kind: 'refused', code: 'missing-key', message: 'no key' })
     else parentPort.postMessage({ kind: 'done', reply: m.query, computeMs: threadId })
   })
   parentPort.postMessage({ kind: 'ready' })`,
)

const log = pino({ level: 'silent' })
let pool: Pool
const start = async (threads = 1, queue = 8, file = script): Promise<Pool> => {
  pool = openPool([], { threads, queue, keyMemory: 1, script: pathToFileURL(file) }, log)
  await pool.started
  return pool
}
afterEach(() => pool?.close())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const job = (what: number, signal?: AbortSignal): Job => ({
  model: 'm',
  keysDigest: 'k',
  keys: () => new Uint8Array(0),
  query: Uint8Array.of(what, 42),
  ...(signal && { signal }),
})

test('answers, on as many threads as asked for', async () => {
  const { run, ready } = await start(2)
  expect(ready).toBe(true)
  const answers = await Promise.all([run(job(hang)), run(job(hang)), run(job(echo))])
  expect(new Set(answers.map(({ computeMs }) => computeMs)).size).toBe(2)
  expect([...answers[2]!.reply]).toEqual([echo, 42])
})

test('what a thread refuses is the error of that job', async () => {
  const { run } = await start()
  await expect(run(job(refuse))).rejects.toMatchObject({ code: 'missing-key', message: 'no key' })
  await expect(run(job(echo))).resolves.toBeDefined()
})

test('a thread that dies fails its own job and is replaced', async () => {
  const { run } = await start()
  const results = await Promise.allSettled([run(job(crash)), run(job(echo))])
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  await expect(run(job(echo))).resolves.toBeDefined()
})

test('a full queue says so at once', async () => {
  const { run } = await start(1, 2)
  const waiting = [run(job(hang)), run(job(echo)), run(job(echo))]
  await expect(run(job(echo))).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('busy') })
  await Promise.all(waiting)
  await expect(run(job(echo))).resolves.toBeDefined()
})

test('a job can be taken back while it waits', async () => {
  const { run } = await start()
  const first = run(job(hang))
  const abort = new AbortController()
  const second = run(job(echo, abort.signal))
  abort.abort()
  await expect(second).rejects.toMatchObject({ code: 'unavailable' })
  await first
})

test('a job that runs hears that it was cancelled', async () => {
  const { run } = await start()
  const abort = new AbortController()
  const running = run(job(wait, abort.signal))
  setTimeout(() => abort.abort(), 50)
  await expect(running).rejects.toMatchObject({ message: 'stopped' })
  await expect(run(job(echo, abort.signal))).rejects.toMatchObject({ code: 'unavailable' })
  await expect(run(job(echo))).resolves.toBeDefined()
})

test('keys that were dropped while a job waited are asked for again', async () => {
  const { run } = await start()
  let keys: Uint8Array | undefined = new Uint8Array(1)
  const first = run(job(hang))
  const second = run({ ...job(echo), keys: () => keys })
  keys = undefined
  await expect(second).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('again') })
  await first
  await expect(run(job(echo))).resolves.toBeDefined()
})

test('closing ends what waits and what runs, and takes no more', async () => {
  const { run, close } = await start()
  const running = Promise.allSettled([run(job(hang)), run(job(echo))])
  await close()
  for (const result of await running)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
  await expect(run(job(echo))).rejects.toMatchObject({ code: 'unavailable' })
  expect(pool.ready).toBe(false)
})

test('threads that cannot start are an error', async () => {
  const bad = join(folder, 'bad.mjs')
  writeFileSync(bad, `throw new Error('no such engine')`)
  await expect(start(1, 8, bad)).rejects.toThrow('no such engine')
})
