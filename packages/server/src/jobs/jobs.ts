import { createHash, randomUUID } from 'node:crypto'
import { type ErrorCode, GloveboxError } from '@glovebox/he'
import type { Kysely, Selectable } from 'kysely'
import type { Logger } from 'pino'
import type { Bytes, ModelRef } from '../compute/compute.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { JobTable, Tables } from '../store/tables.ts'
import type { JobQueue } from './queue.ts'

/** Where a job is. */
export type JobStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** What its tenant may know of a job. Times in milliseconds since 1970. */
export interface JobState {
  readonly id: string
  readonly model: string
  readonly version: number
  readonly keys: string | undefined
  readonly status: JobStatus
  /** How often it was begun. */
  readonly attempt: number
  readonly createdAt: number
  readonly startedAt: number | undefined
  readonly finishedAt: number | undefined
  /** When it is deleted with its result. */
  readonly expiresAt: number
  /** Samples done, of how many; 0 of 0 before that is known. */
  readonly done: number
  readonly total: number
  /** Milliseconds of computing. */
  readonly computeMs: number | undefined
  /** Of one that failed. */
  readonly error: { readonly code: string; readonly message: string } | undefined
}

/** What is to be computed. */
export interface NewJob {
  readonly model: ModelRef & { readonly version: number }
  readonly keysDigest: string | undefined
  /** A frame of kind 'query'. */
  readonly query: Uint8Array
  /** Up to 128 characters; the same key of the same tenant is the same job. */
  readonly idempotencyKey?: string
}

/** Jobs of all tenants; a call sees those of one. */
export interface Jobs {
  /**
   * What is acknowledged is kept. `created` is false where the key was there. Throws GloveboxError `exists` for the same key with another query,
   * `unavailable` where the tenant has too many jobs that are not finished, `too-large` where they store too much.
   */
  create(tenant: string, job: NewJob): Promise<{ readonly job: JobState; readonly created: boolean }>
  /** Throws GloveboxError `not-found`. */
  get(tenant: string, id: string): Promise<JobState>
  /** Newest first; 100 by default. */
  list(tenant: string, limit?: number): Promise<readonly JobState[]>
  /** A frame of kind 'reply', in pieces. Throws GloveboxError `not-found`, `unavailable` where there is none (yet), and the error of a job that failed. */
  result(tenant: string, id: string): Promise<Bytes & { readonly job: JobState }>
  /** Stops one that is not finished (it is `cancelled` from then on), deletes one that is. Its data go either way. Throws GloveboxError `not-found`. */
  remove(tenant: string, id: string): Promise<void>
  /** Deletes what is past its time, and data that no job has; the number of jobs. */
  expire(now?: number): Promise<number>
  /** Of all tenants. */
  counts(): Promise<Readonly<Record<JobStatus, number>>>
}

/** How many, and how long. */
export interface JobsOptions {
  /** Unfinished ones of a tenant. Default 1000. */
  readonly tenantJobs?: number
  /** Queries and results of a tenant that are stored, in bytes. Default 16 GiB. */
  readonly tenantBytes?: number
  /** Milliseconds that a job is kept after it was made, and after it has finished. Default 7 days. */
  readonly expiryMs?: number
}

const day = 86_400_000
/** Data without a job are of one that is being made, until then. */
const orphanMs = day

const unfinished = ['queued', 'running']

