import { GloveboxError } from '@glovebox/he'
import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { getPath } from 'hono/utils/url'
import type { Principal } from '../access/principal.ts'
import { type Allow, createAllow, type Need } from './auth.ts'
import { streamBody } from './body.ts'
import type { Env, RouteServices } from './context.ts'
import { Refusal } from './errors.ts'

export type Method = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete'
type Shape = Readonly<Record<string, z.ZodType>>
type Values<S extends Shape | undefined> = S extends Shape
  ? z.infer<z.ZodObject<{ -readonly [K in keyof S]: S[K] }>>
  : Record<never, never>

/** What a route answers with. */
export interface Reply {
  readonly description: string
  /** A schema of JSON, or the media type of something else; undefined for no body. */
  readonly content?: z.ZodType | string
}

/** A route: what it is for, who may call it, what it takes and gives. The OpenAPI document is made of the same. */
export interface Route<
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
> {
  readonly method: Method
  /** With {names} of parameters. */
  readonly path: string
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly need: Need
  readonly params?: P
  readonly query?: Q
  /** Headers, for the document; handlers read them. */
  readonly headers?: Shape
  /** Of JSON. */
  readonly body?: B
  /** Media type of a body that the handler reads by itself. */
  readonly binary?: string
  readonly replies: Readonly<Record<number, Reply>>
  /** Name of the change for the audit log, where it is one. */
  readonly audit?: string
}

/** What a handler is given. */
export interface Call<P extends Shape | undefined, Q extends Shape | undefined, B extends z.ZodType | undefined> {
  readonly c: Context<Env>
  /** Of public routes: a principal without scopes. */
  readonly principal: Principal
  readonly params: Values<P>
  readonly query: Values<Q>
  readonly body: B extends z.ZodType ? z.infer<B> : undefined
}

export type Handler<P extends Shape | undefined, Q extends Shape | undefined, B extends z.ZodType | undefined> = (
  call: Call<P, Q, B>,
) => Promise<Response> | Response

/** Takes routes into an app. */
export type Define = <
  P extends Shape | undefined = undefined,
  Q extends Shape | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  route: Route<P, Q, B>,
  handler: Handler<P, Q, B>,
) => void

/** The text of the Open Inference Protocol has /v2, its OpenAPI document /v2/. */
const pathOf = (request: Request): string => getPath(request).replace(/^\/v2\/$/, '/v2')

const nobody: Principal = { tenant: '-', token: undefined, scopes: new Set() }
const errorSchema = z
  .object({ error: z.string(), code: z.string() })
  .openapi('Error', { description: 'What went wrong and what to do, and a code that programs can tell apart.' })

type Run = (c: Context<Env>) => Promise<Response>

/** An app, and the one way to add routes to it: authorisation, checks of parameters and bodies, audit, and the document, for all of them alike. */
export function createRoutes(services: RouteServices): { app: OpenAPIHono<Env>; define: Define; finish(): void } {
  const app = new OpenAPIHono<Env>({ getPath: pathOf })
  const allow = createAllow(services)
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'A token of this server. Where it runs without configuration, on loopback, none is needed.',
  })
  // Hono answers HEAD by the route of GET.
  const byPath = new Map<string, Map<Method, Run>>()

  const define: Define = (route, handler) => {
    document(app, route)
    const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
    let methods = byPath.get(path)
    if (!methods) {
      methods = new Map()
      byPath.set(path, methods)
    }
    methods.set(route.method, runner(route, handler, services, allow))
  }

  return {
    app,
    define,
    finish() {
      for (const [path, methods] of byPath) {
        const allowed = [...methods.keys()].map((method) => method.toUpperCase()).join(', ')
        app.all(path, (c) => {
          const method = c.req.method.toLowerCase() as Method
          const run = methods.get(method) ?? (method === 'head' ? methods.get('get') : undefined)
          if (run) return run(c)
          throw new Refusal(405, 'unsupported', `${c.req.method} is not for this address; it takes ${allowed}`, {
            allow: allowed,
          })
        })
      }
    },
  }
}

