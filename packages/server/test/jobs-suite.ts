import { GloveboxError } from '@glovebox/he'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer, Compute, Job } from '../src/compute/compute.ts'
import type { JobState, NewJob } from '../src/jobs/jobs.ts'
import { createLeases } from '../src/jobs/leases.ts'
import { type JobService, type JobServiceOptions, openJobService } from '../src/jobs/open.ts'
import type { Database } from '../src/store/database.ts'
import type { ObjectStore } from '../src/store/objects.ts'
import type { Backend, OpenBackend } from './stores.ts'

const log = pino({ level: 'silent' })

type Run = (job: Job) => Promise<Answer>
const echo: Run = async ({ query }) => ({ reply: query.slice(), computeMs: 12.5, waitMs: 0, warmMs: 0 })
const never: Run = ({ signal }) =>
  new Promise((_, reject) => {
    const stop = (): void => reject(new GloveboxError('unavailable', 'withdrawn'))
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop)
  })
/** Jobs; each test on an empty backend. */
export function jobsSuite(name: string, openBackend: OpenBackend): void {
  describe(`jobs on ${name}`, () => {
    let backend: Backend
    let database: Database
    let objects: ObjectStore
    const services: JobService[] = []
    beforeEach(async () => {
      backend = await openBackend()
      ;({ database, objects } = backend)
    })
    afterEach(async () => {
      for (const service of services.splice(0)) await service.close()
      await backend[Symbol.asyncDispose]()
    })
    async function open(run: Run, options: Partial<JobServiceOptions> = {}): Promise<JobService> {
      const compute = { run, ready: true } as unknown as Compute
      const service = await openJobService({ db: database.db, objects, compute, log, sweepMs: 20, ...options })
      services.push(service)
      return service
    }
    const newJob = (text = 'query', more: Partial<NewJob> = {}): NewJob => ({
      model: { name: 'digits', version: 2, digest: 'd'.repeat(64), serverPart: 'e'.repeat(64) },
      keysDigest: undefined,
      query: new TextEncoder().encode(text),
      ...more,
    })
    async function until(what: () => Promise<boolean>): Promise<void> {
      while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const ended = ({ jobs }: JobService, id: string, tenant = 'a'): Promise<JobState> =>
      new Promise((resolve, reject) => {
        until(async () => ['done', 'failed'].includes((await jobs.get(tenant, id)).status)).then(
          () => resolve(jobs.get(tenant, id)),
          reject,
        )
      })
    async function textOf({ jobs }: JobService, id: string): Promise<string> {
      const { bytes, body } = await jobs.result('a', id)
      const parts: Uint8Array[] = []
      for await (const part of body) parts.push(part)
      const all = Buffer.concat(parts)
      expect(all.length).toBe(bytes)
      return all.toString()
    }
    const keysOf = async (prefix: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of objects.list(prefix)) keys.push(key)
      return keys
    }

    test('a job is computed on, and its result is there for its tenant', async () => {
      const asked: Job[] = []
      const service = await open((job) => {
        asked.push(job)
        return echo(job)
      })
      const { job, created } = await service.jobs.create('a', newJob('hello', { keysDigest: 'f'.repeat(64) }))
      expect(job).toMatchObject({ status: 'queued', attempt: 0, model: 'digits', version: 2 })
      expect(created).toBe(true)
      expect(await ended(service, job.id)).toMatchObject({
        status: 'done',
        attempt: 1,
        done: 1,
        total: 1,
        computeMs: 13,
      })
      expect(await textOf(service, job.id)).toBe('hello')
      expect(asked[0]).toMatchObject({
        tenant: 'a',
        keysDigest: 'f'.repeat(64),
        background: true,
        model: { serverPart: 'e'.repeat(64) },
      })
      // The query is not needed any more.
      await until(async () => (await keysOf(`jobs/${job.id}/`)).length === 1)
    })

    test('nobody else sees it', async () => {
      const service = await open(echo)
      const { job } = await service.jobs.create('a', newJob())
      await ended(service, job.id)
      const { jobs } = service
      // One after the other: a call that nobody waits for yet may not fail.
      for (const call of [jobs.get, jobs.result, jobs.remove])
        await expect(call('b', job.id)).rejects.toMatchObject({ code: 'not-found' })
      expect(await jobs.list('b')).toEqual([])
      expect((await jobs.list('a')).map(({ id }) => id)).toEqual([job.id])
    })

    describe('the same idempotency key', () => {
      test('is the same job, at the same time too', async () => {
        const service = await open(echo)
        const job = newJob('q', { idempotencyKey: 'k' })
        const all = await Promise.all(Array.from({ length: 8 }, () => service.jobs.create('a', job)))
        expect(new Set(all.map(({ job: { id } }) => id)).size).toBe(1)
        expect(all.filter(({ created }) => created)).toHaveLength(1)
        await ended(service, all[0]!.job.id)
        expect(await service.jobs.create('a', job)).toMatchObject({ created: false, job: { status: 'done' } })
        expect(await keysOf('jobs/')).toHaveLength(1)
      })

      test('with another query is an error; of another tenant it is another job', async () => {
        const { jobs } = await open(echo)
        await jobs.create('a', newJob('q', { idempotencyKey: 'k' }))
        await expect(jobs.create('a', newJob('p', { idempotencyKey: 'k' }))).rejects.toMatchObject({ code: 'exists' })
        expect(await jobs.create('b', newJob('p', { idempotencyKey: 'k' }))).toMatchObject({ created: true })
      })
    })

    describe('a job that fails', () => {
      test('for its query or keys says why', async () => {
        const service = await open(async () => {
          throw new GloveboxError('missing-key', 'no key for 3')
        })
        const { job } = await service.jobs.create('a', newJob())
        expect(await ended(service, job.id)).toMatchObject({
          status: 'failed',
          attempt: 1,
          error: { code: 'missing-key', message: 'no key for 3' },
        })
        await expect(service.jobs.result('a', job.id)).rejects.toMatchObject({
          code: 'missing-key',
          message: 'no key for 3',
        })
      })

      test('for keys that are gone is not computed on', async () => {
        let runs = 0
        const gone = async (): Promise<void> => {
          throw new GloveboxError('not-found', 'there are no such keys')
        }
        const service = await open(
          (job) => {
            runs++
            return echo(job)
          },
          { useKeys: gone },
        )
        const { job } = await service.jobs.create('a', newJob('q', { keysDigest: 'f'.repeat(64) }))
        expect(await ended(service, job.id)).toMatchObject({ status: 'failed', error: { code: 'not-found' } })
        expect(runs).toBe(0)
        // Nobody needs the query any more.
        await until(async () => (await keysOf(`jobs/${job.id}/`)).length === 0)
      })

      test('for no reason of its own is begun again, and given up after so many times', async () => {
        let runs = 0
        const service = await open(
          async () => {
            runs++
            throw new Error('the thread died')
          },
          { attempts: 2 },
        )
        const { job } = await service.jobs.create('a', newJob())
        await until(async () => (await service.jobs.get('a', job.id)).attempt === 1 && runs === 1)
        // It has to wait a while, which this skips.
        await until(async () => (await service.jobs.get('a', job.id)).status === 'queued')
        await database.db.updateTable('jobs').set({ lease_until: null }).execute()
        expect(await ended(service, job.id)).toMatchObject({
          status: 'failed',
          attempt: 2,
          error: { code: 'unavailable' },
        })
        expect(runs).toBe(2)
        expect((await service.jobs.get('a', job.id)).error!.message).not.toContain('thread')
      })
    })

    test('a tenant stores so much, and gets room by deleting', async () => {
      const { jobs, ...service } = await open(never, { tenantBytes: 10 })
      const { job } = await jobs.create('a', newJob('123456'))
      await expect(jobs.create('a', newJob('12345'))).rejects.toMatchObject({ code: 'too-large' })
      await jobs.create('b', newJob('12345'))
      await jobs.create('a', newJob('1234'))
      await jobs.remove('a', job.id)
      await jobs.create('a', newJob('123456'))
      await service.close()
      // Of finished ones their results count.
      await database.db.updateTable('jobs').set({ status: 'done', reply_bytes: 5 }).where('tenant', '=', 'b').execute()
      await expect(jobs.create('b', newJob('123456'))).rejects.toMatchObject({ code: 'too-large' })
      await jobs.create('b', newJob('12345'))
    })

    describe('of two workers', () => {
      test('one has a job, and when it says nothing for too long the other takes it; one result counts', async () => {
        let first: ((answer: Answer) => void) | undefined
        const answer = (text: string): Answer => ({
          reply: new TextEncoder().encode(text),
          computeMs: 1,
          waitMs: 0,
          warmMs: 0,
        })
        const slow = await open(
          () =>
            new Promise((resolve) => {
              first = resolve
            }),
          { leaseMs: 10_000 },
        )
        const { job } = await slow.jobs.create('a', newJob())
        await until(async () => first !== undefined)
        const other = await open(async () => answer('second'))
        await new Promise((resolve) => setTimeout(resolve, 100))
        expect((await slow.jobs.get('a', job.id)).attempt).toBe(1)
        await database.db.updateTable('jobs').set({ lease_until: 1 }).execute()
        expect(await ended(other, job.id)).toMatchObject({ status: 'done', attempt: 2 })
        first!(answer('first'))
        await until(async () => (await keysOf('jobs/')).length === 1)
        await new Promise((resolve) => setTimeout(resolve, 100))
        expect(await textOf(slow, job.id)).toBe('second')
        expect(await keysOf('jobs/')).toHaveLength(1)
      })

      test('whoever claims at the same time, one gets it', async () => {
        const { jobs } = await open(echo, { concurrency: 0 })
        const { job } = await jobs.create('a', newJob())
        const claims = await Promise.all(
          Array.from({ length: 10 }, (_, i) => createLeases(database.db, `w${i}`).claim(job.id)),
        )
        expect(claims.filter((claim) => claim)).toHaveLength(1)
      })

      test('one that was given up has no say while the other runs, and afterwards', async () => {
        const { jobs } = await open(echo, { concurrency: 0 })
        const { job } = await jobs.create('a', newJob())
        const [slow, quick] = [createLeases(database.db, 'slow', { leaseMs: 1 }), createLeases(database.db, 'quick')]
        const old = (await slow.claim(job.id))!
        await new Promise((resolve) => setTimeout(resolve, 5))
        const claim = (await quick.claim(job.id))!
        const reply = (key: string) => ({ key, bytes: 1, computeMs: 1, samples: 1 })
        expect(await slow.beat(old, 1, 1)).toBe(false)
        expect(await slow.finish(old, reply('old'))).toBe(false)
        await slow.fail(old, 'malformed', 'it is bad')
        await slow.release(old, { counted: true, delayMs: 0 })
        expect(await jobs.get('a', job.id)).toMatchObject({ status: 'running', attempt: 2 })
        // The second time as one whose first answer was lost.
        for (let i = 0; i < 2; i++) expect(await quick.finish(claim, reply('new'))).toBe(true)
        expect(await slow.finish(old, reply('old'))).toBe(false)
        expect(await jobs.get('a', job.id)).toMatchObject({ status: 'done', attempt: 2 })
      })

      test('one that dies with every attempt has it fail', async () => {
        const { jobs } = await open(echo, { concurrency: 0 })
        const { job } = await jobs.create('a', newJob())
        for (let i = 1; i <= 3; i++) {
          expect(await createLeases(database.db, `w${i}`, { leaseMs: 1 }).claim(job.id)).toMatchObject({ attempt: i })
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
        const leases = createLeases(database.db, 'w4')
        expect(await leases.claim(job.id)).toBeUndefined()
        expect(await leases.overdue()).toEqual([])
        expect(await jobs.get('a', job.id)).toMatchObject({ status: 'failed', error: { code: 'unavailable' } })
      })
    })

    test('what waits goes on after a restart; what ran is taken up again', async () => {
      // As one that is killed: it has begun one, and says nothing any more.
      const before = await open(echo, { concurrency: 0 })
      const ids: string[] = []
      for (const text of ['one', 'two', 'three']) ids.push((await before.jobs.create('a', newJob(text))).job.id)
      expect(await createLeases(database.db, 'dead', { leaseMs: 50 }).claim(ids[0]!)).toBeDefined()
      const after = await open(echo)
      for (const [i, id] of ids.entries()) {
        expect(await ended(after, id)).toMatchObject({ status: 'done' })
        expect(await textOf(after, id)).toBe(['one', 'two', 'three'][i])
      }
    })

    test('closing gives what runs back, and that is no attempt', async () => {
      const service = await open(never)
      const { job } = await service.jobs.create('a', newJob())
      await until(async () => (await service.jobs.get('a', job.id)).status === 'running')
      await service.close()
      expect(await service.jobs.get('a', job.id)).toMatchObject({ status: 'queued', attempt: 0 })
    })

    describe('removing', () => {
      test('stops one that runs, for good, and deletes its data', async () => {
        let [begun, stopped] = [false, false]
        const service = await open(
          (job) => {
            begun = true
            job.signal!.addEventListener('abort', () => {
              stopped = true
            })
            return never(job)
          },
          { leaseMs: 60 },
        )
        const { job } = await service.jobs.create('a', newJob())
        await until(async () => begun)
        await service.jobs.remove('a', job.id)
        await until(async () => stopped)
        expect(await service.jobs.get('a', job.id)).toMatchObject({ status: 'cancelled' })
        await expect(service.jobs.result('a', job.id)).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining('cancelled'),
        })
        expect(await keysOf('jobs/')).toEqual([])
        await service.jobs.remove('a', job.id)
        await expect(service.jobs.get('a', job.id)).rejects.toMatchObject({ code: 'not-found' })
      })

      test('deletes one that is done, with its result', async () => {
        const service = await open(echo)
        const { job } = await service.jobs.create('a', newJob())
        await ended(service, job.id)
        await service.jobs.remove('a', job.id)
        await expect(service.jobs.get('a', job.id)).rejects.toMatchObject({ code: 'not-found' })
        await until(async () => (await keysOf('jobs/')).length === 0)
      })
    })

    test('what is past its time goes, with its data and data without a job', async () => {
      const { jobs } = await open(echo, { expiryMs: 1000, concurrency: 0 })
      const { job } = await jobs.create('a', newJob())
      await objects.put(
        'jobs/orphan/query',
        (async function* () {
          yield new Uint8Array(3)
        })(),
      )
      expect(await jobs.expire()).toBe(0)
      expect(await keysOf('jobs/')).toHaveLength(2)
      expect(await jobs.expire(Date.now() + 2 * 86_400_000)).toBe(1)
      expect(await keysOf('jobs/')).toEqual([])
      await expect(jobs.get('a', job.id)).rejects.toMatchObject({ code: 'not-found' })
    })

    test('a tenant has so many that are not finished; jobs of one with few go before those of one with many', async () => {
      const first = await open(echo, { concurrency: 0, tenantJobs: 4 })
      for (let i = 0; i < 4; i++) await first.jobs.create('greedy', newJob(`g${i}`))
      await expect(first.jobs.create('greedy', newJob('g4'))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('at most 4'),
      })
      await first.jobs.create('modest', newJob('m0'))
      const order: string[] = []
      const second = await open((job) => {
        order.push(Buffer.from(job.query).toString())
        return echo(job)
      })
      await until(async () => (await second.jobs.counts()).done === 5)
      expect(order).toEqual(['g0', 'm0', 'g1', 'g2', 'g3'])
    })
  })
}
