import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import { compress, decompress, type SealCompression, sealCompressions } from './seal-compression.ts'

// Everything that SEAL writes is framed by its SEALHeader, 16 bytes, little-endian:
//
//     magic u16 = 0xA15E  header size u8 = 16  version major u8, minor u8  compression u8  reserved u16 = 0  size u64, with the header
//
// Members that are objects themselves have frames of their own, never compressed.

const magic = 0xa15e
const headerBytes = 16
const major = 4
/** Frames are written as of SEAL 4.1: it reads none of 4.0, though nothing else has changed. */
const minor = 1
/** Largest frame that is taken unless told otherwise: 1 GiB. */
const defaultLimit = 2 ** 30

/** What a reader of SEAL's files insists on. */
export interface SealReadOptions {
  /**
   * Refuse more than this many bytes, as they come and decompressed; default: 2^30, 1 GiB, as they come, and what the object can take
   * decompressed, whichever is less.
   */
  readonly maxBytes?: number
  /** Names the input in errors; default 'the SEAL' and what is expected. */
  readonly what?: string
}

/** How SEAL's frames (SEALHeader of SEAL 4.1, 16 bytes) are written. */
export interface SealWriteOptions {
  /** Default `zlib` (RFC 1950). SEAL's own default, Zstandard (RFC 8878), is only read. */
  readonly compression?: 'none' | 'zlib'
}

/** A u64 that fits a double: a size or a count. */
export function readU64(reader: ByteReader, field: string): number {
  const low = reader.u32(field)
  const value = low + reader.u32(field) * 2 ** 32
  if (!Number.isSafeInteger(value)) throw reader.malformed(field, 'a number below 2^53', 'a larger one')
  return value
}

export function writeU64(writer: ByteWriter, value: number): void {
  writer.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32))
}

function readHeader(reader: ByteReader): { readonly compression: SealCompression; readonly size: number } {
  if (reader.remaining < 2 || reader.u16('magic') !== magic)
    throw new GloveboxError('malformed', `${reader.what} is not SEAL data: it does not begin with its magic 5e a1`)
  const length = reader.u8('header size')
  if (length !== headerBytes) throw reader.malformed('header size', `${headerBytes}`, length)
  const [foundMajor, foundMinor] = [reader.u8('version'), reader.u8('version')]
  if (foundMajor !== major) {
    throw new GloveboxError(
      'unsupported',
      `${reader.what} was written by SEAL ${foundMajor}.${foundMinor}, only SEAL ${major} is read: load and save it with SEAL ${major}`,
    )
  }
  const mode = reader.u8('compression')
  const compression = sealCompressions[mode]
  if (compression === undefined) throw reader.malformed('compression', '0, 1 or 2', mode)
  const reserved = reader.u16('reserved')
  if (reserved !== 0) throw reader.malformed('reserved', '0', reserved)
  const size = readU64(reader, 'size')
  if (size < headerBytes) throw reader.malformed('size', `at least ${headerBytes}`, size)
  return { compression, size }
}

/** The members of an object inside another. */
export function readMember(reader: ByteReader, field: string): ByteReader {
  const { compression, size } = readHeader(reader)
  if (compression !== 'none') throw reader.malformed(field, 'a member that is not compressed', compression)
  return new ByteReader(reader.slice(size - headerBytes, field), reader.what)
}

/**
 * The members of a whole object. `limit` tells how many bytes they can have at most, from the number of bytes that they came in. The
 * last value tells whether the members are in memory of their own, which a reader of secrets wipes.
 */
export function openSeal(
  bytes: Uint8Array,
  what: string,
  limit: number | ((compressed: number) => number),
  options: SealReadOptions,
): { readonly body: ByteReader; readonly own: boolean } {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`"bytes" expected a Uint8Array, got ${typeof bytes}`)
  const name = options.what ?? what
  const maxBytes = options.maxBytes ?? defaultLimit
  if (bytes.length > maxBytes)
    throw new GloveboxError('too-large', `${name} has ${bytes.length} bytes, at most ${maxBytes} are accepted`)
  const reader = new ByteReader(bytes, name)
  const { compression, size } = readHeader(reader)
  const content = reader.slice(size - headerBytes, 'content')
  reader.end()
  if (compression === 'none') return { body: new ByteReader(content, name), own: false }
  const most = Math.min(maxBytes, typeof limit === 'number' ? limit : limit(content.length))
  return { body: new ByteReader(decompress(content, compression, name, most), name), own: true }
}

function writeHeader(writer: ByteWriter, mode: number, size: number): void {
  writer.u16(magic).u8(headerBytes).u8(major).u8(minor).u8(mode).u16(0)
  writeU64(writer, size)
}

/** A frame around `bytes` of members, written without compression. */
export function writeMember(writer: ByteWriter, bytes: number, write: () => void): void {
  writeHeader(writer, 0, headerBytes + bytes)
  write()
}

/** A whole object of `bytes` bytes of members. */
export function sealFrame(bytes: number, options: SealWriteOptions, write: (writer: ByteWriter) => void): Uint8Array {
  const compression = options.compression ?? 'zlib'
  if (compression !== 'none' && compression !== 'zlib')
    throw new RangeError(`"compression" expected 'none' or 'zlib', got ${JSON.stringify(compression)}`)
  if (compression === 'none') {
    const writer = new ByteWriter(headerBytes + bytes)
    writeMember(writer, bytes, () => write(writer))
    return writer.done()
  }
  const plain = new ByteWriter(bytes)
  write(plain)
  const packed = compress(plain.done())
  // It may have been a secret.
  plain.done().fill(0)
  const writer = new ByteWriter(headerBytes + packed.length)
  writeHeader(writer, 1, headerBytes + packed.length)
  writer.raw(packed)
  packed.fill(0)
  return writer.done()
}

/** Bytes of a member of `bytes` bytes with its frame. */
export function memberBytes(bytes: number): number {
  return headerBytes + bytes
}