function runner<P extends Shape | undefined, Q extends Shape | undefined, B extends z.ZodType | undefined>(
  route: Route<P, Q, B>,
  handler: Handler<P, Q, B>,
  services: RouteServices,
  allow: Allow,
): Run {
  const { need } = route
  const params = route.params && z.object(route.params)
  const query = route.query && z.object(route.query)
  const run = async (c: Context<Env>, principal: Principal): Promise<Response> => {
    const call = {
      c,
      principal,
      params: params ? check(params, c.req.param(), 'the address') : {},
      query: query ? check(query, c.req.query(), 'the query of the address') : {},
      body: route.body ? check(route.body, await readJson(c, services, isOptional(route.body)), 'the body') : undefined,
    }
    return handler(call as unknown as Call<P, Q, B>)
  }
  return async (c) => {
    let principal = nobody
    try {
      if (need !== 'public') principal = await c.get('trace').span('auth', () => allow(c, need))
      const response = await run(c, principal)
      if (route.audit && !c.get('unchanged')) await note(services, c, principal, route.audit, 'ok')
      return response
    } catch (error) {
      // Hono takes nothing else for an error.
      if (!(error instanceof Error)) throw new Error(String(error))
      if (!(error instanceof GloveboxError)) throw error
      const refused = error instanceof Refusal && (error.status === 401 || error.status === 403)
      if (refused || (error.code === 'unauthorised' && principal !== nobody) || (route.audit && principal !== nobody))
        // What was refused is refused, whether or not it can be written down.
        note(
          services,
          c,
          c.get('principal') ?? nobody,
          route.audit ?? `${route.method} ${route.path}`,
          error.code,
        ).catch((err: unknown) => c.get('log').error({ err }, 'the audit log cannot be written'))
      // The registry looks at scopes, too; who it is was known by then.
      if (error.code === 'unauthorised' && !(error instanceof Refusal))
        throw new Refusal(403, 'unauthorised', error.message)
      throw error
    }
  }
}

function note(services: RouteServices, c: Context<Env>, p: Principal, action: string, outcome: string): Promise<void> {
  return services.audit.append({
    tenant: p.tenant,
    token: p.token,
    action,
    object: (c.get('object') ?? c.req.path).slice(0, 256),
    outcome,
    request: c.get('requestId'),
  })
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new GloveboxError(
    'malformed',
    `${what}: ${path.length > 0 ? `"${path.join('.').slice(0, 100)}" ` : ''}${message}`,
  )
}

const isOptional = (schema: z.ZodType): boolean => schema.safeParse(undefined).success

async function readJson(c: Context<Env>, { limits }: RouteServices, optional: boolean): Promise<unknown> {
  const type = c.req.header('content-type')
  const empty = (c.req.header('content-length') ?? '0') === '0' && c.req.header('transfer-encoding') === undefined
  if (optional && empty) return undefined
  if (type === undefined || !/^application\/json *(;|$)/i.test(type))
    throw new Refusal(415, 'unsupported', 'the body expected JSON, with "content-type: application/json"')
  const pieces: Uint8Array[] = []
  for await (const piece of streamBody(c, { limit: limits.jsonBytes, idleMs: limits.idleMs, what: 'the body' }))
    pieces.push(piece)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)))
  } catch {
    throw new GloveboxError('malformed', 'the body is not JSON')
  }
}

function document<P extends Shape | undefined, Q extends Shape | undefined, B extends z.ZodType | undefined>(
  app: OpenAPIHono<Env>,
  { method, path, id, tag, summary, need, params, query, headers, body, binary, replies }: Route<P, Q, B>,
): void {
  const responses = Object.fromEntries(
    Object.entries(replies).map(([status, { description, content }]) => [
      status,
      {
        description,
        ...(content !== undefined && {
          content:
            typeof content === 'string'
              ? { [content]: { schema: { type: 'string' as const, format: 'binary' } } }
              : { 'application/json': { schema: content } },
        }),
      },
    ]),
  )
  app.openAPIRegistry.registerPath({
    method,
    path,
    operationId: id,
    tags: [tag],
    summary,
    security: need === 'public' ? [] : [{ token: need === 'any' ? [] : [need] }],
    request: {
      ...(params && { params: z.object(params) }),
      ...(query && { query: z.object(query) }),
      ...(headers && { headers: z.object(headers) }),
      ...(body && { body: { required: !isOptional(body), content: { 'application/json': { schema: body } } } }),
      ...(binary && {
        body: { required: true, content: { [binary]: { schema: { type: 'string' as const, format: 'binary' } } } },
      }),
    },
    responses: {
      ...responses,
      default: { description: 'Refused.', content: { 'application/json': { schema: errorSchema } } },
    },
  })
}
