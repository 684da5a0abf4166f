import type { Context, MiddlewareHandler } from 'hono'
import { isLoopback } from '../config.ts'
import type { Access, Env } from './context.ts'
import { Refusal } from './errors.ts'

const exposed = [
  'inference-header-content-length',
  'upload-offset',
  'retry-after',
  'server-timing',
  'glovebox-model-version',
  'x-request-id',
  'etag',
  'expires',
].join(', ')
const allowedHeaders = [
  'authorization',
  'content-type',
  'inference-header-content-length',
  'glovebox-keys',
  'idempotency-key',
  'upload-offset',
  'upload-length',
  'if-none-match',
  'x-request-id',
  'traceparent',
].join(', ')
const allowedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE'

/** What no page of another origin may make of an answer of the API. */
const apiHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** Checks on what surrounds a request, before anything looks at it: encodings, Host, Origin; and the headers of every answer. */
export function boundary(access: Access): MiddlewareHandler<Env> {
  const entries = Object.entries(apiHeaders)
  return async (c, next) => {
    for (const [name, value] of entries) c.header(name, value)
    if (access.tls || (access.trustProxy && c.req.header('x-forwarded-proto') === 'https'))
      c.header('strict-transport-security', 'max-age=31536000')
    const origin = c.req.header('origin')
    const granted = origin !== undefined && (access.origins.includes(origin) || access.origins.includes('*'))
    if (granted) {
      c.header('access-control-allow-origin', access.origins.includes('*') ? '*' : origin)
      c.header('access-control-expose-headers', exposed)
      c.header('vary', 'origin')
    }
    if (!access.tokens && !access.open) requireLocal(c, origin, granted)
    if (c.req.method === 'OPTIONS') {
      if (granted) {
        c.header('access-control-allow-methods', allowedMethods)
        c.header('access-control-allow-headers', allowedHeaders)
        c.header('access-control-max-age', '7200')
      }
      return c.body(null, 204)
    }
    // A few bytes that unpack to gigabytes are not taken in at all.
    const encoding = c.req.header('content-encoding')
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity')
      throw new Refusal(415, 'unsupported', 'bodies are taken as they are: send them without "content-encoding"')
    await next()
  }
}

/** Written by proxies, behind which others than this machine stand. */
const forwarding = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded']

/**
 * Where no token is asked for, a page that somebody opens on this machine must not be able to: neither under a name that it made point here (DNS rebinding),
 * nor by sending what it cannot read the answer to.
 */
function requireLocal(c: Context<Env>, origin: string | undefined, granted: boolean): void {
  const host = c.req.header('host')
  const brought = forwarding.find((name) => c.req.header(name) !== undefined)
  if (brought !== undefined)
    throw new Refusal(
      403,
      'unauthorised',
      `this server asks for no token, and the header "${brought}" says that a proxy brought the request from elsewhere: it has to run with tokens (GLOVEBOX_ADMIN_TOKEN)`,
    )
  if (host !== undefined && !isLoopback(hostname(host)))
    throw new Refusal(
      403,
      'unauthorised',
      'this server asks for no token and answers to names of this machine only, such as 127.0.0.1 or localhost: to be reached under another one it has to run with tokens',
    )
  if (c.req.method === 'GET' || c.req.method === 'HEAD' || c.req.method === 'OPTIONS' || granted) return
  const site = c.req.header('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site' || (origin !== undefined && !sameHost(origin, host)))
    throw new Refusal(
      403,
      'unauthorised',
      'pages of other origins may not write here: allow them by "origins" (GLOVEBOX_ORIGINS)',
    )
}

function hostname(host: string): string {
  return host.replace(/:\d+$/, '')
}

function sameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}
