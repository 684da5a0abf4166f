import { createHash, timingSafeEqual } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import { z } from '@hono/zod-openapi'
import type { Logger } from 'pino'
import { localPrincipal, type Principal } from '../access/principal.ts'
import { opening } from '../closers.ts'
import { type ConfigOptions, isLoopback, readConfig } from '../config.ts'
import type { SetServices } from '../http/context.ts'
import { Refusal } from '../http/errors.ts'
import { defineDocument } from '../http/openapi.ts'
import type { Define } from '../http/route.ts'
import { anyObject } from '../http/schemas.ts'
import { createShell } from '../http/shell.ts'
import { serverName, serverVersion } from '../http/version.ts'
import { listen } from '../listen.ts'
import { createMetrics, type Metrics } from '../observe/metrics.ts'
import type { Service } from '../service.ts'
import { openSets, readingsOf } from './open.ts'
import { defineSets } from './routes.ts'

/** What `serveSets` may be told, beside `host`, `port`, `tlsCert`, `tlsKey`, `origins`, `threads`, `trustProxy`, `drainMs`, `console` and `limits` of a service. */
export interface ServeSetsOptions
  extends Pick<
    ConfigOptions,
    'host' | 'port' | 'tlsCert' | 'tlsKey' | 'origins' | 'threads' | 'trustProxy' | 'drainMs' | 'console' | 'limits'
  > {
  /** Name → folder with epochs. */
  readonly folders: Readonly<Record<string, string>>
  /** All who call have to have it: 32 to 512 characters. Without one everybody may call whom the host lets in, and limits are by address. */
  readonly token?: string | undefined
  /** For `/metrics`, where the host is open to others. */
  readonly adminToken?: string | undefined
  /** Between two looks for a new epoch or content, in milliseconds; default 2000. */
  readonly pollMs?: number | undefined
  /** Time for which the epoch before the current one is answered for, in milliseconds; default 10 minutes. */
  readonly lingerMs?: number | undefined
}

/**
 * A small service that does nothing but serve sets: its routes, health, metrics, the console's page. It keeps nothing on disk. It resolves when the sets are in memory and
 * requests can be sent. Throws ConfigError; GloveboxError as `openSender`, and `unavailable` where the port cannot be had.
 */
export async function serveSets(options: ServeSetsOptions, log: Logger): Promise<Service> {
  const { folders, token, adminToken, pollMs, lingerMs, ...rest } = options
  // Nobody can change anything here, so an open host needs no token: the limits stand in front of the sets.
  const config = readConfig(
    { ...rest, sets: folders, tokens: true, ...(adminToken !== undefined && { adminToken }) },
    {},
  )
  const tokens = createFixedTokens(token, adminToken)
  return opening(async (closers) => {
    let draining = false
    const { limits, host } = config
    // Nothing else computes here.
    const threads = rest.threads === undefined ? 'auto' : config.threads
    const sets = await openSets({ folders: config.sets, threads, limits, log, pollMs, lingerMs })
    closers.add(() => sets.close())
    const metrics = createMetrics(serverVersion)
    metrics.sets.read(() => readingsOf(sets.senders))
    const open = !isLoopback(host) || config.trustProxy
    const services: SetServices = {
      tokens,
      audit: { append: async () => undefined },
      metrics,
      log,
      limits,
      access: {
        tokens: token !== undefined,
        open,
        origins: config.origins,
        trustProxy: config.trustProxy,
        tls: config.tls !== undefined,
      },
      intake: { limit: limits.receiving, used: 0 },
      sets: sets.senders,
      draining: () => draining,
      console: config.console,
    }
    const { app, define, finish } = createShell(services)
    defineSets(define, services)
    defineOwn(define, { metrics, draining: () => draining, tokens: token !== undefined, open })
    defineDocument(app, define)
    finish()
    const door = await listen(app.fetch as Parameters<typeof listen>[0], config)
    closers.add(() => door.close(config.drainMs))
    let closing: Promise<void> | undefined
    return {
      url: door.url,
      close() {
        draining = true
        closing ??= closers.close()
        return closing
      },
    }
  })
}

