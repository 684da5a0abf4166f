import { z } from '@hono/zod-openapi'
import type { JobState } from '../jobs/jobs.ts'
import type { Services } from './context.ts'
import { Refusal } from './errors.ts'
import { sendFile } from './files.ts'
import { queryHeaders, receiveQuery } from './infer.ts'
import { modelPaths } from './oip.ts'
import type { OwnKeys } from './own-keys.ts'
import { encodeInferHead, lengthHeader } from './protocol.ts'
import type { Define } from './route.ts'
import { integerText, timeSchema } from './schemas.ts'

const tag = 'Jobs'
const jobSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    version: z.string(),
    keys: z.string().nullable(),
    status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    attempt: z.int(),
    created: timeSchema,
    started: timeSchema.nullable(),
    finished: timeSchema.nullable(),
    expires: timeSchema,
    done: z.int(),
    total: z.int(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Job', { description: 'A query that is computed on later. "done" of "total" samples are ready.' })
const params = { id: z.string().regex(/^[\w-]{1,64}$/, 'expected the id of a job') }

/** Queries that take long: sent now, fetched later. */
export function defineJobs(define: Define, services: Services, ownKeys: OwnKeys): void {
  const { jobs } = services
  for (const [path, params, suffix] of modelPaths)
    define(
      {
        method: 'post',
        path: `${path}/jobs`,
        id: `createJob${suffix}`,
        tag,
        summary: 'Leaves an encrypted query to be computed on; the body is that of infer',
        need: 'predict',
        params,
        headers: {
          ...queryHeaders,
          'idempotency-key': z
            .string()
            .optional()
            .openapi({ description: '1 to 128 characters: the same key again is the same job.' }),
        },
        binary: 'application/octet-stream',
        replies: {
          202: { description: 'Kept. Sent again under the same idempotency-key, the same job.', content: jobSchema },
        },
      },
      async ({ c, principal, params }) => {
        const idempotencyKey = c.req.header('idempotency-key')
        if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,128}$/.test(idempotencyKey))
          throw new Refusal(
            400,
            'malformed',
            'the header "idempotency-key" expected 1 to 128 printable characters without spaces',
          )
        const { version, ref, request, bytes } = await receiveQuery(c, services, ownKeys, principal, params)
        const { job, created } = await jobs.create(principal.tenant, {
          model: { ...ref, version: version.version },
          keysDigest: request.keys,
          query: request.query,
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        })
        c.get('log').info({ model: version.name, job: job.id, queryBytes: bytes, created }, 'job taken')
        c.header('location', `/v2/jobs/${job.id}`)
        return c.json(show(job), 202)
      },
    )
  define(
    {
      method: 'get',
      path: '/v2/jobs',
      id: 'listJobs',
      tag,
      summary: 'Jobs of the tenant, newest first',
      need: 'predict',
      query: { limit: integerText(1, 1000) },
      replies: { 200: { description: 'The jobs.', content: z.object({ jobs: z.array(jobSchema) }) } },
    },
    async ({ c, principal, query }) => {
      const all = await jobs.list(principal.tenant, query.limit ?? 100)
      return c.json({ jobs: all.map(show) })
    },
  )
  define(
    {
      method: 'get',
      path: '/v2/jobs/{id}',
      id: 'getJob',
      tag,
      summary: 'How far a job is',
      need: 'predict',
      params,
      replies: { 200: { description: 'The job.', content: jobSchema } },
    },
    async ({ c, principal, params }) => c.json(show(await jobs.get(principal.tenant, params.id))),
  )
  define(
    {
      method: 'get',
      path: '/v2/jobs/{id}/result',
      id: 'jobResult',
      tag,
      summary: 'The answer, as infer gives it',
      need: 'predict',
      params,
      replies: {
        200: {
          description: 'A JSON header, then one BYTES tensor "reply" in binary data.',
          content: 'application/octet-stream',
        },
        425: { description: 'It is not finished.' },
      },
    },
    async ({ c, principal, params }) => {
      const { status, error } = await jobs.get(principal.tenant, params.id)
      if (status === 'queued' || status === 'running')
        throw new Refusal(425, 'unavailable', `the job is ${status}: ask again later`, { 'retry-after': '1' })
      if (status === 'cancelled') throw new Refusal(409, 'unavailable', 'the job was cancelled: it has no result')
      // 503 would have clients ask again for what does not come.
      if (error?.code === 'unavailable') throw new Refusal(409, 'unavailable', `the job failed: ${error.message}`)
      const { bytes, body, job } = await jobs.result(principal.tenant, params.id)
      const { head, headerLength } = encodeInferHead({
        model: job.model,
        version: job.version,
        id: job.id,
        replyBytes: bytes,
      })
      c.header(lengthHeader, String(headerLength))
      return sendFile(c, { bytes: head.length + bytes, body: after(head, body) }, 'application/octet-stream')
    },
  )
  define(
    {
      method: 'delete',
      path: '/v2/jobs/{id}',
      id: 'deleteJob',
      tag,
      summary: 'Cancels a job and deletes it with its result',
      need: 'predict',
      params,
      replies: { 204: { description: 'Gone.' } },
    },
    async ({ c, principal, params }) => {
      await jobs.remove(principal.tenant, params.id)
      return c.body(null, 204)
    },
  )
}

async function* after(head: Uint8Array, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head
  yield* body
}

function show(job: JobState): object {
  const { id, model, version, keys, status, attempt, createdAt, startedAt, finishedAt, expiresAt, done, total, error } =
    job
  return {
    id,
    model,
    version: String(version),
    keys: keys ?? null,
    status,
    attempt,
    created: createdAt,
    started: startedAt ?? null,
    finished: finishedAt ?? null,
    expires: expiresAt,
    done,
    total,
    error: error ?? null,
  }
}
