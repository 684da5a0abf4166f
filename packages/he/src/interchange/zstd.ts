import { GloveboxError } from '../base/errors.ts'
import {
  backwardBits,
  decodeHuffman,
  type FseTable,
  fseTable,
  type HuffmanTable,
  readFseTable,
  readHuffmanTable,
  rleTable,
} from './zstd-entropy.ts'

// Zstandard (RFC 8878), decompression of one frame without dictionary. The work is in proportion to the bytes in and out, whatever they
// are: nothing is copied before it is known to fit.

const magic = 0xfd2fb528
const largestBlock = 2 ** 17

const repeat = (count: number, value: number): number[] => new Array<number>(count).fill(value)
const literalBits: readonly number[] = repeat(16, 0).concat([
  1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
])
const matchBits: readonly number[] = repeat(32, 0).concat([
  1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
])

/** The smallest length of each code: what the codes below it reach, one more. */
function bases(bits: readonly number[], first: number): number[] {
  let base = first
  return bits.map((count) => {
    const own = base
    base += 2 ** count
    return own
  })
}

/** Tables and codes of literal lengths, offsets and match lengths (sections 3.1.1.3.2.1 and 3.1.1.3.2.2). */
const literalLengths = {
  mostLog: 9,
  bits: literalBits,
  bases: bases(literalBits, 0),
  table: fseTable(6, [4, 3].concat(repeat(11, 2), repeat(3, 1), repeat(9, 2), [3, 2], repeat(5, 1), repeat(4, -1))),
} as const
const matchLengths = {
  mostLog: 9,
  bits: matchBits,
  bases: bases(matchBits, 3),
  table: fseTable(6, [1, 4, 3].concat(repeat(6, 2), repeat(37, 1), repeat(7, -1))),
} as const
const offsets = {
  mostLog: 8,
  bits: Array.from({ length: 32 }, (_, i) => i),
  bases: Array.from({ length: 32 }, (_, i) => 2 ** i),
  table: fseTable(5, repeat(6, 1).concat(repeat(3, 2), repeat(15, 1), repeat(5, -1))),
} as const
const kinds = [literalLengths, offsets, matchLengths] as const

/** What one block leaves to the next. */
interface State {
  huffman: HuffmanTable | undefined
  readonly tables: (FseTable | undefined)[]
  readonly recent: [number, number, number]
}

/** A buffer that grows up to a limit. */
interface Output {
  bytes: Uint8Array
  length: number
  reserve(count: number): void
}

function createOutput(what: string, limit: number, expected: number): Output {
  return {
    bytes: new Uint8Array(Math.min(expected, limit)),
    length: 0,
    reserve(count) {
      const need = this.length + count
      if (need > limit)
        throw new GloveboxError(
          'too-large',
          `${what} decompresses to more than ${limit} bytes, the most that it may have`,
        )
      if (need <= this.bytes.length) return
      const grown = new Uint8Array(Math.min(limit, Math.max(need, 2 * this.bytes.length)))
      grown.set(this.bytes.subarray(0, this.length))
      // It may have been a secret.
      this.bytes.fill(0)
      this.bytes = grown
    },
  }
}

/** Reads forward; every read is checked. */
function forward(bytes: Uint8Array): { at: number; number(count: number): number; slice(count: number): Uint8Array } {
  return {
    at: 0,
    number(count) {
      return this.slice(count).reduceRight((value, byte) => value * 256 + byte, 0)
    },
    slice(count) {
      if (count > bytes.length - this.at) throw new Error('it is truncated')
      this.at += count
      return bytes.subarray(this.at - count, this.at)
    },
  }
}