/** Jobs in a database, their data in an object store; `queue` is told of new ones. */
export function createJobs(
  db: Kysely<Tables>,
  objects: ObjectStore,
  queue: JobQueue,
  log: Logger,
  { tenantJobs = 1000, tenantBytes = 16 * 2 ** 30, expiryMs = 7 * day }: JobsOptions = {},
): Jobs {
  const find = (tenant: string, id: string): Promise<Selectable<JobTable>> =>
    db
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', id)
      .where('tenant', '=', tenant)
      .executeTakeFirstOrThrow(() => new GloveboxError('not-found', `there is no job ${id.slice(0, 64)} here`))

  const findByKey = async (tenant: string, key: string | undefined, request: string): Promise<JobState | undefined> => {
    if (key === undefined) return undefined
    const row = await db
      .selectFrom('jobs')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('idempotency_key', '=', key)
      .executeTakeFirst()
    if (!row) return undefined
    if (row.request === request) return stateOf(row)
    throw new GloveboxError('exists', `there is a job ${row.id} with the same idempotency key and another query`)
  }

  /** How many jobs of a tenant are not finished, and what all of its jobs store. */
  const load = async (tenant: string): Promise<{ ahead: number; bytes: number }> => {
    const rows = await db
      .selectFrom('jobs')
      .select(['status', ({ fn }) => fn.countAll<number>().as('count')])
      .select(({ fn }) => [fn.sum<number>('query_bytes').as('queries'), fn.sum<number>('reply_bytes').as('replies')])
      .where('tenant', '=', tenant)
      .groupBy('status')
      .execute()
    let [ahead, bytes] = [0, 0]
    for (const { status, count, queries, replies } of rows) {
      if (unfinished.includes(status)) ahead += Number(count)
      // Queries go when their jobs end.
      bytes += unfinished.includes(status) ? Number(queries) : Number(replies ?? 0)
    }
    return { ahead, bytes }
  }

  const deleteData = async (id: string): Promise<void> => {
    for await (const { key } of objects.list(`jobs/${id}/`)) await objects.delete(key)
  }

  /** Data of jobs whose making was broken off. */
  const deleteOrphans = async (now: number): Promise<void> => {
    const old = new Set<string>()
    for await (const { key, modified } of objects.list('jobs/'))
      if (modified < now - orphanMs) old.add(key.split('/')[1]!)
    for (const id of old) {
      const row = await db.selectFrom('jobs').select('id').where('id', '=', id).executeTakeFirst()
      if (!row) await deleteData(id)
    }
  }

  return {
    async create(tenant, { model, keysDigest, query, idempotencyKey }) {
      const request = hashOf([model.name, String(model.version), model.serverPart, keysDigest ?? ''], query)
      const before = await findByKey(tenant, idempotencyKey, request)
      if (before) return { job: before, created: false }
      const { ahead, bytes } = await load(tenant)
      if (ahead >= tenantJobs)
        throw new GloveboxError(
          'unavailable',
          `${ahead} of your jobs are not finished, at most ${tenantJobs} may be: wait for some`,
        )
      if (bytes + query.length > tenantBytes)
        throw new GloveboxError(
          'too-large',
          `queries and results of your jobs take ${bytes} bytes, with this one more than ${tenantBytes}: fetch results and delete jobs`,
        )
      const now = Date.now()
      const row: Selectable<JobTable> = {
        id: randomUUID(),
        tenant,
        idempotency_key: idempotencyKey ?? null,
        request,
        rank: ahead + 1,
        model: model.name,
        version: model.version,
        digest: model.digest,
        server_part: model.serverPart,
        keys: keysDigest ?? null,
        status: 'queued',
        attempt: 0,
        owner: null,
        lease_until: null,
        done: 0,
        total: 0,
        query_bytes: query.length,
        reply: null,
        reply_bytes: null,
        compute_ms: null,
        error_message: null,
        error_code: null,
        created_at: now,
        started_at: null,
        finished_at: null,
        expires_at: now + expiryMs,
      }
      await objects.put(queryKey(row.id), once(query))
      try {
        await db.insertInto('jobs').values(row).execute()
      } catch (error) {
        // Somebody was quicker with the same key. Otherwise the row may be there nevertheless, where only the answer was lost: its data must stay.
        const other = await findByKey(tenant, idempotencyKey, request)
        if (!other) throw error
        if (other.id !== row.id) await deleteData(row.id).catch(() => undefined)
        return { job: other, created: other.id === row.id }
      }
      // The next look at the database finds it where this fails.
      await queue
        .add(row.id, row.rank)
        .catch((err: unknown) => log.warn({ err, job: row.id }, 'the queue did not take a job'))
      return { job: stateOf(row), created: true }
    },
    get: async (tenant, id) => stateOf(await find(tenant, id)),
    async list(tenant, limit = 100) {
      const rows = await db
        .selectFrom('jobs')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('created_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute()
      return rows.map(stateOf)
    },
    async result(tenant, id) {
      const row = await find(tenant, id)
      const job = stateOf(row)
      if (job.error) throw new GloveboxError(job.error.code as ErrorCode, job.error.message)
      if (row.reply === null || row.reply_bytes === null)
        throw new GloveboxError(
          'unavailable',
          `the job ${id} is ${job.status}${job.status === 'cancelled' ? '' : ': ask again later'}`,
        )
      return { bytes: row.reply_bytes, body: objects.get(row.reply), job }
    },
    async remove(tenant, id) {
      const mine = { tenant, id }
      const now = Date.now()
      const stopped = await db
        .updateTable('jobs')
        .set({ status: 'cancelled', owner: null, lease_until: null, finished_at: now, expires_at: now + expiryMs })
        .where('id', '=', mine.id)
        .where('tenant', '=', mine.tenant)
        .where('status', 'in', unfinished)
        .executeTakeFirst()
      if (stopped.numUpdatedRows === 0n) {
        const gone = await db.deleteFrom('jobs').where('id', '=', id).where('tenant', '=', tenant).executeTakeFirst()
        if (gone.numDeletedRows === 0n) throw new GloveboxError('not-found', `there is no job ${id.slice(0, 64)} here`)
      }
      await deleteData(id)
    },
    async expire(now = Date.now()) {
      const rows = await db.deleteFrom('jobs').where('expires_at', '<', now).returning('id').execute()
      for (const { id } of rows) await deleteData(id)
      await deleteOrphans(now)
      return rows.length
    },
    async counts() {
      const rows = await db
        .selectFrom('jobs')
        .select(['status', ({ fn }) => fn.countAll<number>().as('count')])
        .groupBy('status')
        .execute()
      const counts: Record<JobStatus, number> = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
      for (const { status, count } of rows) counts[status as JobStatus] = Number(count)
      return counts
    },
  }
}

/** Object with the query of a job. */
export function queryKey(id: string): string {
  return `jobs/${id}/query`
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function hashOf(texts: readonly string[], query: Uint8Array): string {
  return createHash('sha256').update(JSON.stringify(texts)).update(query).digest('hex')
}

function stateOf(row: Selectable<JobTable>): JobState {
  return {
    id: row.id,
    model: row.model,
    version: row.version,
    keys: row.keys ?? undefined,
    status: row.status as JobStatus,
    attempt: row.attempt,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    expiresAt: row.expires_at ?? row.created_at,
    done: row.done,
    total: row.total,
    computeMs: row.compute_ms ?? undefined,
    error: row.error_code === null ? undefined : { code: row.error_code, message: row.error_message ?? '' },
  }
}
