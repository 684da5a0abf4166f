import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { decodeFrame, GloveboxError, toHex } from '@glovebox/he'
import { type Context, Hono } from 'hono'
import type { Logger } from 'pino'
import type { Compute } from '../compute/compute.ts'
import { createKeyStore, type KeyStore } from '../keys/key-store.ts'
import type { Model, Registry } from '../registry/registry.ts'
import { type Intake, readBody } from './body.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { decodeInferRequest, encodeInferResponse, keyDigest, lengthHeader } from './protocol.ts'
import { statusOf } from './status.ts'

type Env = { Variables: { log: Logger } }

/** What the service calls itself in `GET /v2`. */
export const serverName = 'glovebox'
export const serverVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version

/**
 * The service as a function from requests to responses, after the Open Inference Protocol version 2. It sees ciphertexts and
 * evaluation keys only; logs say who asked for what model, sizes and times.
 */
export function createApp(
  registry: Registry,
  compute: Compute,
  log: Logger,
  limits: Limits = defaultLimits,
): Hono<Env> {
  const keys = createKeyStore(limits.keyMemory)
  const intake: Intake = { limit: limits.receiving, used: 0 }
  const app = new Hono<Env>()

  app.use(async (c, next) => {
    const started = performance.now()
    const request = randomUUID()
    c.set('log', log.child({ request }))
    c.header('x-request-id', request)
    await next()
    const ms = Math.round(performance.now() - started)
    c.get('log').info({ method: c.req.method, path: c.req.path, status: c.res.status, ms }, 'answered')
  })
  app.onError((error, c) => refuse(c, error))
  app.notFound((c) => c.json({ error: `there is no ${c.req.method} ${c.req.path}` }, 404))

  app.get('/v2', (c) =>
    c.json({ name: serverName, version: serverVersion, extensions: ['he.ckks', 'binary_tensor_data'] }),
  )
  app.get('/v2/health/live', (c) => c.json({ live: true }))
  app.get('/v2/health/ready', (c) => c.json({ ready: compute.ready }, compute.ready ? 200 : 503))

  const modelOf = (c: Context<Env>): Model => registry.get(c.req.param('name') ?? '')

  const models = new Hono<Env>()
  models.get('/', (c) => c.json(metadata(modelOf(c))))
  models.get('/ready', (c) => {
    const { name } = modelOf(c)
    return c.json({ name, ready: compute.ready }, compute.ready ? 200 : 503)
  })
  models.get('/client', (c) => {
    const { clientPart, digest } = modelOf(c)
    c.header('etag', `"${digest}"`)
    return c.body(clientPart, 200, { 'content-type': 'application/octet-stream' })
  })

  app.put('/v2/keys/:digest', async (c) => {
    const wanted = requireDigest(c)
    const body = await readBody(c.req.raw, limits.keyBytes, intake, 'the set of evaluation keys')
    const found = createHash('sha256').update(body).digest('hex')
    if (found !== wanted)
      throw new GloveboxError('malformed', `the evaluation keys have the SHA-256 ${found}, the address says ${wanted}`)
    requireServed(registry, body)
    const known = keys.has(wanted)
    keys.put(wanted, body)
    c.get('log').info({ keys: wanted.slice(0, 16), bytes: body.length, kept: keys.bytes }, 'evaluation keys stored')
    return c.json({ digest: wanted }, known ? 200 : 201)
  })
  // Hono answers HEAD by the GET route, without its body.
  app.get('/v2/keys/:digest', (c) => {
    c.header('allow', 'HEAD, PUT, DELETE')
    if (c.req.method !== 'HEAD')
      return c.json({ error: 'evaluation keys are not given out: use HEAD to ask whether they are here' }, 405)
    return c.body(null, keys.has(requireDigest(c)) ? 200 : 404)
  })
  app.delete('/v2/keys/:digest', (c) => {
    const digest = requireDigest(c)
    compute.forget(digest)
    if (!keys.delete(digest)) throw new GloveboxError('not-found', `there are no evaluation keys ${digest} here`)
    return c.body(null, 204)
  })

  models.post('/infer', async (c) => {
    const model = modelOf(c)
    const body = await readBody(c.req.raw, limits.queryBytes, intake, 'the query')
    const request = decodeInferRequest(body, c.req.header(lengthHeader))
    requireKeys(model, request.keys, keys)
    const log = c.get('log').child({ model: model.name })
    log.info({ queryBytes: body.length, keys: request.keys?.slice(0, 16) }, 'query received')
    const received = performance.now()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), limits.inferMs)
    const job = {
      model: model.name,
      keysDigest: request.keys,
      keys: () => (request.keys === undefined ? undefined : keys.get(request.keys)),
      query: request.query,
      signal: AbortSignal.any([c.req.raw.signal, deadline.signal]),
    }
    // While it waits and is computed on, the query takes as much room as it did on its way in.
    intake.used += body.length
    const { reply, computeMs } = await compute
      .run(job)
      .catch((error: unknown) => {
        if (!deadline.signal.aborted) throw error
        throw new GloveboxError('unavailable', `the query was stopped: it took longer than ${limits.inferMs / 1000} s`)
      })
      .finally(() => {
        clearTimeout(timer)
        intake.used -= body.length
      })
    const { body: answer, headerLength } = encodeInferResponse({ model: model.name, id: request.id, reply, computeMs })
    const waitedMs = Math.round(performance.now() - received - computeMs)
    log.info({ replyBytes: answer.length, computeMs: Math.round(computeMs), waitedMs }, 'query answered')
    return c.body(answer, 200, { 'content-type': 'application/octet-stream', [lengthHeader]: String(headerLength) })
  })

  // There is one version of each model; clients of the protocol may name it.
  for (const version of ['', '/versions/1']) app.route(`/v2/models/:name${version}`, models)
  return app
}

