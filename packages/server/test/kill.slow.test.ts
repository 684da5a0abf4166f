import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { compileTiny } from '../../client/test/tiny.ts'
import { lengthHeader } from '../src/http/protocol.ts'
import { type Child, createChild } from './child.ts'
import { createTinyClient, insist, once, pause, sha256, uploadInParts, Wrong } from './clients.ts'
import { freePort, postgresMissing, startPostgres } from './postgres.ts'
import { redisMissing, startRedis } from './redis.ts'

// Server, worker, Redis and Postgres are killed at random moments, while clients predict, upload keys and send jobs. What was acknowledged must be there at
// the end, each job with one result, and clients must get on by trying again. GLOVEBOX_KILLS=200 is the full measure; without, as many as fit the time.

const seed = Number(process.env.GLOVEBOX_SEED ?? Math.floor(Math.random() * 2 ** 32))
const kills = Number(process.env.GLOVEBOX_KILLS ?? 1000)
const timeMs = process.env.GLOVEBOX_KILLS ? Infinity : 75_000

/** mulberry32: numbers from 0 to 1 that a seed gives again. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Job {
  readonly key: string
  readonly count: number
  /** Acknowledged. */
  id?: string
  /** SHA-256 of the result when it was first seen. */
  result?: string
}

const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.reverse()) await close()
})

const absent = postgresMissing ?? redisMissing
if (absent) console.warn(`skipped: ${absent}`)

