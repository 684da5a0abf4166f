import {
  type ByteReader,
  ByteWriter,
  type Ciphertext,
  decodeFrame,
  encodeFrame,
  fromHex,
  GloveboxError,
  readCiphertext,
  readReply,
  replyBytes,
  writeCiphertext,
  writeReply,
} from '@glovebox/he'
import type { SetParams } from '../params/set-params.ts'

type Context = { readonly ring: Ciphertext['ring'] }

/** What stands in front of the ciphertexts of a query. */
export interface QueryHeader {
  /** Which OPRF key the items went through: a u32 that the set names. */
  readonly epoch: number
  /** Which bucket is looked at, 0 to 2^prefixBits - 1. */
  readonly bucket: number
  /** SHA-256 of the frame of evaluation keys that go with the query; 32 zeros where the set needs none. */
  readonly keys: Uint8Array
}

export interface Query extends QueryHeader {
  /** `params.queryCiphertexts` of them, in the order of the method. The caller disposes of them. */
  readonly ciphertexts: readonly Ciphertext[]
}

const kind = 'query of a set'
const replyKind = 'reply of a set'

/** epoch u32, bucket u16, digest of the keys 32 bytes, count u16, then the ciphertexts, each as in the body of a frame of its own. */
export function encodeQuery(params: SetParams, query: Query): Uint8Array {
  const writer = new ByteWriter()
  writer.u32(query.epoch).u16(query.bucket).raw(query.keys).u16(query.ciphertexts.length)
  for (const ciphertext of query.ciphertexts) writeCiphertext(writer, ciphertext)
  return encodeFrame(kind, fromHex(params.digest), writer.done())
}

/** How frames from outside are read. */
export interface ReadOptions {
  /** Refuse more than this many bytes before reading them. */
  readonly maxBytes: number
  /** SHA-256, for platforms that have a quicker one than the default. */
  readonly hash?: (bytes: Uint8Array) => Uint8Array
}

function openFrame(
  params: SetParams,
  bytes: Uint8Array,
  what: typeof kind | typeof replyKind,
  { maxBytes, hash }: ReadOptions,
): ByteReader {
  const { body } = decodeFrame(bytes, what, {
    owner: fromHex(params.digest),
    ownerName: 'parameters of the set',
    maxBytes,
    ...(hash && { digest: hash }),
  })
  return body
}

function openQuery(
  params: SetParams,
  bytes: Uint8Array,
  options: ReadOptions,
): { header: QueryHeader; body: ByteReader } {
  const body = openFrame(params, bytes, kind, options)
  const epoch = body.u32('epoch')
  const bucket = body.u16('bucket')
  if (bucket >= 2 ** params.prefixBits) throw body.malformed('bucket', `less than ${2 ** params.prefixBits}`, bucket)
  const keys = body.slice(32, 'keys').slice()
  return { header: { epoch, bucket, keys }, body }
}

/** The header of a query, nothing else read. @throws as {@link decodeQuery}, but for its ciphertexts. */
export function peekQuery(params: SetParams, bytes: Uint8Array, options: ReadOptions): QueryHeader {
  return openQuery(params, bytes, options).header
}

/**
 * A query of at most `maxBytes` bytes, checked residue by residue.
 * @throws GloveboxError `malformed`, `too-large`, `parameters-mismatch` for one of another set; `insecure-parameters`.
 */
export function decodeQuery(params: SetParams, context: Context, bytes: Uint8Array, options: ReadOptions): Query {
  const { header, body } = openQuery(params, bytes, options)
  const wanted = params.queryCiphertexts
  const count = body.u16('count')
  if (count !== wanted) throw body.malformed('count', `${wanted} ciphertexts`, count)
  const ciphertexts: Ciphertext[] = []
  try {
    for (let i = 0; i < count; i++) {
      const ciphertext = readCiphertext(body, context.ring)
      ciphertexts.push(ciphertext)
      const { level, parts, scale, stride } = ciphertext
      const top = params.he.maxLevel
      if (level !== top || parts !== 2 || scale !== 1 || stride !== 1)
        throw new GloveboxError(
          'malformed',
          `ciphertext ${i} of the query has ${parts} parts at level ${level} and scale ${scale}: a query has 2 parts at level ${top} and scale 1`,
        )
    }
    body.end()
    return { ...header, ciphertexts }
  } catch (error) {
    for (const ciphertext of ciphertexts) ciphertext[Symbol.dispose]()
    throw error
  }
}

/**
 * epoch u32, bundles u32, then for each bundle its group u16 and `params.repliesPerBundle` replies, each cut to `params.replyBits` bits (see
 * `writeReply`): polynomial by polynomial, and of each the pairs of field elements.
 */
export function encodeReply(
  params: SetParams,
  epoch: number,
  bundles: readonly { readonly group: number }[],
  replies: readonly Ciphertext[],
  hash?: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const each = params.polynomials * params.pairs
  const writer = new ByteWriter()
  writer.u32(epoch).u32(bundles.length)
  bundles.forEach(({ group }, i) => {
    writer.u16(group)
    for (const reply of replies.slice(i * each, (i + 1) * each))
      writeReply(writer, reply, { bits: params.replyBits, stride: 1 })
  })
  return encodeFrame(replyKind, fromHex(params.digest), writer.done(), hash)
}

/** The replies of one bundle, alive until the next is asked for. */
export interface BundleReply {
  readonly group: number
  /** [polynomial][pair of field elements], flat. */
  readonly ciphertexts: readonly Ciphertext[]
}

/**
 * The bundles of a reply, one by one.
 * @throws GloveboxError `malformed`, `too-large`, `parameters-mismatch` for one of another set.
 */
export function* readReplies(
  params: SetParams,
  context: Context,
  bytes: Uint8Array,
  options: ReadOptions & { readonly epoch: number },
): Generator<BundleReply, void> {
  const body = openFrame(params, bytes, replyKind, options)
  const epoch = body.u32('epoch')
  if (epoch !== options.epoch) throw body.malformed('epoch', `${options.epoch}, that of the query`, epoch)
  const bundles = body.u32('bundles')
  // All at once, as replies of fewer bits would be more than a receiver has patience for.
  const each = 2 + params.polynomials * params.pairs * replyBytes(params.n, { bits: params.replyBits, stride: 1 })
  if (body.remaining !== bundles * each)
    throw body.malformed('bundles', `${each} bytes for each of ${bundles}`, body.remaining)
  for (let i = 0; i < bundles; i++) {
    const group = body.u16('group')
    if (group >= params.groups) throw body.malformed('group', `less than ${params.groups}`, group)
    const ciphertexts: Ciphertext[] = []
    try {
      while (ciphertexts.length < params.polynomials * params.pairs) {
        const reply = readReply(body, context.ring)
        ciphertexts.push(reply)
        if (reply.stride !== 1 || reply.kept !== params.n)
          throw body.malformed('reply', 'all coefficients', 'some of them')
      }
      yield { group, ciphertexts }
    } finally {
      for (const ciphertext of ciphertexts) ciphertext[Symbol.dispose]()
    }
  }
  body.end()
}