/** Evaluation keys are kept only if they are whole and of a model that is served. */
function requireServed({ models }: Registry, keys: Uint8Array): void {
  const { owner } = decodeFrame(keys, 'evaluation keys of a program', { what: 'the set of evaluation keys' })
  const digest = toHex(owner)
  if (models.some((model) => model.digest === digest)) return
  throw new GloveboxError(
    'parameters-mismatch',
    `the evaluation keys were made for the model with digest ${digest.slice(0, 16)}…, which is not served here; there are: ${models.map((model) => `${model.name} (${model.digest.slice(0, 16)}…)`).join(', ')}`,
  )
}

/** A query names keys that are here; only a model that needs none may be asked without. */
function requireKeys(model: Model, digest: string | undefined, keys: KeyStore): void {
  if (digest === undefined) {
    if (!model.needsKeys) return
    throw new GloveboxError(
      'malformed',
      `the model "${model.name}" needs evaluation keys: upload them, and name them by "parameters.keys"`,
    )
  }
  if (!keys.has(digest))
    throw new GloveboxError('not-found', `there are no evaluation keys ${digest} here: upload them first`)
}

function requireDigest(c: Context<Env>): string {
  const parsed = keyDigest.safeParse(c.req.param('digest'))
  if (!parsed.success)
    throw new GloveboxError(
      'malformed',
      'the address of evaluation keys expected their SHA-256 in 64 lower-case hexadecimal digits',
    )
  return parsed.data
}

/** `{"error": …}` with a status. What the server itself got wrong is told to the log only. */
function refuse(c: Context<Env>, error: unknown): Response {
  const status = statusOf(error)
  if (status === undefined) {
    c.get('log').error({ err: error }, 'internal error')
    return c.json({ error: 'internal error; the log of the server has more, under this request id' }, 500)
  }
  const message = (error as Error).message
  if (c.req.raw.signal.aborted) {
    c.get('log').info({ reason: message }, 'the client has left')
    // As nginx says it; no one reads it but the log.
    return new Response(null, { status: 499 })
  }
  c.get('log').warn({ status, reason: message }, 'refused')
  if (status === 503) c.header('retry-after', '1')
  // The rest of a body that is too long is not read: the connection cannot be used again.
  if (status === 413) c.header('connection', 'close')
  return c.json({ error: message }, status)
}

function metadata(model: Model): object {
  return {
    name: model.name,
    versions: ['1'],
    platform: 'glovebox_ckks',
    inputs: [{ name: 'query', datatype: 'BYTES', shape: [1] }],
    outputs: [{ name: 'reply', datatype: 'BYTES', shape: [1] }],
    parameters: {
      digest: model.digest,
      params: model.params,
      input_shape: model.inputShape,
      output_shape: model.outputShape,
    },
  }
}