test.skipIf(absent !== undefined)(
  `nothing acknowledged is lost, no job has two results (seed ${seed})`,
  { timeout: 3_600_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'glovebox-kill-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const tiny = compileTiny()
    for (const name of ['client', 'server'] as const) writeFileSync(join(folder, `${name}.gbx`), tiny[name])
    const client = createTinyClient(tiny)
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()])
    closers.push(
      () => postgres.stop(),
      () => redis.stop(),
    )
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const env = {
      DATABASE_URL: await postgres.database(),
      REDIS_URL: redis.url,
      GLOVEBOX_DATA: join(folder, 'data'),
      GLOVEBOX_PORT: String(port),
      GLOVEBOX_DRAIN_MS: '2000',
      GLOVEBOX_JOB_LEASE_MS: '2000',
      GLOVEBOX_JOB_ATTEMPTS: '1000',
      GLOVEBOX_REQUESTS_PER_MINUTE: '0',
    }
    const server = createChild(['serve', folder], env)
    const worker = createChild(['worker'], env)
    closers.push(
      () => server.kill(),
      () => worker.kill(),
    )
    await server.start()
    await worker.start()

    const random = randomOf(seed)
    const started = Date.now()
    let [killed, over] = [0, false]
    const tally = { predictions: 0, uploads: 0, jobs: 0, server: 0, worker: 0, redis: 0, postgres: 0 }
    const isOver = (): boolean => over
    const failures: unknown[] = []
    const working = (work: () => Promise<void>): Promise<void> =>
      (async () => {
        while (!over) await work()
      })().catch((error: unknown) => {
        failures.push(error)
        over = true
      })

    // Keys for the predictions; whole, again and again.
    expect((await once(`${url}/v2/keys/${client.digest}`, { method: 'PUT', body: client.evaluation }))?.status).toBe(
      201,
    )

    const predict = async (): Promise<void> => {
      const count = 1 + Math.floor(random() * 3)
      const answer = await insist(`${url}/v2/models/tiny/infer`, { method: 'POST', ...client.body(count) }, isOver)
      if (!answer) return
      if (answer.status !== 200) throw new Wrong(`infer answered ${answer.status}: ${Buffer.from(answer.body)}`)
      client.check(answer.body, Number(answer.headers.get(lengthHeader)), count)
      tally.predictions++
    }

    const uploaded: string[] = []
    const upload = async (): Promise<void> => {
      const bytes = client.otherKeys(200_000 + Math.floor(random() * 2_000_000))
      if (!(await uploadInParts(url, bytes, 300_000, isOver))) return
      uploaded.push(sha256(bytes))
      tally.uploads++
    }

    const jobs: Job[] = []
    const submit = async (): Promise<void> => {
      const job: Job = { key: `job-${jobs.length}`, count: 1 + Math.floor(random() * 40) }
      jobs.push(job)
      const { body, headers } = client.body(job.count)
      const init = { method: 'POST', body, headers: { ...headers, 'idempotency-key': job.key } }
      const answer = await insist(`${url}/v2/models/tiny/jobs`, init, isOver)
      if (!answer) return
      if (answer.status !== 202) throw new Wrong(`a job was answered ${answer.status}: ${Buffer.from(answer.body)}`)
      job.id = (JSON.parse(Buffer.from(answer.body).toString()) as { id: string }).id
      await fetchResult(job)
      // The same key again is the same job.
      const again = await insist(`${url}/v2/models/tiny/jobs`, init, isOver)
      if (again && (JSON.parse(Buffer.from(again.body).toString()) as { id: string }).id !== job.id)
        throw new Wrong(`the key ${job.key} gave two jobs`)
    }
    const fetchResult = async (job: Job, end: () => boolean = isOver): Promise<void> => {
      while (!end()) {
        const answer = await insist(`${url}/v2/jobs/${job.id}/result`, {}, end)
        if (answer?.status === 200) {
          client.check(answer.body, Number(answer.headers.get(lengthHeader)), job.count)
          const result = sha256(answer.body)
          if (job.result !== undefined && job.result !== result) throw new Wrong(`job ${job.id} has two results`)
          if (job.result === undefined) tally.jobs++
          job.result = result
          return
        }
        if (answer && answer.status !== 425)
          throw new Wrong(`the result of a job was answered ${answer.status}: ${Buffer.from(answer.body)}`)
        await pause(50)
      }
    }

    const again = async (child: Child): Promise<void> => {
      // It may find the database away; whoever runs it starts it again.
      for (;;) {
        try {
          return await child.start()
        } catch (error) {
          if (over) throw error
          await pause(200)
        }
      }
    }
    const targets = {
      server: async () => {
        await server.kill()
        await pause(random() * 300)
        await again(server)
      },
      worker: async () => {
        await worker.kill()
        await pause(random() * 300)
        await again(worker)
      },
      redis: async () => {
        await redis.kill()
        await pause(random() * 1000)
        await redis.start()
      },
      postgres: async () => {
        await postgres.kill()
        await pause(random() * 1000)
        await postgres.start()
      },
    }
    const names = Object.keys(targets) as (keyof typeof targets)[]
    const kill = async (): Promise<void> => {
      while (!over && killed < kills && Date.now() - started < timeMs) {
        await pause(random() * 1500)
        const name = names[Math.floor(random() * names.length)]!
        await targets[name]()
        tally[name]++
        killed++
        if (killed % 25 === 0)
          process.stdout.write(`${killed} kills in ${Math.round((Date.now() - started) / 1000)} s\n`)
      }
      over = true
    }
    await Promise.all([
      working(predict),
      working(upload),
      working(submit),
      working(submit),
      kill().catch((error: unknown) => {
        failures.push(error)
        over = true
      }),
    ])
    process.stdout.write(
      `seed ${seed}, ${killed} kills in ${Math.round((Date.now() - started) / 1000)} s: ${JSON.stringify(tally)}\n`,
    )
    expect(failures, `${server.log()}\n${worker.log()}`).toEqual([])

    // In peace, all of it is there.
    for (const child of [server, worker]) if (!child.running) await child.start()
    const patience = Date.now() + 60_000
    const late = (): boolean => Date.now() > patience
    for (const digest of uploaded)
      expect((await insist(`${url}/v2/keys/${digest}`, { method: 'HEAD' }, late))?.status).toBe(200)
    const acknowledged = jobs.filter(({ id }) => id !== undefined)
    for (const job of acknowledged) {
      await fetchResult(job, late)
      expect(job.result, `job ${job.id}`).toBeDefined()
    }
    const list = await insist(`${url}/v2/jobs?limit=1000`, {}, late)
    const { jobs: listed } = JSON.parse(Buffer.from(list!.body).toString()) as {
      jobs: { id: string; status: string }[]
    }
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length)
    const ids = new Set(listed.map(({ id }) => id))
    expect(acknowledged.filter(({ id }) => !ids.has(id!))).toEqual([])
    expect(listed.length).toBeLessThanOrEqual(Math.min(1000, jobs.length))
    expect(listed.filter(({ status }) => status === 'failed')).toEqual([])
    // The clients have got on.
    for (const what of ['predictions', 'uploads', 'jobs'] as const) expect(tally[what], what).toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
    expect(await worker.stop()).toBe(0)
  },
)
