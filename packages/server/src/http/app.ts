import { GloveboxError } from '@glovebox/he'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { requestId } from '../observe/log.ts'
import { startTrace } from '../observe/trace.ts'
import { defineAdmin } from './admin.ts'
import { boundary } from './boundary.ts'
import { openConsole } from './console.ts'
import type { Env, Services } from './context.ts'
import { refuse } from './errors.ts'
import { defineFiles } from './files.ts'
import { defineInfer } from './infer.ts'
import { defineJobs } from './jobs.ts'
import { defineBlobs, defineKeys } from './keys.ts'
import { defineMlflow } from './mlflow.ts'
import { defineOip } from './oip.ts'
import { defineDocument } from './openapi.ts'
import { createOwnKeys } from './own-keys.ts'
import { createRoutes } from './route.ts'

/**
 * The service as a function from requests to responses, after the Open Inference Protocol version 2. It sees ciphertexts and
 * evaluation keys only; logs say who asked for what model, sizes and times.
 */
export function createApp(services: Services): OpenAPIHono<Env> {
  const { log, metrics, access, draining } = services
  const { app, define, finish } = createRoutes(services)
  const ownKeys = createOwnKeys(services.keys)
  const console = services.console === undefined ? undefined : openConsole(services.console)

  app.use(async (c, next) => {
    const started = performance.now()
    const request = requestId(access.trustProxy ? c.req.header('x-request-id') : undefined)
    c.set('requestId', request)
    const trace = startTrace(c.req.method, c.req.raw.headers)
    c.set('trace', trace)
    c.set('log', log.child(trace.id === undefined ? { request } : { request, trace: trace.id }))
    c.header('x-request-id', request)
    // Whoever keeps its connection open goes to another replica with its next request.
    if (draining()) c.header('connection', 'close')
    await next()
    const ms = Math.round(performance.now() - started)
    const { status } = c.res
    const route = routeOf(c.req.matchedRoutes)
    metrics.request(c.req.method, route, status)
    trace.set({ 'http.request.method': c.req.method, 'http.route': route })
    trace.end(status)
    c.get('log').info({ method: c.req.method, path: c.req.path.slice(0, 256), status, ms }, 'answered')
  })
  app.use(boundary(access))
  app.onError((error, c) => refuse(c, error))
  app.notFound((c) => {
    const found = /^\/(v2|api|metrics)(\/|$)/.test(c.req.path) ? undefined : console?.(c)
    return found ?? refuse(c, new GloveboxError('not-found', `there is no ${c.req.method} ${c.req.path.slice(0, 256)}`))
  })

  defineOip(define, services)
  defineInfer(define, services, ownKeys)
  defineFiles(define, services)
  defineKeys(define, services, ownKeys)
  defineBlobs(define, services)
  defineJobs(define, services, ownKeys)
  defineMlflow(define, services)
  defineAdmin(define, services)
  defineDocument(app, define)
  finish()
  return app
}

/** The pattern that answered; never the path, which anybody may choose. */
function routeOf(matched: readonly { readonly path: string }[]): string {
  const last = matched.at(-1)?.path
  return last === undefined || last === '/*' || last === '*' ? 'other' : last
}
