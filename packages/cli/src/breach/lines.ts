import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { FileError } from '../files.ts'

/** A line of a list: its bytes, without what ends it. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** Undefined: it is longer than `longestLine`. */
  readonly bytes: Uint8Array | undefined
}

/** More than any item has; what is longer is no list of items. */
export const longestLine: number = 2 ** 16

/** A list that is read from its beginning, once, in a stream; by gzip or not. */
export interface Source {
  /** Of people. */
  readonly name: string
  /** Of the file, where it is one. */
  readonly bytes: number | undefined
  /** Bytes of the file that were read so far. */
  read(): number
  /** What is in it, unpacked. */
  chunks(): AsyncGenerator<Buffer>
}

/** `-` is standard input. */
export async function openSource(path: string): Promise<Source> {
  let read = 0
  const from = path === '-'
  const bytes = from ? undefined : await sizeOf(path)
  return {
    name: from ? 'standard input' : path,
    bytes,
    read: () => read,
    async *chunks() {
      const stream: Readable = from ? process.stdin : createReadStream(path, { highWaterMark: 2 ** 18 })
      try {
        const raw = counted(stream, (count) => {
          read += count
        })
        const first = await raw.next()
        if (first.done) return
        const start = first.value
        if (start[0] === 0x1f && start[1] === 0x8b) yield* unpacked(start, raw)
        else {
          yield start
          yield* raw
        }
      } catch (cause) {
        throw new FileError('read', from ? 'standard input' : path, cause)
      } finally {
        stream.destroy()
      }
    },
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' })
    return found.isFile() ? found.size : undefined
  } catch (cause) {
    throw new FileError('read', path, cause)
  }
}

async function* counted(stream: Readable, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    count((chunk as Buffer).length)
    yield chunk as Buffer
  }
}

async function* unpacked(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 2 ** 18 })
  const feed = (async () => {
    try {
      for await (const chunk of joined(start, rest)) {
        if (gunzip.destroyed) return
        if (!gunzip.write(chunk))
          await new Promise<void>((resolve) => gunzip.once('drain', resolve).once('close', resolve))
      }
      gunzip.end()
    } catch (error) {
      gunzip.destroy(error as Error)
    }
  })()
  try {
    for await (const chunk of gunzip) yield chunk as Buffer
  } finally {
    gunzip.destroy()
  }
  await feed
}

async function* joined(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield start
  yield* rest
}

/** Lines by \n or \r\n; a byte order mark in front of the first is none of its bytes, and an end of line at the end of all begins no other. */
export async function* linesOf(source: Source): AsyncGenerator<Line> {
  let rest: Buffer = Buffer.alloc(0)
  let tooLong = false
  let number = 0
  const line = (bytes: Buffer): Line => {
    number++
    let shown: Buffer = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes
    if (number === 1 && shown[0] === 0xef && shown[1] === 0xbb && shown[2] === 0xbf) shown = shown.subarray(3)
    return { number, bytes: shown.length > longestLine ? undefined : shown }
  }
  for await (const chunk of source.chunks()) {
    let from = 0
    for (let to = chunk.indexOf(0x0a); to >= 0; to = chunk.indexOf(0x0a, from)) {
      const bytes = chunk.subarray(from, to)
      from = to + 1
      if (tooLong) {
        yield { number: ++number, bytes: undefined }
        tooLong = false
      } else yield line(rest.length === 0 ? bytes : Buffer.concat([rest, bytes]))
      rest = Buffer.alloc(0)
    }
    if (tooLong || from === chunk.length) continue
    rest = Buffer.concat([rest, chunk.subarray(from)])
    // One more than a line may have is its \r.
    if (rest.length > longestLine + 1) {
      tooLong = true
      rest = Buffer.alloc(0)
    }
  }
  if (tooLong) yield { number: ++number, bytes: undefined }
  else if (rest.length > 0) yield line(rest)
}