/** Section 3.1.1.3.1. Returns the literals and the bytes that they took. */
function readLiterals(block: Uint8Array, state: State): { literals: Uint8Array; used: number } {
  const input = forward(block)
  const first = block[0] ?? 0
  const type = first & 3
  const format = (first >> 2) & 3
  if (type < 2) {
    const header = input.number(format === 1 ? 2 : format === 3 ? 3 : 1)
    const size = format % 2 === 0 ? header >> 3 : header >> 4
    if (size > largestBlock) throw new Error('a block has too many literals')
    const literals = type === 0 ? input.slice(size) : new Uint8Array(size).fill(input.number(1))
    return { literals, used: input.at }
  }
  const width = format < 2 ? 10 : format === 2 ? 14 : 18
  const header = Math.floor(input.number(format < 2 ? 3 : format === 2 ? 4 : 5) / 16)
  const size = header % 2 ** width
  if (size > largestBlock) throw new Error('a block has too many literals')
  let streams = input.slice(Math.floor(header / 2 ** width))
  if (type === 2) {
    const { table, used } = readHuffmanTable(streams)
    state.huffman = table
    streams = streams.subarray(used)
  }
  const table = state.huffman
  if (table === undefined) throw new Error('a block repeats a prefix code, and there was none')
  const literals = new Uint8Array(size)
  if (format === 0) decodeHuffman(table, streams, literals)
  else {
    const parts = forward(streams)
    const sizes = [parts.number(2), parts.number(2), parts.number(2)]
    const quarter = (size + 3) >> 2
    if (3 * quarter > size) throw new Error('a block has too few literals')
    for (let i = 0; i < 4; i++) {
      const stream = parts.slice(sizes[i] ?? streams.length - parts.at)
      decodeHuffman(table, stream, literals.subarray(i * quarter, i === 3 ? size : (i + 1) * quarter))
    }
  }
  return { literals, used: input.at }
}

/** The table of one kind of code, by its mode. */
function readTable(block: Uint8Array, at: number, kind: number, mode: number, state: State): number {
  const { mostLog, bits, table } = kinds[kind]!
  if (mode === 0) state.tables[kind] = table
  else if (mode === 1) {
    const symbol = block[at]
    if (symbol === undefined || symbol >= bits.length) throw new Error('a block has a code that does not exist')
    state.tables[kind] = rleTable(symbol)
    return at + 1
  } else if (mode === 2) {
    const { table: read, used } = readFseTable(block.subarray(at), mostLog, bits.length - 1)
    state.tables[kind] = read
    return at + used
  } else if (state.tables[kind] === undefined) throw new Error('a block repeats a table, and there was none')
  return at
}

/** The distance of a match, from its code's value and the three before it (section 3.1.1.5). */
function distanceOf(value: number, noLiterals: boolean, recent: State['recent']): number {
  if (value > 3) {
    recent.pop()
    recent.unshift(value - 3)
    return value - 3
  }
  const index = value - 1 + (noLiterals ? 1 : 0)
  const distance = index < 3 ? recent[index]! : recent[0] - 1
  if (index > 1) recent[2] = recent[1]
  if (index > 0) {
    recent[1] = recent[0]
    recent[0] = distance
  }
  return distance
}

function copyMatch(out: Output, distance: number, length: number): void {
  if (distance < 1 || distance > out.length) throw new Error('a match lies before the beginning')
  const { bytes, length: to } = out
  if (distance >= length) bytes.copyWithin(to, to - distance, to - distance + length)
  else for (let i = 0; i < length; i++) bytes[to + i] = bytes[to + i - distance]!
  out.length += length
}

