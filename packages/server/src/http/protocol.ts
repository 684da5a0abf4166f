import { ByteReader, ByteWriter, GloveboxError } from '@glovebox/he'
import { z } from 'zod'

// The Open Inference Protocol, version 2, with its binary tensor extension: a JSON header of the length that the HTTP header says,
// then the elements of BYTES tensors, each behind its length as u32 little-endian.

/** The HTTP header with the length of the JSON header. */
export const lengthHeader = 'inference-header-content-length'
/** The HTTP header that repeats the digest of the evaluation keys, for proxies that route by it. */
export const keysHeader = 'glovebox-keys'
const maxHeaderBytes = 65536

export const keyDigest: z.ZodType<string> = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')

const requestHeader = z.object({
  id: z.string().max(128).optional(),
  parameters: z.object({ keys: keyDigest.optional() }).optional(),
  inputs: z.tuple([
    z.object({
      name: z.literal('query'),
      shape: z.tuple([z.literal(1)]),
      datatype: z.literal('BYTES'),
      parameters: z.object({ binary_data_size: z.int().min(4) }),
    }),
  ]),
  outputs: z
    .tuple([
      z.object({
        name: z.literal('reply'),
        parameters: z
          .object({ binary_data: z.literal(true, 'expected true: replies are binary').optional() })
          .optional(),
      }),
    ])
    .optional(),
})

export interface InferRequest {
  readonly id: string | undefined
  /** The digest of the evaluation keys to compute with; a model may need none. */
  readonly keys: string | undefined
  /** A frame of kind 'query'; a view into the body. */
  readonly query: Uint8Array
}

const clear =
  'this server computes on encrypted queries only, and refuses tensors in the clear so that nothing private comes here by mistake: encrypt with the client part of the model (@glovebox/client, `glovebox predict`) and send the query as one BYTES tensor "query" of shape [1] in binary data'

/**
 * Takes the body of an `infer` request apart; `keys` is what the HTTP header says of them. Throws GloveboxError `malformed` with the field and what was
 * expected, and says why where tensors are in the clear.
 */
export function decodeInferRequest(body: Uint8Array, headerLength: string | undefined, keys?: string): InferRequest {
  if (headerLength === undefined || !/^[0-9]{1,9}$/.test(headerLength)) {
    throw malformed(
      `the header "${lengthHeader}" expected the length of the JSON header, got ${headerLength === undefined ? 'none' : JSON.stringify(headerLength.slice(0, 40))}: ${clear}`,
    )
  }
  const length = Number(headerLength)
  if (length > Math.min(maxHeaderBytes, body.length)) {
    throw malformed(`the JSON header expected at most ${Math.min(maxHeaderBytes, body.length)} bytes, got ${length}`)
  }
  const json = parseJson(body.subarray(0, length))
  const header = requestHeader.safeParse(json)
  if (!header.success) {
    const { path, message } = header.error.issues[0]!
    throw malformed(`the JSON header: "${path.join('.')}" ${message}${isClear(json) ? `; ${clear}` : ''}`)
  }
  const { id, parameters, inputs } = header.data
  if (keys !== undefined && keys !== parameters?.keys)
    throw malformed(`the header "${keysHeader}" and "parameters.keys" expected the same digest of evaluation keys`)
  const reader = new ByteReader(body.subarray(length), 'the binary data')
  const expected = inputs[0].parameters.binary_data_size
  if (reader.remaining !== expected)
    throw malformed(`the binary data expected ${expected} bytes as the JSON header says, got ${reader.remaining}`)
  const query = reader.slice(reader.u32('length of the element'), 'element')
  reader.end()
  return { id, keys: parameters?.keys, query }
}

/** Numbers where there should be ciphertexts. */
function isClear(json: unknown): boolean {
  const inputs = (json as { inputs?: unknown } | null)?.inputs
  return (
    Array.isArray(inputs) &&
    inputs.some(
      (input: { datatype?: unknown; data?: unknown } | null) =>
        input?.data !== undefined || input?.datatype !== 'BYTES',
    )
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(bytes: Uint8Array): unknown {
  try {
    // A decoder takes no shared memory.
    return JSON.parse(utf8.decode(bytes.slice()))
  } catch {
    throw malformed('the JSON header is not JSON')
  }
}

function malformed(message: string): GloveboxError {
  return new GloveboxError('malformed', message)
}

export interface InferResponse {
  readonly model: string
  readonly version: number
  readonly id: string | undefined
  /** Bytes of the reply, a frame of kind 'reply'. */
  readonly replyBytes: number
  /** Milliseconds: of computing on the thread, of waiting for one, of preparing model and keys there. */
  readonly computeMs?: number
  readonly waitMs?: number
  readonly warmMs?: number
}

const thousandths = (ms: number): number => Math.round(1000 * ms) / 1000

/** What stands before the reply: the JSON header and the length of the element. */
export function encodeInferHead(response: InferResponse): { head: Uint8Array<ArrayBuffer>; headerLength: number } {
  const { model, version, id, replyBytes, computeMs, waitMs, warmMs } = response
  const header = new TextEncoder().encode(
    JSON.stringify({
      model_name: model,
      model_version: String(version),
      ...(id !== undefined && { id }),
      parameters: {
        ...(computeMs !== undefined && { compute_ms: thousandths(computeMs) }),
        ...(waitMs !== undefined && { wait_ms: thousandths(waitMs) }),
        ...(warmMs !== undefined && { warm_ms: thousandths(warmMs) }),
      },
      outputs: [{ name: 'reply', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 4 + replyBytes } }],
    }),
  )
  const writer = new ByteWriter(header.length + 4)
  writer.raw(header).u32(replyBytes)
  return { head: writer.done() as Uint8Array<ArrayBuffer>, headerLength: header.length }
}

/** The whole answer. */
export function encodeInferResponse(response: Omit<InferResponse, 'replyBytes'> & { readonly reply: Uint8Array }): {
  body: Uint8Array<ArrayBuffer>
  headerLength: number
} {
  const { reply, ...rest } = response
  const { head, headerLength } = encodeInferHead({ ...rest, replyBytes: reply.length })
  const body = new Uint8Array(head.length + reply.length)
  body.set(head)
  body.set(reply, head.length)
  return { body, headerLength }
}
