import { z } from '@hono/zod-openapi'
import type { Services } from './context.ts'
import type { OwnKeys } from './own-keys.ts'
import type { Define } from './route.ts'
import { digestSchema, timeSchema } from './schemas.ts'
import { defineUploads } from './uploads.ts'
import { createWarmer } from './warm-keys.ts'

const tag = 'Evaluation keys'
const keySchema = z
  .object({
    digest: digestSchema,
    program: z.string(),
    model: z.string().nullable(),
    bytes: z.int(),
    created: timeSchema,
    used: timeSchema,
    expires: timeSchema,
  })
  .openapi('EvaluationKeys', { description: '"model": a model of that program that the caller may use.' })

/** Evaluation keys: content-addressed, owned by a tenant, never given out. */
export function defineKeys(define: Define, services: Services, ownKeys: OwnKeys): void {
  const { keys, registry, compute, limits } = services
  const warm = createWarmer(services)
  defineUploads(define, services, {
    path: '/v2/keys',
    tag,
    what: 'the set of evaluation keys',
    id: 'Keys',
    need: 'predict',
    limit: limits.keyBytes,
    audit: 'keys.create',
    metric: 'keys',
    state: keys.state.bind(keys),
    async append(principal, digest, part) {
      const appended = await keys.append(principal, digest, part)
      if (appended.complete && appended.created) warm(principal, digest)
      return appended
    },
    async put(principal, digest, body, options) {
      const created = await keys.put(principal, digest, body, options)
      if (created) warm(principal, digest)
      return created
    },
  })
  define(
    {
      method: 'get',
      path: '/v2/keys',
      id: 'listKeys',
      tag,
      summary: 'Evaluation keys of the tenant, the last used first',
      need: 'predict',
      replies: { 200: { description: 'The keys.', content: z.object({ keys: z.array(keySchema) }) } },
    },
    async ({ c, principal }) => {
      const [sets, { items }] = await Promise.all([
        keys.list(principal),
        registry.searchModels(principal, { limit: 1000 }),
      ])
      const models = new Map(
        items.flatMap(({ name, versions }) => versions.map(({ digest }) => [digest, name] as const)),
      )
      return c.json({
        keys: sets.map(({ digest, program, bytes, createdAt, usedAt, expiresAt }) => ({
          digest,
          program,
          model: models.get(program) ?? null,
          bytes,
          created: createdAt,
          used: usedAt,
          expires: expiresAt,
        })),
      })
    },
  )
  define(
    {
      method: 'delete',
      path: '/v2/keys/{sha256}',
      id: 'deleteKeys',
      tag,
      summary: 'Deletes a set of evaluation keys, or what is here of its upload',
      need: 'predict',
      params: { sha256: digestSchema },
      replies: { 204: { description: 'Deleted.' } },
      audit: 'keys.delete',
    },
    async ({ c, principal, params }) => {
      c.set('object', params.sha256)
      await keys.delete(principal, params.sha256)
      ownKeys.forget(principal.tenant, params.sha256)
      compute.forget(principal.tenant, params.sha256)
      return c.body(null, 204)
    },
  )
}

/** Parts of models for `push`; of one's own tenant. */
export function defineBlobs(define: Define, services: Services): void {
  const { registry, limits } = services
  defineUploads(define, services, {
    path: '/v2/blobs',
    tag: 'Models',
    what: 'the file',
    id: 'Blob',
    need: 'push',
    limit: limits.blobBytes,
    audit: 'blob.create',
    metric: 'blob',
    state: registry.blobState.bind(registry),
    append: registry.appendBlob.bind(registry),
    put: registry.putBlob.bind(registry),
  })
}
