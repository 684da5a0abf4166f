import { afterEach, expect, test } from 'vitest'
import { type Line, type LineOptions, openLine } from './line.ts'
import type { Task } from './messages.ts'

// A thread that does what the query says: "die", "hang", "refuse", or answers after so many milliseconds with its own number.

const script = (source: string): URL => new URL(`data:text/javascript,${encodeURIComponent(source)}`)
const puppet = script(`
  import { parentPort, threadId, workerData } from 'node:worker_threads'
  const text = new TextDecoder()
  parentPort.on('message', ({ kind, query }) => {
    if (kind === 'close') return parentPort.close()
    const word = text.decode(query)
    if (word === 'die') process.exit(3)
    if (word === 'hang') for (;;);
    if (word === 'refuse') return parentPort.postMessage({ kind: 'refused', code: 'malformed', message: 'no' })
    setTimeout(() => parentPort.postMessage({ kind: 'reply', reply: Uint8Array.of(threadId), computeMs: 1, memory: 7 }), Number(word))
  })
  if (process.env.GLOVEBOX_TEST_DAMAGED) parentPort.postMessage({ kind: 'failed', code: 'malformed', message: 'damaged' })
  else parentPort.postMessage({ kind: 'ready', digest: String(threadId), items: 5, memory: workerData.keyMemory })
`)

const lines: Line[] = []
afterEach(async () => {
  await Promise.all(lines.splice(0).map((line) => line.close()))
})

function open(options: Partial<LineOptions> = {}): Line & { readonly troubles: string[] } {
  const troubles: string[] = []
  const line = openLine({
    data: { directory: '', threads: 1, keyMemory: 1 },
    maxWaiting: 4,
    deadlineMs: 10_000,
    swapMemory: 100,
    onTrouble: (message) => void troubles.push(message),
    script: puppet,
    ...options,
  })
  lines.push(line)
  return Object.assign(Object.create(line) as Line, { troubles })
}

const ask = (word: string): Task => ({
  kind: 'query',
  query: new TextEncoder().encode(word),
  keys: undefined,
  maxBytes: 10,
})
const numberOf = async (line: Line): Promise<number> => {
  const { result } = await line.run(ask('0'))
  return result.kind === 'reply' ? result.reply[0]! : -1
}
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  )

test('tasks are done one after the other; what the thread refuses is refused', async () => {
  const line = open()
  await line.load()
  const order: string[] = []
  await Promise.all(['30', '0', '10'].map((word) => line.run(ask(word)).then(() => order.push(word))))
  expect(order).toEqual(['30', '0', '10'])
  expect(line.memory).toBe(7)
  expect(await codeOf(line.run(ask('refuse')))).toBe('malformed')
  expect(await codeOf(line.run(ask('0')))).toBe('answered')
})

test('a thread that dies takes one task with it, the others wait for the next thread', async () => {
  const line = open()
  await line.load()
  const [dying, next] = [line.run(ask('die')), line.run(ask('0'))]
  expect(await codeOf(dying)).toBe('unavailable')
  expect(await codeOf(next)).toBe('answered')
  expect([line.died, line.troubles]).toEqual([1, ['the thread of a set died and is started again']])
})

test('a task that takes longer than its deadline is given up, and its thread ended', async () => {
  const line = open({ deadlineMs: 50 })
  await line.load()
  const hanging = line.run(ask('hang'))
  expect(await codeOf(hanging)).toBe('unavailable')
  await expect.poll(() => line.died, { timeout: 5000 }).toBe(1)
  await expect.poll(() => codeOf(line.run(ask('0'))), { timeout: 5000 }).toBe('answered')
})

test('the queue has an end, for one owner a quarter of it; who leaves makes room', async () => {
  const line = open()
  await line.load()
  const running = line.run(ask('200'))
  const leaving = new AbortController()
  const first = line.run(ask('0'), { owner: 'a', signal: leaving.signal })
  expect(await codeOf(line.run(ask('0'), { owner: 'a' }))).toBe('unavailable')
  leaving.abort(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  const others = ['a', 'b', 'c', 'd'].map((owner) => line.run(ask('0'), { owner }))
  expect(line.waiting).toBe(4)
  expect(await codeOf(line.run(ask('0'), { owner: 'e' }))).toBe('unavailable')
  await Promise.all([running, ...others])
})

test('another thread takes over between two tasks, and what runs is finished', async () => {
  const line = open()
  const first = await line.load()
  const running = line.run(ask('100'))
  const [second] = await Promise.all([line.load(), running])
  expect(second.digest).not.toBe(first.digest)
  expect(String(await numberOf(line))).toBe(second.digest)
  expect(line.died).toBe(0)
})

test('where memory is short the old one ends first, and queries wait', async () => {
  const line = open({ data: { directory: '', threads: 1, keyMemory: 1000 }, swapMemory: 100 })
  await line.load()
  const loading = line.load()
  await new Promise((resolve) => setImmediate(resolve))
  const [second, waited] = await Promise.all([loading, numberOf(line)])
  expect(String(waited)).toBe(second.digest)
})

test('what cannot be opened is told to who asked, and the old one goes on', async () => {
  const line = open()
  const first = await line.load()
  process.env.GLOVEBOX_TEST_DAMAGED = 'yes'
  try {
    await expect(line.load()).rejects.toMatchObject({ code: 'malformed', message: 'damaged' })
  } finally {
    delete process.env.GLOVEBOX_TEST_DAMAGED
  }
  expect(String(await numberOf(line))).toBe(first.digest)
  await line.close()
  await expect(line.load()).rejects.toMatchObject({ code: 'unavailable' })
})

test('closing lets the task at hand finish, refuses the rest, and ends the thread', async () => {
  const line = open()
  await line.load()
  const [running, waiting] = [line.run(ask('50')), line.run(ask('0'))]
  const closed = line.close()
  expect(await codeOf(waiting)).toBe('unavailable')
  expect(await codeOf(running)).toBe('answered')
  await closed
  expect(await codeOf(line.run(ask('0')))).toBe('unavailable')
})
