import { GloveboxError, toHex } from '@glovebox/he'
import { decodeInferAnswer, encodeInferRequest, lengthHeader } from './protocol.ts'
import type { Answer, Service } from './service.ts'

/** A query on its way: the same bytes for every attempt. */
export interface InferRequest {
  readonly id: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** What came back for a query, and what it took. Times in milliseconds, sizes in bytes. */
export interface Inferred {
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  readonly computeMs: number | undefined
  /** In the queue of the server. */
  readonly waitMs: number | undefined
  /** Reading keys and preparing the model. */
  readonly warmMs: number | undefined
  readonly roundTripMs: number
  readonly uploadBytes: number
  readonly replyBytes: number
  /** By which the log of the server knows the request. */
  readonly requestId: string | undefined
}

/** A number that nobody guesses, 32 hexadecimal digits. */
export function freshId(): string {
  return toHex(globalThis.crypto.getRandomValues(new Uint8Array(16)))
}

export function inferRequest(query: Uint8Array, keys: string | undefined): InferRequest {
  const id = freshId()
  const { body, headerLength } = encodeInferRequest(id, keys, query)
  const headers = {
    'content-type': 'application/octet-stream',
    [lengthHeader]: String(headerLength),
    ...(keys !== undefined && { 'glovebox-keys': keys }),
  }
  return { id, body, headers }
}

/** One attempt. The same query twice is harmless: the server learns nothing from it, and computing has no effect but its answer. */
export async function infer(
  service: Service,
  path: string,
  { id, body, headers }: InferRequest,
  signal?: AbortSignal,
): Promise<Inferred> {
  const started = performance.now()
  const answer = await service.request('POST', path, { body, headers, signal })
  const roundTripMs = performance.now() - started
  return { ...readInferAnswer(answer, id), roundTripMs, uploadBytes: body.length }
}

/** The reply in an answer, which must name one of the requests. */
export function readInferAnswer(
  { body, headers }: Answer,
  ...ids: readonly (string | undefined)[]
): Omit<Inferred, 'roundTripMs' | 'uploadBytes'> {
  const { id: answered, ...decoded } = decodeInferAnswer(body, headers.get(lengthHeader))
  if (typeof answered !== 'string' || !ids.includes(answered))
    throw new GloveboxError('malformed', 'the answer belongs to another request')
  return { ...decoded, replyBytes: body.length, requestId: headers.get('x-request-id') ?? undefined }
}
