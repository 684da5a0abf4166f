import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeFrame } from '@glovebox/he'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tinyModel } from '../../test/http.ts'

// Large uploads to a service in a process of its own, whose memory is looked at from outside.

const bodyBytes = 200 * 2 ** 20
const piece = 2 ** 20
let child: ChildProcess
let url: string
const folder = mkdtempSync(join(tmpdir(), 'glovebox-upload-'))

beforeAll(async () => {
  const script = fileURLToPath(new URL('../../test/serve-tiny.ts', import.meta.url))
  child = spawn(process.execPath, ['--conditions=@glovebox/source', script, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  url = await new Promise((resolve) => child.stdout!.once('data', (line) => resolve(String(line).trim())))
})
afterAll(async () => {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin!.end()
  await ended
  rmSync(folder, { recursive: true, force: true })
})

/** Mebibytes that the process had at most (VmHWM of Linux). */
const peak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024

/** A frame of evaluation keys of 200 MB, all zeros, in pieces. */
function* frame(fill: number): Generator<Uint8Array> {
  const empty = encodeFrame(
    'evaluation keys of a program',
    Buffer.from(tinyModel().model.digest, 'hex'),
    new Uint8Array(0),
  )
  const head = empty.slice(0, 44)
  new DataView(head.buffer).setUint32(40, bodyBytes, true)
  const checksum = createHash('sha256').update(head)
  yield head
  for (let at = 0; at < bodyBytes; at += piece) {
    const next = new Uint8Array(piece).fill(fill)
    checksum.update(next)
    yield next
  }
  yield checksum.digest().subarray(0, 16)
}

function digestOf(fill: number): string {
  const hash = createHash('sha256')
  for (const part of frame(fill)) hash.update(part)
  return hash.digest('hex')
}

test('a set of 200 MB goes to the store without being gathered in memory, whole or in parts', async () => {
  // What a first upload warms up is no growth.
  await fetch(`${url}/v2/keys/${'0'.repeat(64)}`, { method: 'PUT', body: new Uint8Array(5 * piece) })
  const total = bodyBytes + 60
  const whole = digestOf(1)
  const before = peak()
  const put = await fetch(`${url}/v2/keys/${whole}`, {
    method: 'PUT',
    headers: { 'content-length': String(total) },
    body: ReadableStream.from(frame(1)),
    duplex: 'half',
  } as RequestInit)
  expect(put.status).toBe(201)
  const afterPut = peak()
  const inParts = digestOf(2)
  let offset = 0
  let part: Uint8Array[] = []
  let held = 0
  let status = 0
  const send = async (): Promise<void> => {
    const body = Buffer.concat(part)
    const headers = { 'upload-offset': String(offset), 'upload-length': String(total) }
    const answer = await fetch(`${url}/v2/keys/${inParts}`, { method: 'PATCH', headers, body })
    status = answer.status
    expect([201, 204]).toContain(status)
    offset += body.length
    part = []
    held = 0
  }
  for (const bytes of frame(2)) {
    part.push(bytes)
    held += bytes.length
    if (held >= 7 * piece) await send()
  }
  if (held > 0) await send()
  expect(status).toBe(201)
  const afterParts = peak()
  console.log(
    `MiB at most: ${before.toFixed(0)} before, +${(afterPut - before).toFixed(1)} whole, +${(afterParts - before).toFixed(1)} in parts`,
  )
  expect(afterPut - before).toBeLessThan(64)
  expect(afterParts - before).toBeLessThan(64)
  const listed = (await (await fetch(`${url}/v2/keys`)).json()) as { keys: { digest: string; bytes: number }[] }
  expect(listed.keys.map(({ digest, bytes }) => [digest, bytes]).sort()).toEqual(
    [whole, inParts].sort().map((digest) => [digest, total]),
  )
})