const id = 'fixed'

/** A token for all who call, and one for the metrics. */
function createFixedTokens(token: string | undefined, adminToken: string | undefined): SetServices['tokens'] {
  const known: [Buffer, Principal][] = []
  // Limits are by address where all have the same token.
  if (token !== undefined) {
    if (!/^[\x21-\x7e]{32,512}$/.test(token))
      throw new TypeError('"token" expected 32 to 512 printable characters without spaces, hard to guess')
    known.push([sha256(token), { tenant: 'local', token: undefined, scopes: new Set(['predict']) }])
  }
  if (adminToken !== undefined) known.push([sha256(adminToken), { ...localPrincipal, token: id }])
  return {
    async verify(given) {
      const digest = sha256(given)
      const found = known.find(([each]) => timingSafeEqual(each, digest))
      if (found) return found[1]
      throw new GloveboxError('unauthorised', 'this token is none of this server')
    },
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

interface Own {
  readonly metrics: Metrics
  readonly draining: () => boolean
  readonly tokens: boolean
  readonly open: boolean
}

/** Health, metrics, and what the console asks every service. */
function defineOwn(define: Define, { metrics, draining, tokens, open }: Own): void {
  const tag = 'Administration'
  const json = (content: z.ZodType) => ({ 200: { description: 'JSON.', content } })
  define(
    {
      method: 'get',
      path: '/v2',
      id: 'serverMetadata',
      tag,
      summary: 'Name, version and extensions of the server',
      need: 'public',
      replies: json(z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })),
    },
    ({ c }) => c.json({ name: serverName, version: serverVersion, extensions: ['sets'] }),
  )
  define(
    {
      method: 'get',
      path: '/v2/health/live',
      id: 'live',
      tag,
      summary: 'Whether the process answers',
      need: 'public',
      replies: json(z.object({ live: z.boolean() })),
    },
    ({ c }) => c.json({ live: true }),
  )
  const ready = z.object({ ready: z.boolean(), live: z.boolean() })
  define(
    {
      method: 'get',
      path: '/v2/health/ready',
      id: 'ready',
      tag,
      summary: 'Whether requests should come here: the sets are in memory, no stop was asked for',
      need: 'public',
      replies: { ...json(ready), 503: { description: 'It is stopping.', content: ready } },
    },
    ({ c }) => c.json({ ready: !draining(), live: !draining() }, draining() ? 503 : 200),
  )
  define(
    {
      method: 'get',
      path: '/v2/models',
      id: 'listModels',
      tag,
      summary: 'None: this server has sets',
      need: 'any',
      replies: json(z.object({ models: z.array(anyObject('ModelSummary', 'There is none.')) })),
    },
    ({ c }) => c.json({ models: [] }),
  )
  define(
    {
      method: 'get',
      path: '/v2/whoami',
      id: 'whoami',
      tag,
      summary: 'Who calls',
      need: 'any',
      replies: json(
        z.object({
          tenant: z.string(),
          token: z.string().nullable(),
          scopes: z.array(z.string()),
          tokens: z.boolean(),
        }),
      ),
    },
    ({ c }) => c.json({ tenant: 'local', token: null, scopes: ['predict'], tokens }),
  )
  define(
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      tag,
      summary: 'For Prometheus: on loopback, or with the admin token',
      need: 'any',
      replies: { 200: { description: 'Text format.', content: 'text/plain' } },
    },
    async ({ c, principal }) => {
      if ((open || tokens) && principal.token !== id)
        throw new Refusal(403, 'unauthorised', 'metrics need the admin token where others than this machine may call')
      c.header('content-type', metrics.contentType)
      return c.body(await metrics.text())
    },
  )
}
