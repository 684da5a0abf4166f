import { createHash } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { Sender } from '@glovebox/psi/sender'
import { z } from '@hono/zod-openapi'
import { readBody } from '../http/body.ts'
import type { SetServices } from '../http/context.ts'
import { Refusal } from '../http/errors.ts'
import type { Define } from '../http/route.ts'
import { anyObject, digestSchema } from '../http/schemas.ts'
import { callerOf, createSpend } from './rates.ts'

const tag = 'Sets'
const octets = 'application/octet-stream'
const elementBytes = 32

const nameSchema: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'expected 1 to 63 of a-z, 0-9, ".", "_" and "-"')
  .openapi({ example: 'passwords' })
const epochSchema = z
  .string()
  .regex(/^\d{1,10}$/, 'expected a whole number from 0 to 2^32 - 1')
  .transform(Number)
  .refine((value) => value < 2 ** 32, 'expected a whole number from 0 to 2^32 - 1')
  .openapi({ type: 'integer', description: 'Of the OPRF key that the items went through.' })
const keySchema = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'expected 16 lower-case hexadecimal digits')
  .optional()
  .openapi({
    description: "The head of the set's OPRF public key: a set that was built anew is told from the old one.",
  })
const run = { epoch: epochSchema, key: keySchema }
const params = { name: nameSchema }
const setSchema = z
  .object({
    name: z.string(),
    kind: z.string(),
    epoch: z.int(),
    epochs: z.array(z.int()),
    params: anyObject('SetParameters', 'method, he, feltsPerItem, labelBytes, prefixBits, powers or matrix.'),
    digest: digestSchema,
    items: z.int(),
    labels: z.int(),
    hardening: anyObject('Hardening', 'algorithm; of scrypt N, r, p, salt.'),
    oprf: z.object({ mode: z.enum(['oprf', 'voprf']), publicKey: z.string() }),
    keys: z.boolean(),
    limits: z.object({ elements: z.int(), queryBytes: z.int(), keyBytes: z.int() }),
  })
  .openapi('Set', { description: '"items" is rounded down to two digits; "labels" is bytes of a label.' })
const stale = {
  409: {
    description: 'Another epoch is the current one: "epoch".',
    content: z.looseObject({ epoch: z.int().optional() }),
  },
  410: { description: 'The epoch has ended; "epoch" is the current one.', content: z.looseObject({ epoch: z.int() }) },
  429: { description: 'More than the caller may in an hour.' },
}

