import { GloveboxError } from '@glovebox/he'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { redisMissing, startRedis, type TestRedis } from '../../test/redis.ts'
import type { JobQueue } from './queue.ts'
import { openBullQueue } from './queue-bullmq.ts'
import { createMemoryQueue } from './queue-memory.ts'

const log = pino({ level: 'silent' })
if (redisMissing) console.warn(`skipped: ${redisMissing}`)

let redis: TestRedis
beforeAll(async () => {
  if (redisMissing) return
  redis = await startRedis()
})
afterAll(() => redis?.stop())

const queues: JobQueue[] = []
afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.close()
  const { Redis } = await import('ioredis')
  const client = new Redis(redis.url)
  await client.flushall()
  client.disconnect()
})
const engines: Record<string, () => Promise<JobQueue>> = {
  memory: async () => createMemoryQueue(log),
  bullmq: () => openBullQueue(redis.url, log),
}
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await pause(5)
}

describe.skipIf(redisMissing !== undefined).each(Object.keys(engines))('%s', (name) => {
  const open = async (): Promise<JobQueue> => {
    const queue = await engines[name]!()
    queues.push(queue)
    return queue
  }

  test('brings lower ranks first, so many at a time, each once however often it was put in', async () => {
    const queue = await open()
    for (const [id, rank] of [
      ['c', 3],
      ['a', 1],
      ['d', 3],
      ['b', 2],
      ['a', 1],
    ] as const)
      await queue.add(id, rank)
    expect(await queue.waiting()).toBe(4)
    const begun: string[] = []
    let [now, most] = [0, 0]
    queue.consume(2, async (id) => {
      begun.push(id)
      most = Math.max(most, ++now)
      await pause(30)
      now--
    })
    await until(() => begun.length === 4 && now === 0)
    await pause(50)
    expect([...begun].sort()).toEqual(['a', 'b', 'c', 'd'])
    expect(new Set(begun.slice(0, 2))).toEqual(new Set(['a', 'b']))
    expect(most).toBe(2)
    // What is over can come again.
    await queue.add('a', 1)
    await until(() => begun.length === 5)
  })

  test('goes on after a job that was left', async () => {
    const queue = await open()
    const begun: string[] = []
    queue.consume(1, async (id) => {
      begun.push(id)
      if (id === 'bad') throw new Error('left')
    })
    await queue.add('bad', 1)
    await queue.add('good', 2)
    await until(() => begun.length === 2)
    await pause(50)
    expect(begun).toEqual(['bad', 'good'])
    expect(await queue.waiting()).toBe(0)
  })

  test('closing waits for what is at work and begins nothing', async () => {
    const queue = await open()
    const ended: string[] = []
    let begun = 0
    queue.consume(1, async (id) => {
      begun++
      await pause(100)
      ended.push(id)
    })
    await queue.add('a', 1)
    await queue.add('b', 1)
    await until(() => begun === 1)
    await queue.close()
    expect(ended).toEqual(['a'])
    await pause(150)
    expect(begun).toBe(1)
  })
})

describe.skipIf(redisMissing !== undefined)('bullmq', () => {
  test('shares jobs among processes', async () => {
    const [first, second] = [await engines.bullmq!(), await engines.bullmq!()]
    queues.push(first, second)
    const begun: string[] = []
    const work = (who: string) => async (id: string) => {
      begun.push(`${who} ${id}`)
      await pause(20)
    }
    first.consume(1, work('first'))
    second.consume(1, work('second'))
    for (let i = 0; i < 20; i++) await first.add(`job-${i}`, 1)
    await until(() => begun.length === 20)
    expect(new Set(begun.map((line) => line.split(' ')[1])).size).toBe(20)
    for (const who of ['first', 'second']) expect(begun.some((line) => line.startsWith(who))).toBe(true)
  })

  test('says at once that Redis is away, and goes on by itself when it is back', async () => {
    const queue = await engines.bullmq!()
    queues.push(queue)
    const begun: string[] = []
    queue.consume(1, async (id) => {
      begun.push(id)
    })
    await queue.add('before', 1)
    await until(() => begun.length === 1)
    await redis.kill()
    const asked = Date.now()
    await expect(queue.add('lost', 1)).rejects.toThrow(GloveboxError)
    await expect(queue.ready()).rejects.toMatchObject({ code: 'unavailable' })
    expect(Date.now() - asked).toBeLessThan(15_000)
    await redis.start()
    await until(() =>
      queue.add('after', 1).then(
        () => true,
        () => pause(100).then(() => false),
      ),
    )
    await until(() => begun.includes('after'))
  })

  test('a Redis that is not there is an error at the start', async () => {
    await expect(openBullQueue('redis://127.0.0.1:1', log)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
