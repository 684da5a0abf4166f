import { z } from '@hono/zod-openapi'
import type { Token } from '../access/tokens.ts'
import type { Services } from './context.ts'
import type { Define } from './route.ts'
import { anyObject, integerText, timeSchema } from './schemas.ts'

const tag = 'Administration'
const scopeSchema = z.enum(['predict', 'push', 'admin'])
const tokenSchema = z
  .object({
    id: z.string(),
    tenant: z.string(),
    name: z.string(),
    scopes: z.array(scopeSchema),
    created: timeSchema,
    expires: timeSchema.nullable(),
    revoked: timeSchema.nullable(),
  })
  .openapi('Token', { description: 'A token, without what makes it one.' })
const entrySchema = z
  .object({
    at: timeSchema,
    tenant: z.string(),
    token: z.string().nullable(),
    action: z.string(),
    object: z.string(),
    outcome: z.string(),
    request: z.string().nullable(),
  })
  .openapi('AuditEntry')

/** Tokens, audit log, statistics and metrics. */
export function defineAdmin(define: Define, { tokens, audit, metrics, access }: Services): void {
  define(
    {
      method: 'post',
      path: '/v2/tokens',
      id: 'createToken',
      tag,
      summary: 'Makes a token for a tenant; it is shown in this answer and never again',
      need: 'admin',
      body: z.object({
        tenant: z.string().max(63),
        name: z.string().max(128),
        scopes: z.array(scopeSchema).min(1).max(3),
        expires_in: z.int().min(1).max(10_000_000_000).optional().openapi({ description: 'Seconds; default: never.' }),
      }),
      replies: {
        201: { description: 'The token.', content: tokenSchema.extend({ token: z.string() }).openapi('NewToken') },
      },
      audit: 'token.create',
    },
    async ({ c, body }) => {
      c.set('object', `${body.tenant}: ${body.scopes.join(' ')}`)
      const { expires_in: expiresIn, ...rest } = body
      const { token, entry } = await tokens.create({ ...rest, expiresIn })
      c.set('object', `${entry.id} of ${entry.tenant}: ${entry.scopes.join(' ')}`)
      return c.json({ ...show(entry), token }, 201)
    },
  )
  define(
    {
      method: 'get',
      path: '/v2/tokens',
      id: 'listTokens',
      tag,
      summary: 'Tokens, newest first',
      need: 'admin',
      query: { tenant: z.string().max(63).optional() },
      replies: { 200: { description: 'The tokens.', content: z.object({ tokens: z.array(tokenSchema) }) } },
    },
    async ({ c, query }) => c.json({ tokens: (await tokens.list(query.tenant)).map(show) }),
  )
  define(
    {
      method: 'delete',
      path: '/v2/tokens/{id}',
      id: 'revokeToken',
      tag,
      summary: 'Revokes a token',
      need: 'admin',
      params: { id: z.string().max(64) },
      replies: { 204: { description: 'It is worth nothing any more.' } },
      audit: 'token.revoke',
    },
    async ({ c, params }) => {
      c.set('object', params.id)
      await tokens.revoke(params.id)
      return c.body(null, 204)
    },
  )
  define(
    {
      method: 'get',
      path: '/v2/whoami',
      id: 'whoami',
      tag,
      summary: 'Tenant and scopes of the caller',
      need: 'any',
      replies: {
        200: {
          description: '"token": its id; "tokens": whether this server asks for them.',
          content: z.object({
            tenant: z.string(),
            token: z.string().nullable(),
            scopes: z.array(scopeSchema),
            tokens: z.boolean(),
          }),
        },
      },
    },
    ({ c, principal }) =>
      c.json({
        tenant: principal.tenant,
        token: principal.token ?? null,
        scopes: [...principal.scopes],
        tokens: access.tokens,
      }),
  )
  define(
    {
      method: 'get',
      path: '/v2/audit',
      id: 'audit',
      tag,
      summary: 'Who changed what, and who was refused; newest first',
      need: 'admin',
      query: {
        limit: integerText(1, 1000),
        before: integerText(0, Number.MAX_SAFE_INTEGER),
        tenant: z.string().max(63).optional(),
      },
      replies: { 200: { description: 'Entries.', content: z.object({ entries: z.array(entrySchema) }) } },
    },
    async ({ c, query }) => {
      const entries = await audit.list(query)
      return c.json({
        entries: entries.map(({ token, request, ...rest }) => ({
          ...rest,
          token: token ?? null,
          request: request ?? null,
        })),
      })
    },
  )
  define(
    {
      method: 'get',
      path: '/v2/stats',
      id: 'stats',
      tag,
      summary: 'Counters since the start of this replica, and what is in its memory',
      need: 'admin',
      replies: {
        200: {
          description: 'Statistics.',
          content: anyObject('Stats', 'requests, queue, threads, keys, memory, uploads, jobs, models.'),
        },
      },
    },
    async ({ c }) => c.json(await metrics.stats()),
  )
  define(
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      tag,
      summary: 'The same for Prometheus',
      need: 'admin',
      replies: { 200: { description: 'Text format.', content: 'text/plain' } },
    },
    async ({ c }) => {
      c.header('content-type', metrics.contentType)
      return c.body(await metrics.text())
    },
  )
}

function show({ id, tenant, name, scopes, createdAt, expiresAt, revokedAt }: Token): object {
  return { id, tenant, name, scopes, created: createdAt, expires: expiresAt ?? null, revoked: revokedAt ?? null }
}
