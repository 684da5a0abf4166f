import { GloveboxError } from '@glovebox/he'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { requestId } from '../observe/log.ts'
import { startTrace } from '../observe/trace.ts'
import { boundary } from './boundary.ts'
import { openConsole } from './console.ts'
import type { Env, RouteServices } from './context.ts'
import { refuse } from './errors.ts'
import { createRoutes, type Define } from './route.ts'

/** An app without routes: ids, logs, traces and metrics of requests, checks of what surrounds them, errors, and the console's page. */
export function createShell(services: RouteServices): { app: OpenAPIHono<Env>; define: Define; finish(): void } {
  const { log, metrics, access, draining } = services
  const { app, define, finish } = createRoutes(services)
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
  return { app, define, finish }
}

/** The pattern that answered; never the path, which anybody may choose. */
function routeOf(matched: readonly { readonly path: string }[]): string {
  const last = matched.at(-1)?.path
  return last === undefined || last === '/*' || last === '*' ? 'other' : last
}
