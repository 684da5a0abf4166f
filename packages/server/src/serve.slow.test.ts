import { createHash } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { encodeFrame } from '@glovebox/he'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createKeys, encryptQuery, openModel } from '../../client/src/index.ts'
import { compileTiny, tinySamples } from '../../client/test/tiny.ts'
import { loadModel } from './registry/load.ts'
import { type Service, serve } from './serve.ts'

// Over real sockets, with the real threads.

const { client, server } = compileTiny()
const model = loadModel({ name: 'tiny', clientPart: client, serverPart: server })
const log = pino({ level: 'silent' })
let service: Service | undefined
afterEach(async () => {
  await service?.close()
  service = undefined
})

const start = async (options: Parameters<typeof serve>[2] = {}): Promise<string> => {
  service = await serve([model], log, { port: 0, ...options })
  return service.url
}

test('listens on this machine only, ready when it says so', async () => {
  const url = await start()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
  expect(new Uint8Array(await (await fetch(`${url}/v2/models/tiny/client`)).arrayBuffer())).toEqual(client)
})

test('a port in use is an error that names it', async () => {
  const other = createServer()
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
  )
  await expect(serve([model], log, { port })).rejects.toMatchObject({
    code: 'unavailable',
    message: `port ${port} of 127.0.0.1 cannot be opened: it is in use`,
  })
  other.close()
})

test('an upload over the limit is refused while it streams, and the server goes on', async () => {
  const url = await start({ limits: { keyBytes: 100_000 } })
  let sent = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 65536
      controller.enqueue(new Uint8Array(65536))
    },
  })
  const address = `${url}/v2/keys/${'0'.repeat(64)}`
  const outcome = await fetch(address, { method: 'PUT', body: endless, duplex: 'half' } as RequestInit).then(
    ({ status }) => status,
    // The server closes the connection under the upload; whether its answer is still read is a race.
    () => 413,
  )
  expect(outcome).toBe(413)
  expect(sent).toBeLessThan(2 ** 24)
  const announced = await fetch(address, { method: 'PUT', body: new Uint8Array(100_001) })
  expect(announced.status).toBe(413)
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
})

test('keys that no thread can read are refused by the thread, and it lives on', async () => {
  const url = await start()
  const keys = encodeFrame(
    'evaluation keys of a program',
    Buffer.from(model.digest, 'hex'),
    new Uint8Array(64).fill(255),
  )
  const digest = createHash('sha256').update(keys).digest('hex')
  expect(
    (await fetch(`${url}/v2/keys/${digest}`, { method: 'PUT', body: keys as Uint8Array<ArrayBuffer> })).status,
  ).toBe(201)
  const query = encodeFrame('query', Buffer.from(model.digest, 'hex'), new Uint8Array(4))
  const header = JSON.stringify({
    parameters: { keys: digest },
    inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
  })
  const length = Buffer.alloc(4)
  length.writeUInt32LE(query.length)
  for (let i = 0; i < 2; i++) {
    const response = await fetch(`${url}/v2/models/tiny/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(header.length) },
      body: Buffer.concat([Buffer.from(header), length, query]),
    })
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: expect.stringContaining('the evaluation keys'), code: 'malformed' },
    ])
  }
})

test('a client that leaves in the middle of an upload is no error', async () => {
  const lines: Record<string, unknown>[] = []
  const heard = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  service = await serve([model], heard, { port: 0 })
  const { port } = new URL(service.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`PUT /v2/keys/${'0'.repeat(64)} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nabc`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  socket.destroy()
  const left = () => lines.find(({ msg }) => msg === 'the client has left')
  while (!left()) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(left()).toMatchObject({ level: 30 })
  expect(JSON.stringify(lines)).not.toContain('stack')
})

type Line = Record<string, unknown>

/** A service that is computing on a query of so many samples that it takes a while, sent by a client that may leave. */
async function startLong(limits: { inferMs?: number } = {}) {
  const lines: Line[] = []
  const heard = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  service = await serve([model], heard, { port: 0, limits })
  const { url } = service
  const opened = openModel(client)
  const { evaluation, secret } = createKeys(opened)
  const digest = createHash('sha256').update(evaluation).digest('hex')
  const put = await fetch(`${url}/v2/keys/${digest}`, { method: 'PUT', body: evaluation as Uint8Array<ArrayBuffer> })
  expect(put.status).toBe(201)
  const infer = (samples: number, signal?: AbortSignal) => {
    const query = encryptQuery(opened, secret, tinySamples(samples))
    const header = JSON.stringify({
      parameters: { keys: digest },
      inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
    })
    const length = Buffer.alloc(4)
    length.writeUInt32LE(query.length)
    return fetch(`${url}/v2/models/tiny/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(header.length) },
      body: Buffer.concat([Buffer.from(header), length, query]),
      ...(signal && { signal }),
    })
  }
  const line = async (message: string): Promise<Line> => {
    for (;;) {
      const found = lines.find(({ msg }) => msg === message)
      if (found) return found
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { infer, line, lines }
}

test('a client that leaves stops the computation on its query, and the thread goes on with the next', async () => {
  const { infer, line, lines } = await startLong()
  const abort = new AbortController()
  const left = infer(300, abort.signal)
  await line('query received')
  await new Promise((resolve) => setTimeout(resolve, 150))
  abort.abort()
  await expect(left).rejects.toThrow()
  expect(await line('the client has left')).toMatchObject({
    reason: expect.stringContaining('withdrawn'),
  })
  expect((await infer(1)).status).toBe(200)
  expect(lines.filter(({ msg }) => msg === 'query answered')).toHaveLength(1)
})

test('a query that takes longer than allowed is stopped', async () => {
  const { infer } = await startLong({ inferMs: 150 })
  const late = await infer(200)
  expect([late.status, await late.json()]).toEqual([
    503,
    // While it waits for its model, or while it is computed on: as quick as the machine is.
    { error: expect.stringMatching(/its time was over|took longer than/), code: 'unavailable' },
  ])
})

test('closing lets nothing new in', async () => {
  const url = await start()
  await service!.close()
  service = undefined
  await expect(fetch(`${url}/v2/health/live`)).rejects.toThrow()
})