/** Sections 3.1.1.3 and 3.1.1.4. */
function decodeBlock(block: Uint8Array, state: State, out: Output): void {
  const { literals, used } = readLiterals(block, state)
  let at = used
  const take = (): number => {
    const byte = block[at++]
    if (byte === undefined) throw new Error('it is truncated')
    return byte
  }
  let count = take()
  if (count === 255) count = take() + take() * 256 + 0x7f00
  else if (count > 127) count = (count - 128) * 256 + take()
  let literal = 0
  const end = out.length + largestBlock
  const copyLiterals = (length: number): void => {
    if (length > literals.length - literal || out.length + length > end) throw new Error('a block is too long')
    out.reserve(length)
    out.bytes.set(literals.subarray(literal, literal + length), out.length)
    out.length += length
    literal += length
  }
  if (count > 0) {
    const modes = take()
    if (modes & 3) throw new Error('a block has reserved bits')
    for (let kind = 0; kind < 3; kind++) at = readTable(block, at, kind, (modes >> (6 - 2 * kind)) & 3, state)
    const stream = backwardBits(block.subarray(at))
    const bitsOf = (n: number): number => {
      if (n <= 16) return stream.read(n)
      const high = stream.read(n - 16)
      return high * 2 ** 16 + stream.read(16)
    }
    const tables = kinds.map((_, kind) => state.tables[kind]!)
    const states = tables.map(({ log }) => stream.read(log))
    const lengthOf = (kind: number): number => {
      const code = tables[kind]!.symbols[states[kind]!]!
      return kinds[kind]!.bases[code]! + bitsOf(kinds[kind]!.bits[code]!)
    }
    for (let i = 0; i < count; i++) {
      const value = lengthOf(1)
      const match = lengthOf(2)
      const length = lengthOf(0)
      if (i + 1 < count) {
        for (const kind of [0, 2, 1]) {
          const { bits, bases } = tables[kind]!
          const old = states[kind]!
          states[kind] = bases[old]! + stream.read(bits[old]!)
        }
      }
      if (stream.left < 0) throw new Error('the sequences of a block are truncated')
      copyLiterals(length)
      if (out.length + match > end) throw new Error('a block is too long')
      out.reserve(match)
      copyMatch(out, distanceOf(value, length === 0, state.recent), match)
    }
    if (stream.left !== 0) throw new Error('the sequences of a block are too long')
  } else if (at !== block.length) throw new Error('a block goes on behind its literals')
  copyLiterals(literals.length - literal)
}

/**
 * The content of one frame, at most `limit` bytes. Throws GloveboxError `too-large` beyond them, and Error for a frame that is damaged.
 * A checksum is left unread, as SEAL writes none.
 */
export function unzstd(bytes: Uint8Array, what: string, limit: number): Uint8Array {
  const input = forward(bytes)
  if (input.number(4) !== magic) throw new Error('it does not begin like a Zstandard frame')
  const descriptor = input.number(1)
  if (descriptor & 0x0b) throw new Error('its frame has reserved bits or a dictionary')
  const single = (descriptor & 0x20) !== 0
  if (!single) input.number(1)
  const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const size = sizeBytes === 0 ? undefined : input.number(sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  if (size !== undefined && size > limit)
    throw new GloveboxError('too-large', `${what} decompresses to ${size} bytes, at most ${limit} are accepted`)
  const out = createOutput(what, limit, size ?? 4 * bytes.length)
  const state: State = { huffman: undefined, tables: [], recent: [1, 4, 8] }
  for (let last = false; !last; ) {
    const header = input.number(3)
    last = (header & 1) === 1
    const type = (header >> 1) & 3
    const length = header >> 3
    if (length > largestBlock) throw new Error('a block is too long')
    if (type === 2) decodeBlock(input.slice(length), state, out)
    else if (type === 3) throw new Error('a block is of a reserved type')
    else {
      const content = input.slice(type === 0 ? length : 1)
      out.reserve(length)
      if (type === 0) out.bytes.set(content, out.length)
      else out.bytes.fill(content[0]!, out.length, out.length + length)
      out.length += length
    }
  }
  if (descriptor & 4) input.slice(4)
  if (input.at !== bytes.length) throw new Error(`${bytes.length - input.at} bytes follow its frame`)
  if (size !== undefined && size !== out.length) throw new Error(`it has ${out.length} bytes, its header says ${size}`)
  return out.bytes.subarray(0, out.length)
}
