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
import { supervise } from './supervised.ts'

// Server, worker, Redis and Postgres are killed at random moments, while clients predict, upload keys and send jobs. What was acknowledged must be there at
// the end, each job with one result, and clients must get on by trying again. GLOVEBOX_KILLS=200 is the full measure; without, as many as fit the time.

const seed = Number(process.env.GLOVEBOX_SEED ?? Math.floor(Math.random() * 2 ** 32))
const kills = Number(process.env.GLOVEBOX_KILLS ?? 1000)
const timeMs = process.env.GLOVEBOX_KILLS ? Infinity : 45_000

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

    // Numbers of their own for what is killed: how far clients get is not in the seed.
    const [random, chance] = [randomOf(seed), randomOf(seed + 1)]
    const started = Date.now()
    let [killed, starting, over] = [0, 0, false]
    /** Requests that were sent and not answered at the moment of a kill. */
    const during = { prediction: 0, upload: 0, job: 0, result: 0 }
    const under: Record<keyof typeof during, number> = { ...during }
    const sent = async <T>(what: keyof typeof during, work: Promise<T>): Promise<T> => {
      under[what]++
      try {
        return await work
      } finally {
        under[what]--
      }
    }
    const tally = { predictions: 0, uploads: 0, jobs: 0, server: 0, worker: 0, redis: 0, postgres: 0 }
    const done = ['predictions', 'uploads', 'jobs'] as const
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
      const body = client.body(count)
      const answer = await sent(
        'prediction',
        insist(`${url}/v2/models/tiny/infer`, { method: 'POST', ...body }, isOver),
      )
      if (!answer) return
      if (answer.status !== 200) throw new Wrong(`infer answered ${answer.status}: ${Buffer.from(answer.body)}`)
      client.check(answer.body, Number(answer.headers.get(lengthHeader)), count)
      tally.predictions++
    }

    const uploaded: string[] = []
    const upload = async (): Promise<void> => {
      const bytes = client.otherKeys(200_000 + Math.floor(random() * 2_000_000))
      if (!(await sent('upload', uploadInParts(url, bytes, 300_000, isOver)))) return
      uploaded.push(sha256(bytes))
      tally.uploads++
    }

    const jobs: Job[] = []
    const submit = async (): Promise<void> => {
      const job: Job = { key: `job-${jobs.length}`, count: 1 + Math.floor(random() * 40) }
      jobs.push(job)
      const { body, headers } = client.body(job.count)
      const init = { method: 'POST', body, headers: { ...headers, 'idempotency-key': job.key } }
      const answer = await sent('job', insist(`${url}/v2/models/tiny/jobs`, init, isOver))
      if (!answer) return
      if (answer.status !== 202) throw new Wrong(`a job was answered ${answer.status}: ${Buffer.from(answer.body)}`)
      job.id = (JSON.parse(Buffer.from(answer.body).toString()) as { id: string }).id
      await sent('result', fetchResult(job))
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

    const targets = {
      server: supervise(server),
      worker: supervise(worker),
      redis: supervise(redis),
      postgres: supervise(postgres),
    }
    const children: Readonly<Record<string, Child>> = { server, worker }
    const awayMs = { server: 300, worker: 300, redis: 1000, postgres: 1000 }
    // What a failure leaves on its way is not left running.
    closers.push(() => Promise.all(Object.values(targets).map((target) => target.giveUp())))
    const kinds = Object.keys(during) as (keyof typeof during)[]
    const names = Object.keys(targets) as (keyof typeof targets)[]
    /** A busy machine may need more time between kills than they leave: until clients have done a bit of everything, for 10 s at most. */
    const progress = async (): Promise<void> => {
      const [before, late] = [{ ...tally }, Date.now() + 10_000]
      const stuck = (): boolean => done.some((what) => tally[what] === before[what])
      while (!over && stuck() && Date.now() < late) await pause(20)
    }
    const kill = async (): Promise<void> => {
      while (!over && killed < kills && Date.now() - started < timeMs) {
        await pause(chance() * 2000)
        if (killed % 8 === 7) await progress()
        const name = names[Math.floor(chance() * names.length)]!
        const target = targets[name]
        // What is killed is up mostly, and starts or recovers now and then; all others are in whatever state they are.
        await (chance() < 0.6 ? target.whenUp() : target.whenThere())
        if (!target.up) starting++
        else if (children[name]?.running === false) throw new Wrong(`the ${name} ended by itself`)
        for (const what of kinds) during[what] += under[what]
        await target.kill(chance() * awayMs[name])
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
      `seed ${seed}, ${killed} kills in ${Math.round((Date.now() - started) / 1000)} s, ${starting} of what was just starting, ` +
        `in mid-request: ${JSON.stringify(during)}; done: ${JSON.stringify(tally)}\n`,
    )
    expect(failures, `${server.log()}\n${worker.log()}`).toEqual([])

    // In peace, all of it is there.
    await Promise.all(names.map((name) => targets[name].whenUp()))
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
    // The clients have got on, and were interrupted in all that they do.
    for (const what of done) expect(tally[what], what).toBeGreaterThan(0)
    for (const [what, times] of Object.entries(during)) expect(times, `kills during ${what}`).toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
    expect(await worker.stop()).toBe(0)
  },
)
