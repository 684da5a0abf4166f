import { GloveboxError } from '@glovebox/he'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Principal, Scope } from '../access/principal.ts'
import type { Appended, Part, UploadState } from '../store/uploads.ts'
import { announcedLength, streamBody } from './body.ts'
import type { Env, Services } from './context.ts'
import { Refusal } from './errors.ts'
import type { Define } from './route.ts'
import { digestSchema } from './schemas.ts'

/** Where uploads go: keys, or parts of models. */
export interface UploadTarget {
  /** Without a slash at the end. */
  readonly path: string
  readonly tag: string
  /** In the singular, for errors and the document. */
  readonly what: string
  /** For the document: Keys → putKeys. */
  readonly id: string
  readonly need: Scope
  readonly limit: number
  readonly audit: string
  readonly metric: 'keys' | 'blob'
  state(p: Principal, digest: string): Promise<(UploadState & { readonly expiresAt?: number }) | undefined>
  append(p: Principal, digest: string, part: Part): Promise<Appended>
  put(
    p: Principal,
    digest: string,
    body: AsyncIterable<Uint8Array>,
    options: { readonly total?: number | undefined },
  ): Promise<boolean>
}

const doneSchema = z.object({ digest: z.string() })
const offsetReply = { description: 'Header "upload-offset": how much is here.' }

/** HEAD, PUT and PATCH of content-addressed uploads: whole, or in parts that may be sent again. Bodies go to the store in a stream. */
export function defineUploads(define: Define, services: Services, target: UploadTarget): void {
  const { limits, metrics } = services
  const { path: base, what, tag, need, limit, id, audit } = target
  const path = `${base}/{sha256}`
  const params = { sha256: digestSchema }
  /** Bodies that are coming in, by tenant. */
  const coming = new Map<string, number>()
  /** What is stored has a quota, which those that are just coming in are not part of. */
  async function inPlace<T>({ tenant }: Principal, run: () => Promise<T>): Promise<T> {
    const others = coming.get(tenant) ?? 0
    if (others >= limits.tenantUploads) {
      metrics.rateLimited('uploads')
      throw new GloveboxError('unavailable', `${others} of your uploads are coming in: try again in a moment`)
    }
    coming.set(tenant, others + 1)
    try {
      return await run()
    } finally {
      const left = coming.get(tenant)! - 1
      if (left > 0) coming.set(tenant, left)
      else coming.delete(tenant)
    }
  }
  async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of body) {
      metrics.upload(target.metric, piece.length)
      yield piece
    }
  }

  define(
    {
      method: 'head',
      path,
      id: `head${id}`,
      tag,
      summary: `Whether ${what} is here, and how much of an unfinished upload`,
      need,
      params,
      replies: {
        200: { description: 'It is here, until "expires" if there is such a header.' },
        404: offsetReply,
      },
    },
    async ({ c, principal, params }) => {
      const state = await target.state(principal, params.sha256)
      if (state?.expiresAt !== undefined) c.header('expires', new Date(state.expiresAt).toUTCString())
      c.header('upload-offset', String(state ? (state.complete ? state.bytes : state.offset) : 0))
      return c.body(null, state?.complete ? 200 : 404)
    },
  )
  define(
    {
      method: 'put',
      path,
      id: `put${id}`,
      tag,
      summary: `Uploads ${what} whole`,
      need,
      params,
      binary: 'application/octet-stream',
      replies: {
        200: { description: 'It was here already.', content: doneSchema },
        201: { description: 'Stored.', content: doneSchema },
      },
      audit,
    },
    async ({ c, principal, params }) => {
      const { sha256 } = params
      c.set('object', sha256)
      const total = announcedLength(c)
      if (total === undefined && c.req.header('transfer-encoding') === undefined && c.env?.incoming)
        throw new Refusal(411, 'malformed', 'the body expected a "content-length"')
      const body = counted(streamBody(c, { limit, idleMs: limits.idleMs, what }))
      const created = await inPlace(principal, () => target.put(principal, sha256, body, { total }))
      c.set('unchanged', !created)
      c.get('log').info({ digest: sha256.slice(0, 16), bytes: total, created }, `${target.metric} stored`)
      return c.json({ digest: sha256 }, created ? 201 : 200)
    },
  )
  define(
    {
      method: 'patch',
      path,
      id: `patch${id}`,
      tag,
      summary: `Uploads a part of ${what}, at most ${limits.partBytes} bytes, from where the upload is`,
      need,
      params,
      headers: {
        'upload-offset': z.string().openapi({ description: 'Of the first byte of this part.' }),
        'upload-length': z.string().openapi({ description: 'Bytes of the whole.' }),
      },
      binary: 'application/octet-stream',
      replies: {
        200: { description: 'It was here already.' },
        201: { description: 'That was the last part; it is stored.' },
        204: offsetReply,
        409: {
          ...offsetReply,
          description: 'The part begins elsewhere than where the upload is: go on at "upload-offset".',
        },
      },
    },
    async ({ c, principal, params }) => {
      const { sha256 } = params
      c.set('object', sha256)
      const [offset, total] = [countHeader(c, 'upload-offset'), countHeader(c, 'upload-length')]
      if (total > limit)
        throw new GloveboxError('too-large', `${what} has ${total} bytes, at most ${limit} are accepted`)
      const body = counted(streamBody(c, { limit: limits.partBytes, idleMs: limits.idleMs, what: 'the part' }))
      const part = { offset, total, body }
      const done = await inPlace(principal, () => target.append(principal, sha256, part))
      c.header('upload-offset', String(done.offset))
      if (!done.fits)
        throw new Refusal(409, 'malformed', `the upload is at ${done.offset}, the part begins at ${offset}`, {
          'upload-offset': String(done.offset),
        })
      if (!done.complete) return c.body(null, 204)
      if (done.created) {
        const { tenant, token } = principal
        await services.audit.append({
          tenant,
          token,
          action: audit,
          object: sha256,
          outcome: 'ok',
          request: c.get('requestId'),
        })
      }
      return c.json({ digest: sha256 }, done.created ? 201 : 200)
    },
  )
}

function countHeader(c: Context<Env>, name: string): number {
  const value = c.req.header(name)
  if (value !== undefined && /^\d{1,15}$/.test(value)) return Number(value)
  throw new GloveboxError(
    'malformed',
    `the header "${name}" expected a count of bytes, got ${value === undefined ? 'none' : JSON.stringify(value.slice(0, 40))}`,
  )
}
