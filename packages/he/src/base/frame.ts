import { ByteReader, ByteWriter } from './bytes.ts'
import { digest, digestAsync, equalBytes, toHex } from './digest.ts'
import { GloveboxError } from './errors.ts'

/**
 * The frame around everything that Glovebox writes, little-endian:
 *
 *     "GLBX"  version u8 = 1  kind u8  0 u16  owner 32 bytes  length u32  body  checksum 16 bytes
 *
 * `owner` is the digest of what the body is bound to (parameters or a program); the checksum is the head of SHA-256 over all that
 * precedes it. It finds damage, not forgery: whoever can write a frame can write its checksum.
 */
const frameKinds = {
  ciphertext: 1,
  'public key': 3,
  'evaluation keys': 4,
  'secret key': 5,
  'client part': 16,
  'server part': 17,
  query: 18,
  reply: 19,
  'evaluation keys of a program': 20,
  'secret key of a program': 21,
  'query for a sum': 22,
  'query of a set': 32,
  'reply of a set': 33,
} as const

/** What a frame may hold, one byte on the wire; the layout of frames stands in docs/wire-format.md. */
export type FrameKind = keyof typeof frameKinds

const magic = 0x58424c47
const version = 1
const headerBytes = 44
const checksumBytes = 16
/** Bytes that a frame takes besides its body: 60, of which 44 stand before it and 16, the checksum, behind. */
export const frameOverhead: number = headerBytes + checksumBytes
/** Largest frame that a decoder takes unless told otherwise: 1 GiB. */
const defaultLimit = 2 ** 30

/**
 * A body of 0 to 2^32 - 1 bytes in a frame, `frameOverhead` bytes longer: "GLBX", version 1, kind, owner, length, body, and the first 16 bytes of
 * SHA-256 (FIPS 180-4) over all that. `owner` is a digest of exactly 32 bytes; neither length is checked. `hash` is SHA-256, for platforms that have a
 * quicker one than the default, `digest`.
 */
export function encodeFrame(
  kind: FrameKind,
  owner: Uint8Array,
  body: Uint8Array,
  hash: (bytes: Uint8Array) => Uint8Array = digest,
): Uint8Array {
  const writer = writeFrame(kind, owner, body)
  writer.raw(hash(writer.done()).subarray(0, checksumBytes))
  return writer.done()
}

/** As `encodeFrame`, with the checksum by `digestAsync`: for bodies of megabytes, up to 2^32 - 1 bytes. */
export async function encodeFrameAsync(kind: FrameKind, owner: Uint8Array, body: Uint8Array): Promise<Uint8Array> {
  const writer = writeFrame(kind, owner, body)
  writer.raw((await digestAsync(writer.done())).subarray(0, checksumBytes))
  return writer.done()
}

/** All of a frame but its checksum. */
function writeFrame(kind: FrameKind, owner: Uint8Array, body: Uint8Array): ByteWriter {
  const writer = new ByteWriter(body.length + frameOverhead)
  return writer.u32(magic).u8(version).u8(frameKinds[kind]).u16(0).raw(owner).u32(body.length).raw(body)
}

/** What `decodeFrame` insists on. */
export interface FrameOptions {
  /** The digest that the frame has to be bound to, 32 bytes; default: any. */
  readonly owner?: Uint8Array
  /** What `owner` is the digest of, for the error; default 'parameters'. */
  readonly ownerName?: string
  /** Refuse more than this many bytes, frame included, before reading them; default: 2^30, 1 GiB. */
  readonly maxBytes?: number
  /** Names the input in errors, for example a file; default 'the' and the kind. */
  readonly what?: string
  /** SHA-256 of bytes, for platforms that have a quicker one than the default, `digest`. */
  readonly digest?: (bytes: Uint8Array) => Uint8Array
}

/** What is in a frame, its checksum verified. */
export interface Frame {
  /** The digest that the frame is bound to: 32 bytes. */
  readonly owner: Uint8Array
  /** A reader on the body, a view of the input; whoever reads it calls `end` behind the last field. */
  readonly body: ByteReader
}

/** The kind of a frame by its header, or undefined for fewer than 44 bytes, other first ones, or a kind that there is not. Nothing else is checked. */
export function peekKind(bytes: Uint8Array): FrameKind | undefined {
  if (bytes.length < headerBytes || new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) !== magic)
    return undefined
  return (Object.keys(frameKinds) as FrameKind[]).find((kind) => frameKinds[kind] === bytes[5])
}

/**
 * Opens a frame of the kind and verifies its checksum: damage is found, forgery is not.
 * @throws TypeError for what is no Uint8Array; GloveboxError `too-large` above `maxBytes`, `malformed` for another magic, version, kind, length or
 * checksum, `parameters-mismatch` for another owner.
 */
export function decodeFrame(bytes: Uint8Array, kind: FrameKind, options: FrameOptions = {}): Frame {
  const what = options.what ?? `the ${kind}`
  const limit = options.maxBytes ?? defaultLimit
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`"bytes" expected a Uint8Array, got ${typeof bytes}`)
  if (bytes.length > limit)
    throw new GloveboxError('too-large', `${what} has ${bytes.length} bytes, at most ${limit} are accepted`)
  const reader = new ByteReader(bytes, what)
  if (bytes.length < 4 || reader.u32('magic') !== magic) {
    throw new GloveboxError('malformed', `${what} is not a Glovebox file: it does not begin with "GLBX"`)
  }
  const foundVersion = reader.u8('version')
  if (foundVersion !== version) throw reader.malformed('version', `${version}`, foundVersion)
  const foundKind = reader.u8('kind')
  if (foundKind !== frameKinds[kind]) {
    const name = (Object.keys(frameKinds) as FrameKind[]).find((k) => frameKinds[k] === foundKind)
    throw new GloveboxError(
      'malformed',
      `${what} expected a frame of kind "${kind}", got ${name ? `"${name}"` : `kind ${foundKind}`}`,
    )
  }
  if (reader.u16('reserved') !== 0) throw reader.malformed('reserved', '0', 'another value')
  const owner = reader.slice(32, 'owner')
  const length = reader.u32('length')
  const body = new ByteReader(reader.slice(length, 'body'), what)
  const end = reader.offset
  const checksum = reader.slice(checksumBytes, 'checksum')
  reader.end()
  const sha256 = options.digest ?? digest
  if (!equalBytes(checksum, sha256(bytes.subarray(0, end)).subarray(0, checksumBytes))) {
    throw new GloveboxError('malformed', `${what} is damaged: its checksum does not match its content`)
  }
  if (options.owner && !equalBytes(owner, options.owner)) {
    throw new GloveboxError(
      'parameters-mismatch',
      `${what} belongs to other ${options.ownerName ?? 'parameters'}: digest ${toHex(owner).slice(0, 16)}…, expected ${toHex(options.owner).slice(0, 16)}…`,
    )
  }
  return { owner, body }
}
