import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { glovebox as connectTo } from '@glovebox/client'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileTiny, tinySamples } from '../../../client/test/tiny.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../../server/test/postgres.ts'
import { redisMissing, startRedis, type TestRedis } from '../../../server/test/redis.ts'
import { gloveboxWith, serveWith, start, testFolder } from '../../test/glovebox.ts'
import { until } from '../../test/processes.ts'

// A worker shares Postgres, Redis and a folder of objects with a server, and goes on where that one was killed.

const absent = postgresMissing ?? redisMissing
if (absent) console.warn(`skipped: ${absent}`)

const folder = testFolder()
const data = join(folder, 'data')
const tiny = compileTiny()
const jobs = 40
const perJob = 16
let postgres: Postgres
let redis: TestRedis
let env: Record<string, string>

beforeAll(async () => {
  if (absent) return
  ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  env = { DATABASE_URL: await postgres.database(), REDIS_URL: redis.url, GLOVEBOX_JOB_LEASE_MS: '1000' }
  mkdirSync(join(folder, 'tiny'))
  for (const part of ['client', 'server'] as const) writeFileSync(join(folder, 'tiny', `${part}.gbx`), tiny[part])
})
afterAll(async () => {
  await Promise.all([postgres?.stop(), redis?.stop()])
})

/** Jobs that are not done, as the database has them. */
async function unfinished(): Promise<number> {
  const client = new pg.Client({ connectionString: env.DATABASE_URL })
  await client.connect()
  try {
    const { rows } = await client.query("select count(*) from jobs where status <> 'done'")
    return Number(rows[0].count)
  } finally {
    await client.end()
  }
}

test.skipIf(absent !== undefined)('jobs that a killed server has taken are computed by the worker', async () => {
  const first = await serveWith(env, '--data', data, '--port', '0')
  const pushed = await gloveboxWith({}, 'push', join(folder, 'tiny'), '--name', 'tiny', '--server', first.url)
  expect([pushed.code, pushed.stderr]).toEqual([0, ''])
  await using service = connectTo(first.url, { directory: join(folder, 'keys'), worker: false })
  const model = await service.model('tiny')
  const samples = tinySamples(perJob)
  const submitted = await Promise.all(Array.from({ length: jobs }, () => model.submit(samples)))
  await first.kill('SIGKILL')
  const left = await unfinished()
  expect(left).toBeGreaterThan(0)

  const worker = start(env, 'worker', '--data', data)
  const ended = new Promise<number | null>((resolve) => worker.once('close', resolve))
  let log = ''
  worker.stdout!.on('data', (text) => {
    log += text
  })
  try {
    // Nobody else is there.
    await until(async () => ((await unfinished()) === 0 ? true : undefined))
    await serveWith(env, '--data', data, '--port', String(first.port))
    for (const job of submitted) {
      const predictions = await job.result()
      expect(predictions).toHaveLength(perJob)
      predictions.forEach(({ outputs }, i) => {
        for (const [k, value] of outputs.entries())
          expect(Math.abs(value - tiny.expected(samples[i]!)[k]!)).toBeLessThan(0.01)
      })
    }
  } finally {
    worker.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
  expect(log).toContain('"working"')
  expect(log).toContain('"stopping"')
})

test.skipIf(absent !== undefined)('a worker that shares nothing says what it needs', async () => {
  const { code, stderr } = await gloveboxWith({}, 'worker', '--data', join(folder, 'alone'))
  expect([code, stderr]).toEqual([1, expect.stringContaining('set DATABASE_URL, REDIS_URL')])
})
