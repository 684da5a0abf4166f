import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { encodeFrame, fromHex } from '@glovebox/he'
import { openDatabase } from '../src/store/database.ts'
import { openFiles } from '../src/store/files.ts'
import type { S3Options } from '../src/store/s3.ts'
import { openS3 } from '../src/store/s3.ts'
import { keysOf, principal } from './stores.ts'

// What a large set of keys costs in memory: whole, in parts, and read again. Writes {whole, parts, read} in bytes, on top of the same with a small set.

const [directory = '', megabytes = '200', s3 = ''] = process.argv.slice(2)
const database = await openDatabase({ directory })
const objects = s3 ? await openS3(JSON.parse(s3) as S3Options) : await openFiles({ directory: `${directory}/objects` })
const keys = keysOf({ database, objects, [Symbol.asyncDispose]: async () => undefined })
const p = principal('tenant')
const piece = 65_536

/** A frame whose body is a counter, made as it is read, in pieces like those of a socket. */
function largeFrame(bytes: number, seed: number) {
  const head = Buffer.from(
    encodeFrame('evaluation keys of a program', fromHex('11'.repeat(32)), new Uint8Array(0)).subarray(0, 44),
  )
  head.writeUInt32LE(bytes - 60, 40)
  const at = (from: number, length: number): Buffer => {
    // A fresh one each time, as they come from a socket.
    const made = Buffer.alloc(length, (from / piece + seed) & 255)
    if (from < 44) head.copy(made, 0, from, 44)
    return made
  }
  const hash = createHash('sha256')
  for (let from = 0; from < bytes - 16; from += piece) hash.update(at(from, Math.min(piece, bytes - 16 - from)))
  const checksum = hash.copy().digest().subarray(0, 16)
  const digest = hash.update(checksum).digest('hex')
  const body = async function* (start = 0, end = bytes): AsyncGenerator<Uint8Array> {
    for (let from = start; from < end; from += piece) {
      const made = at(from, Math.min(piece, end - from))
      if (from + made.length > bytes - 16) checksum.copy(made, made.length - 16)
      yield made
      // What is alive counts, not when the engine clears away.
      if (from % (128 * piece) === 0) await clear()
    }
  }
  return { digest, body }
}

async function clear(): Promise<void> {
  globalThis.gc?.()
  await new Promise((resolve) => setImmediate(resolve))
}

async function peak(work: () => Promise<unknown>): Promise<number> {
  await clear()
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 1)
  await work()
  clearInterval(timer)
  return most
}

const part = 8 * 2 ** 20
const ways = (bytes: number, seed: number): Record<string, () => Promise<unknown>> => {
  const [one, two] = [largeFrame(bytes, seed), largeFrame(bytes, seed + 1)]
  return {
    whole: () => keys.put(p, one.digest, one.body()),
    parts: async () => {
      for (let offset = 0; offset < bytes; offset += part)
        await keys.append(p, two.digest, {
          offset,
          total: bytes,
          body: two.body(offset, Math.min(bytes, offset + part)),
        })
    },
    read: async () => {
      let read = 0
      for await (const found of keys.bytes(p.tenant, one.digest)) {
        read += found.length
        if (read % (128 * piece) < found.length) await clear()
      }
      if (read !== bytes) throw new Error(`read ${read} of ${bytes}`)
    },
  }
}
const small: Record<string, number> = {}
for (const [name, work] of Object.entries(ways(40 * 2 ** 20, 1))) small[name] = await peak(work)
const extra: Record<string, number> = {}
for (const [name, work] of Object.entries(ways(Number(megabytes) * 2 ** 20, 3)))
  extra[name] = (await peak(work)) - Math.max(...Object.values(small))
process.stdout.write(JSON.stringify(extra))
await database.close()
await objects.close()
rmSync(directory, { recursive: true })