/** Sets that are looked up privately: their description, the OPRF, keys of receivers, and queries. */
export function defineSets(define: Define, services: SetServices): void {
  const { access, intake, limits, metrics, sets = new Map<string, Sender>() } = services
  const spend = createSpend(services)

  const find = (name: string): Sender => {
    const sender = sets.get(name)
    if (sender) return sender
    throw new GloveboxError('not-found', `there is no set "${name}"`)
  }
  const describe = (sender: Sender, epoch?: number): ReturnType<Sender['describe']> => {
    const said = inEpoch(() => sender.describe(epoch))
    const { elements, queryBytes, keyBytes } = said.limits
    const most = limits.setElementsPerHour || elements
    return {
      ...said,
      limits: {
        elements: Math.min(elements, most),
        queryBytes: Math.min(queryBytes, limits.queryBytes),
        keyBytes: Math.min(keyBytes, limits.keyBytes),
      },
    }
  }

  const describeRun = (sender: Sender, epoch: number, key: string | undefined): ReturnType<Sender['describe']> => {
    const said = describe(sender, epoch)
    if (key === undefined || said.oprf.publicKey.startsWith(key)) return said
    throw new Refusal(
      409,
      'parameters-mismatch',
      'the set was built anew under another OPRF key: ask for it again, and send the items through the OPRF anew',
      {},
      { epoch: said.epochs[0]! },
    )
  }

  define(
    {
      method: 'get',
      path: '/v2/sets',
      id: 'listSets',
      tag,
      summary: 'Sets that can be looked up privately',
      need: 'any',
      replies: { 200: { description: 'All sets.', content: z.object({ sets: z.array(setSchema) }) } },
    },
    ({ c }) => c.json({ sets: [...sets.values()].map((sender) => describe(sender)) }),
  )
  define(
    {
      method: 'get',
      path: '/v2/sets/{name}',
      id: 'getSet',
      tag,
      summary: 'Parameters, epoch, OPRF key and limits of a set: all that a receiver needs to ask',
      need: 'any',
      params,
      replies: { 200: { description: 'The set.', content: setSchema } },
    },
    ({ c, params }) => c.json(describe(find(params.name))),
  )
  define(
    {
      method: 'post',
      path: '/v2/sets/{name}/oprf',
      id: 'evaluateElements',
      tag,
      summary: 'Evaluates blinded elements of ristretto255 (RFC 9497): n × 32 bytes; limited by elements in an hour',
      need: 'predict',
      params,
      query: run,
      binary: octets,
      replies: { 200: { description: 'n × 32 bytes; in mode voprf a proof of 64 behind.', content: octets }, ...stale },
    },
    async ({ c, principal, params, query: { epoch, key } }) => {
      const sender = find(params.name)
      const { limits: own } = describeRun(sender, epoch, key)
      const what = { limit: elementBytes * own.elements, idleMs: limits.idleMs, what: 'the batch' }
      const body = await c.get('trace').span('receive', () => readBody(c, intake, what))
      const count = body.length / elementBytes
      if (!Number.isInteger(count) || count === 0)
        throw new GloveboxError(
          'malformed',
          `the batch expected n × ${elementBytes} bytes, n from 1, got ${body.length}`,
        )
      await spend('elements', params.name, callerOf(c, principal, access.trustProxy), count)
      const began = performance.now()
      const { elements, proof } = await inEpochAsync(() => sender.evaluate(epoch, body))
      const ms = performance.now() - began
      metrics.sets.elements(params.name, count, ms)
      c.get('log').info({ set: params.name, epoch, elements: count, ms: Math.round(ms) }, 'elements evaluated')
      c.header('content-type', octets)
      c.header('server-timing', `oprf;dur=${ms.toFixed(2)}`)
      return c.body(Buffer.concat(proof ? [elements, proof] : [elements]))
    },
  )
  define(
    {
      method: 'put',
      path: '/v2/sets/{name}/keys/{digest}',
      id: 'putSetKeys',
      tag,
      summary: "A receiver's Galois or relinearisation keys by their SHA-256: kept in memory for some minutes",
      need: 'predict',
      params: { ...params, digest: digestSchema },
      query: run,
      binary: octets,
      replies: { 204: { description: 'They are here.' }, ...stale },
    },
    async ({ c, principal, params, query: { epoch, key } }) => {
      const sender = find(params.name)
      const { limits: own } = describeRun(sender, epoch, key)
      const owner = callerOf(c, principal, access.trustProxy)
      await spend('keys', params.name, owner, 1)
      const what = { limit: own.keyBytes, idleMs: limits.idleMs, what: 'the keys' }
      const body = await c.get('trace').span('receive', () => readBody(c, intake, what))
      metrics.upload('keys', body.length)
      const digest = createHash('sha256').update(body).digest('hex')
      if (digest !== params.digest)
        throw new GloveboxError('malformed', `the keys have the SHA-256 ${digest}, not that of the address`)
      const { signal } = c.req.raw
      await holding(body.length, () => inEpochAsync(() => sender.putKeys(epoch, body, { owner, signal }), signal))
      c.get('log').info({ set: params.name, epoch, keyBytes: body.length }, 'keys of a receiver are here')
      return c.body(null, 204)
    },
  )
  define(
    {
      method: 'post',
      path: '/v2/sets/{name}/query',
      id: 'querySet',
      tag,
      summary: 'Answers an encrypted query of items that went through the OPRF; limited by queries in an hour',
      need: 'predict',
      params,
      query: run,
      binary: octets,
      replies: {
        200: { description: 'The reply. "server-timing" has milliseconds: wait, compute.', content: octets },
        ...stale,
        428: { description: 'The keys of the query are not here, or not any more: upload them, and send it again.' },
      },
    },
    async ({ c, principal, params, query: { epoch, key } }) => {
      const { name } = params
      const sender = find(name)
      const { limits: own } = describeRun(sender, epoch, key)
      const owner = callerOf(c, principal, access.trustProxy)
      await spend('queries', name, owner, 1)
      const what = { limit: own.queryBytes, idleMs: limits.idleMs, what: 'the query' }
      const body = await c.get('trace').span('receive', () => readBody(c, intake, what))
      metrics.upload('query', body.length)
      const log = c.get('log')
      const { signal } = c.req.raw
      try {
        const { reply, computeMs, waitMs } = await holding(body.length, () =>
          inEpochAsync(() => sender.answer(epoch, body, { owner, signal }), signal),
        )
        metrics.sets.query(name, 'ok', { waitMs, computeMs })
        const [trace, now] = [c.get('trace'), performance.now()]
        trace.past('queue', waitMs, now - computeMs)
        trace.past('compute', computeMs, now)
        // Which bucket was looked at is nobody's business.
        const times = { computeMs: Math.round(computeMs), waitedMs: Math.round(waitMs) }
        log.info({ set: name, epoch, queryBytes: body.length, replyBytes: reply.length, ...times }, 'query answered')
        c.header('content-type', octets)
        c.header('server-timing', `wait;dur=${waitMs.toFixed(2)}, compute;dur=${computeMs.toFixed(2)}`)
        return c.body(reply as Uint8Array<ArrayBuffer>)
      } catch (error) {
        metrics.sets.query(name, error instanceof GloveboxError ? error.code : 'internal')
        throw error
      }
    },
  )

  /** While it waits and is computed on, a body takes as much room as it did on its way in. */
  async function holding<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    intake.used += bytes
    try {
      return await work()
    } finally {
      intake.used -= bytes
    }
  }
}

/** `EpochError` of a sender: not by its class, so that a service without sets need not load what they are made of. */
function isEpochError(error: unknown): error is GloveboxError & { current: number; ended: boolean } {
  return error instanceof GloveboxError && 'current' in error && 'ended' in error
}

function asRefusal(error: unknown, signal?: AbortSignal): unknown {
  // The reason of a client that left is an error of the server's library.
  if (signal?.aborted && error === signal.reason) return new GloveboxError('unavailable', 'the query was withdrawn')
  if (isEpochError(error)) {
    const [status, code] = error.ended ? ([410, 'not-found'] as const) : ([409, error.code] as const)
    return new Refusal(status, code, error.message, {}, { epoch: error.current })
  }
  if (error instanceof GloveboxError && error.code === 'missing-key') return new Refusal(428, error.code, error.message)
  return error
}

function inEpoch<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw asRefusal(error)
  }
}

async function inEpochAsync<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asRefusal(error, signal)
  }
}
