import { ByteReader, ByteWriter, GloveboxError } from '@glovebox/he'

// The client's half of the Open Inference Protocol, version 2, with its binary tensor extension.

/** The HTTP header with the length of the JSON header. */
export const lengthHeader = 'inference-header-content-length'

/** The body of an `infer` request and the length of its JSON header. */
export function encodeInferRequest(
  id: string,
  keys: string | undefined,
  query: Uint8Array,
): { body: Uint8Array<ArrayBuffer>; headerLength: number } {
  const header = new TextEncoder().encode(
    JSON.stringify({
      id,
      ...(keys !== undefined && { parameters: { keys } }),
      inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 4 + query.length } }],
      outputs: [{ name: 'reply', parameters: { binary_data: true } }],
    }),
  )
  const writer = new ByteWriter(header.length + 4 + query.length)
  writer.raw(header).u32(query.length).raw(query)
  return { body: writer.done() as Uint8Array<ArrayBuffer>, headerLength: header.length }
}

export interface InferAnswer {
  readonly id: unknown
  /** A frame of kind 'reply'. */
  readonly reply: Uint8Array
  /** What the server says that it computed for, in ms. */
  readonly computeMs: number | undefined
  /** What it says that the query waited before, in ms. */
  readonly waitMs: number | undefined
  /** What it says that it read keys and prepared the model for, in ms. */
  readonly warmMs: number | undefined
}

/** Takes the answer to an `infer` request apart. Throws GloveboxError `malformed`. */
export function decodeInferAnswer(body: Uint8Array, headerLength: string | null): InferAnswer {
  const length = Number(headerLength)
  if (headerLength === null || !Number.isInteger(length) || length < 2 || length > body.length) {
    throw new GloveboxError(
      'malformed',
      `the answer's "${lengthHeader}" expected 2 to ${body.length}, got ${headerLength ?? 'none'}`,
    )
  }
  const header: { readonly id?: unknown; readonly parameters?: unknown } = parse(body.subarray(0, length))
  const reader = new ByteReader(body.subarray(length), 'the answer')
  const reply = reader.slice(reader.u32('length of the reply'), 'reply')
  reader.end()
  const parameters = header.parameters as
    | { compute_ms?: unknown; wait_ms?: unknown; warm_ms?: unknown }
    | null
    | undefined
  const timeOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)
  return {
    id: header.id,
    reply,
    computeMs: timeOf(parameters?.compute_ms),
    waitMs: timeOf(parameters?.wait_ms),
    warmMs: timeOf(parameters?.warm_ms),
  }
}

function parse(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (value !== null && typeof value === 'object') return value
  } catch {}
  throw new GloveboxError('malformed', 'the answer has no JSON header')
}
