import { GloveboxError } from '@glovebox/he'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Principal } from '../access/principal.ts'
import type { Answer, ModelRef } from '../compute/compute.ts'
import type { ModelVersion } from '../registry/model-version.ts'
import { readBody } from './body.ts'
import type { Env, Services } from './context.ts'
import { modelPaths, versionOf } from './oip.ts'
import type { OwnKeys } from './own-keys.ts'
import { decodeInferRequest, encodeInferResponse, type InferRequest, keysHeader, lengthHeader } from './protocol.ts'
import type { Define } from './route.ts'

/** Headers of a query, for the document. */
export const queryHeaders: { [name: string]: z.ZodType } = {
  [lengthHeader]: z.string().openapi({ description: 'Length of the JSON header in bytes.' }),
  [keysHeader]: z
    .string()
    .optional()
    .openapi({ description: 'Repeats "parameters.keys", for proxies that route by it.' }),
}

/** A query with what it is for, checked as far as it can be without computing. */
export interface Received {
  readonly version: ModelVersion
  readonly ref: ModelRef
  readonly request: InferRequest
  /** Bytes of the body. */
  readonly bytes: number
}

/** Reads the query of a request. Throws GloveboxError `malformed`; `not-found` for a model or keys that are not here; `parameters-mismatch` for keys of another model. */
export async function receiveQuery(
  c: Context<Env>,
  services: Services,
  ownKeys: OwnKeys,
  principal: Principal,
  params: { readonly name: string; readonly version: string },
): Promise<Received> {
  const { registry, limits, intake, metrics } = services
  const version = await registry.resolve(principal, params.name, versionOf(params))
  const began = performance.now()
  const options = { limit: limits.queryBytes, idleMs: limits.idleMs, what: 'the query' }
  const body = await c.get('trace').span('receive', () => readBody(c, intake, options))
  metrics.stage(version.name, 'receive', performance.now() - began)
  metrics.upload('query', body.length)
  const request = decodeInferRequest(body, c.req.header(lengthHeader), c.req.header(keysHeader))
  if (request.keys !== undefined) await ownKeys.require(principal.tenant, request.keys, version)
  else if (version.needsKeys)
    throw new GloveboxError(
      'malformed',
      `the model "${version.name}" needs evaluation keys: upload them, and name them by "parameters.keys"`,
    )
  const ref = { name: version.name, digest: version.digest, serverPart: version.files['server.gbx'].sha256 }
  return { version, ref, request, bytes: body.length }
}

/** Predictions on ciphertexts. */
export function defineInfer(define: Define, services: Services, ownKeys: OwnKeys): void {
  const { compute, limits, intake, metrics } = services
  for (const [path, params, suffix] of modelPaths)
    define(
      {
        method: 'post',
        path: `${path}/infer`,
        id: `infer${suffix}`,
        tag: 'Open Inference Protocol',
        summary: 'Computes on an encrypted query: a JSON header, then one BYTES tensor "query" in binary data',
        need: 'predict',
        params,
        headers: queryHeaders,
        binary: 'application/octet-stream',
        replies: {
          200: {
            description: 'A JSON header, then one BYTES tensor "reply" in binary data.',
            content: 'application/octet-stream',
          },
        },
      },
      async ({ c, principal, params }) => {
        const deadline = Date.now() + limits.inferMs
        const { version, ref, request, bytes } = await receiveQuery(c, services, ownKeys, principal, params)
        const { name } = version
        const log = c.get('log')
        log.info({ model: name, queryBytes: bytes, keys: request.keys?.slice(0, 16) }, 'query received')
        // While it waits and is computed on, the query takes as much room as it did on its way in.
        intake.used += bytes
        let answer: Answer
        try {
          answer = await compute.run({
            model: ref,
            tenant: principal.tenant,
            keysDigest: request.keys,
            query: request.query,
            signal: c.req.raw.signal,
            deadline,
          })
        } catch (error) {
          metrics.failed(name, error instanceof GloveboxError ? error.code : 'internal')
          throw error
        } finally {
          intake.used -= bytes
        }
        const { reply, computeMs, waitMs, warmMs } = answer
        metrics.stage(name, 'wait', waitMs)
        metrics.stage(name, 'compute', computeMs)
        const began = performance.now()
        const trace = c.get('trace')
        trace.past('queue', waitMs, began - computeMs - warmMs)
        trace.past('compute', computeMs + warmMs, began)
        const { body, headerLength } = encodeInferResponse({
          model: name,
          version: version.version,
          id: request.id,
          reply,
          computeMs,
          waitMs,
          warmMs,
        })
        metrics.stage(name, 'reply', performance.now() - began)
        trace.past('reply', performance.now() - began)
        trace.set({ 'glovebox.model': name, 'glovebox.version': version.version })
        log.info(
          {
            model: name,
            version: version.version,
            tenant: principal.tenant,
            replyBytes: body.length,
            computeMs: Math.round(computeMs),
            waitedMs: Math.round(waitMs),
          },
          'query answered',
        )
        c.header('content-type', 'application/octet-stream')
        c.header(lengthHeader, String(headerLength))
        return c.body(body)
      },
    )
}
