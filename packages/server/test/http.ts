import { createHash } from 'node:crypto'
import { pino } from 'pino'
import { compileTiny } from '../../client/test/tiny.ts'
import type { Principal, Scope } from '../src/access/principal.ts'
import type { Answer, Compute, Job } from '../src/compute/compute.ts'
import { type ConfigOptions, readConfig } from '../src/config.ts'
import { createApp } from '../src/http/app.ts'
import { openJobService } from '../src/jobs/open.ts'
import { createMetrics } from '../src/observe/metrics.ts'
import { loadModel, type Model } from '../src/registry/load.ts'
import { pushModel } from '../src/serve.ts'
import { openStores } from '../src/stores.ts'

// The routes on real stores, with a compute that does as it is told.

export const admin = 'an-admin-token-of-40-characters-or-more!'

let tiny: { client: Uint8Array<ArrayBuffer>; server: Uint8Array<ArrayBuffer>; model: Model } | undefined

/** A small model, compiled once; its card and examples are made up. */
export function tinyModel(): { client: Uint8Array<ArrayBuffer>; server: Uint8Array<ArrayBuffer>; model: Model } {
  if (tiny) return tiny
  const { client, server } = compileTiny()
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)
  const extras = {
    'card.md': text('# Tiny\n'),
    'examples.json': text('{"kind":"numbers","source":"synthetic","items":[]}'),
    'metrics.json': text('{"accuracy":0.5}'),
  }
  tiny = { client, server, model: loadModel({ name: 'tiny', clientPart: client, serverPart: server, extras }) }
  return tiny
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface SetUp {
  readonly config?: ConfigOptions
  readonly run?: (job: Job) => Promise<Answer>
  readonly ready?: boolean
  /** Without: the registry is empty. */
  readonly models?: readonly Model[]
  /** Whose they are. */
  readonly owner?: string
}

export type Lines = Record<string, unknown>[]
export type Call = (
  method: string,
  path: string,
  body?: BodyInit | Uint8Array | object,
  headers?: Record<string, string>,
) => Promise<Response>

/** An app, and what happened behind it. */
export async function setUpApp({
  config: options = {},
  run,
  ready = true,
  models = [tinyModel().model],
  owner = 'local',
}: SetUp = {}) {
  const config = readConfig(options, {})
  const lines: Lines = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const stores = await openStores(config)
  const seen: Job[] = []
  const forgotten: string[] = []
  const announced: string[] = []
  let draining = false
  const compute: Compute = {
    ready,
    async run(job) {
      seen.push(job)
      return (await run?.(job)) ?? { reply: Uint8Array.of(5, 6), computeMs: 12.3456, waitMs: 1, warmMs: 0 }
    },
    prepare: async () => undefined,
    forget: (tenant, digest) => void forgotten.push(`${tenant}/${digest}`),
    stats: () => ({
      threads: 1,
      busy: 0,
      waiting: {},
      queue: 64,
      keys: { count: 0, bytes: 0, budget: 1, hits: 0, loads: 0, evictions: 0 },
      models: { count: 0, bytes: 0, budget: 1, hits: 0, loads: 0, evictions: 0 },
      byThread: [],
      served: 0,
      refused: 0,
      failed: 0,
      turnedAway: 0,
      died: 0,
      recycled: 0,
    }),
    close: async () => undefined,
  }
  const principal = (tenant: string, ...scopes: Scope[]): Principal => ({
    tenant,
    token: undefined,
    scopes: new Set(scopes),
  })
  for (const model of models) await pushModel(stores.registry, principal(owner, 'push'), model)
  const jobs = await openJobService({ db: stores.database.db, objects: stores.objects, compute, log, sweepMs: 20 })
  const metrics = createMetrics('0.0.0')
  metrics.read({ compute: () => compute.stats() })
  const app = createApp({
    ...stores,
    jobs: jobs.jobs,
    compute,
    metrics,
    log,
    limits: config.limits,
    access: { tokens: config.tokens, origins: config.origins, trustProxy: config.trustProxy, tls: false },
    intake: { limit: config.limits.receiving, used: 0 },
    ready: stores.ready,
    draining: () => draining,
    announce: ({ name, version }) => void announced.push(`${name}@${version}`),
    console: config.console,
  })
  const call: Call = async (method, path, body, headers = {}) => {
    const plain = body !== undefined && Object.getPrototypeOf(body) === Object.prototype
    return app.request(path, {
      method,
      headers: { ...(plain && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: (plain ? JSON.stringify(body) : body) as BodyInit, duplex: 'half' }),
    } as RequestInit)
  }
  /** A token, as a header. */
  const token = async (tenant: string, ...scopes: Scope[]): Promise<{ authorization: string }> => {
    const { token } = await stores.tokens.create({ tenant, name: 'test', scopes })
    return { authorization: `Bearer ${token}` }
  }
  return {
    app,
    call,
    token,
    stores,
    jobs: jobs.jobs,
    seen,
    forgotten,
    announced,
    lines,
    drain: () => {
      draining = true
    },
    async [Symbol.asyncDispose]() {
      await jobs.close()
      await stores.close()
    },
  }
}

/** The body of an `infer` request, and the length of its JSON header. */
export function inferBody(header: unknown, frame: Uint8Array): { body: Uint8Array<ArrayBuffer>; length: string } {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const body = new Uint8Array(json.length + 4 + frame.length)
  body.set(json)
  new DataView(body.buffer).setUint32(json.length, frame.length, true)
  body.set(frame, json.length + 4)
  return { body, length: String(json.length) }
}

export const errorOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: string }).error
