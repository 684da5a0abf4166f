import { ByteReader, ByteWriter, GloveboxError } from '@glovebox/he'
import { z } from 'zod'

// The Open Inference Protocol, version 2, with its binary tensor extension: a JSON header of the length that the HTTP header says,
// then the elements of BYTES tensors, each behind its length as u32 little-endian.

/** The HTTP header with the length of the JSON header. */
export const lengthHeader = 'inference-header-content-length'
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
})

export interface InferRequest {
  readonly id: string | undefined
  /** The digest of the evaluation keys to compute with; a model may need none. */
  readonly keys: string | undefined
  /** A frame of kind 'query'; a view into the body. */
  readonly query: Uint8Array
}

/** Takes the body of an `infer` request apart. Throws GloveboxError `malformed` with the field and what was expected. */
export function decodeInferRequest(body: Uint8Array, headerLength: string | undefined): InferRequest {
  if (headerLength === undefined || !/^[0-9]{1,9}$/.test(headerLength)) {
    throw malformed(
      `the header "${lengthHeader}" expected the length of the JSON header, got ${headerLength ?? 'none'}: the query has to be sent as binary data`,
    )
  }
  const length = Number(headerLength)
  if (length > Math.min(maxHeaderBytes, body.length)) {
    throw malformed(`the JSON header expected at most ${Math.min(maxHeaderBytes, body.length)} bytes, got ${length}`)
  }
  const header = requestHeader.safeParse(parseJson(body.subarray(0, length)))
  if (!header.success) {
    const { path, message } = header.error.issues[0]!
    throw malformed(`the JSON header: "${path.join('.')}" ${message}`)
  }
  const { id, parameters, inputs } = header.data
  const reader = new ByteReader(body.subarray(length), 'the binary data')
  const expected = inputs[0].parameters.binary_data_size
  if (reader.remaining !== expected)
    throw malformed(`the binary data expected ${expected} bytes as the JSON header says, got ${reader.remaining}`)
  const query = reader.slice(reader.u32('length of the element'), 'element')
  reader.end()
  return { id, keys: parameters?.keys, query }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw malformed('the JSON header is not JSON')
  }
}

function malformed(message: string): GloveboxError {
  return new GloveboxError('malformed', message)
}

export interface InferResponse {
  readonly model: string
  readonly id: string | undefined
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  /** Time on the thread, without waiting and without the network. */
  readonly computeMs: number
}

export function encodeInferResponse(response: InferResponse): { body: Uint8Array<ArrayBuffer>; headerLength: number } {
  const header = new TextEncoder().encode(
    JSON.stringify({
      model_name: response.model,
      model_version: '1',
      ...(response.id !== undefined && { id: response.id }),
      parameters: { compute_ms: Math.round(1000 * response.computeMs) / 1000 },
      outputs: [
        { name: 'reply', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 4 + response.reply.length } },
      ],
    }),
  )
  const writer = new ByteWriter(header.length + 4 + response.reply.length)
  writer.raw(header).u32(response.reply.length).raw(response.reply)
  return { body: writer.done() as Uint8Array<ArrayBuffer>, headerLength: header.length }
}
