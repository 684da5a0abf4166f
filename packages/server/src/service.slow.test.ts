import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeFrame } from '@glovebox/he'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { sha256, tinyModel } from '../test/http.ts'
import { type ConfigOptions, readConfig } from './config.ts'
import { serve } from './serve.ts'
import { openService, type Service } from './service.ts'

// Over real sockets: what surrounds requests.

const { model } = tinyModel()
const silent = pino({ level: 'silent' })
const keys = encodeFrame('evaluation keys of a program', Buffer.from(model.digest, 'hex'), new Uint8Array(5000))
let folder: string
const open: Service[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'glovebox-service-'))
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((service) => service.close()))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function start(options: ConfigOptions = {}): Promise<Service> {
  const service = await serve([model], silent, { port: 0, ...options })
  open.push(service)
  return service
}

/** Sends text, and gives all that comes back until the server closes. */
function raw(
  url: string,
  text: string,
  more: (write: (text: string) => void) => Promise<void> = async () => undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port, hostname } = new URL(url)
    const socket = connect(Number(port), hostname)
    let got = ''
    socket.on('data', (data) => {
      got += data.toString('latin1')
    })
    socket.on('close', () => resolve(got))
    socket.on('error', () => resolve(got))
    socket.write(text)
    more((next) => void (socket.writable && socket.write(next))).catch(reject)
  })
}

test('a body that stalls is answered with 408, and one that drips as well', async () => {
  const { url } = await start({ limits: { idleMs: 100 } })
  const head = `PUT /v2/keys/${'0'.repeat(64)} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\n`
  expect(await raw(url, `${head}abc`)).toMatch(/^HTTP\/1\.1 408 .*connection: close/is)
  let dripping = true
  const drip = raw(url, head, async (write) => {
    while (dripping) {
      write('x')
      await sleep(40)
    }
  })
  // The frame is looked at first: these are no keys. JSON bodies are waited for to their end.
  expect(await drip).toMatch(/^HTTP\/1\.1 (400|408) /)
  dripping = false
  let more = true
  const json = raw(
    url,
    'POST /v2/repository/index HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{',
    async (write) => {
      while (more) {
        write(' ')
        await sleep(40)
      }
    },
  )
  expect(await json).toMatch(/^HTTP\/1\.1 408 /)
  more = false
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
})

test('what is no HTTP is answered with 400 and the server goes on', async () => {
  const { url } = await start()
  for (const text of [
    '\r\n\r\nx\r\n\r\n',
    'GET\r\n\r\n',
    'PUT /v2/keys/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00',
    'GET http://[ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    'GET /v2 HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n',
    `GET /v2 HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
  ])
    expect(await raw(url, text), JSON.stringify(text.slice(0, 40))).toMatch(/^HTTP\/1\.1 4(00|03|31) /)
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
})

test('TLS by certificates, and errors that name what is wrong with them', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ],
    { stdio: 'ignore' },
  )
  const { url } = await start({ tlsCert: cert, tlsKey: key })
  expect(url).toMatch(/^https:/)
  const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const request = httpsRequest(`${url}/v2/health/ready`, { rejectUnauthorized: false }, (response) => {
      response.resume()
      resolve({ status: response.statusCode, ...response.headers })
    })
    request.on('error', reject).end()
  })
  expect(headers).toMatchObject({ status: 200, 'strict-transport-security': expect.stringContaining('max-age') })
  const config = (tlsCert: string, tlsKey: string) => readConfig({ port: 0, tlsCert, tlsKey }, {})
  await expect(openService(config(join(folder, 'none'), key), silent)).rejects.toThrow('none')
  await expect(openService(config(key, key), silent)).rejects.toMatchObject({ code: 'malformed' })
})

test('what was acknowledged is there after a restart; a temporary folder goes', async () => {
  const data = join(folder, 'data')
  const path = `/v2/keys/${sha256(keys)}`
  const first = await start({ data })
  expect((await fetch(`${first.url}${path}`, { method: 'PUT', body: keys as Uint8Array<ArrayBuffer> })).status).toBe(
    201,
  )
  await first.close()
  const second = await start({ data })
  expect((await fetch(`${second.url}${path}`, { method: 'HEAD' })).status).toBe(200)
  // The same files are no new version.
  expect(await (await fetch(`${second.url}/v2/models/tiny`)).json()).toMatchObject({ versions: ['1'] })
  const temporary = () =>
    readdirSync(tmpdir()).filter(
      (name) => name.startsWith('glovebox-') && existsSync(join(tmpdir(), name, 'glovebox.db')),
    )
  const before = temporary()
  const third = await start()
  const own = temporary().filter((name) => !before.includes(name))
  expect(own.length).toBeGreaterThanOrEqual(1)
  await third.close()
  expect(temporary().filter((name) => own.includes(name)).length).toBeLessThan(own.length)
})

test('a start that fails half-way leaves nothing open', async () => {
  const other = createServer()
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
  )
  const data = join(folder, 'half')
  await expect(start({ data, port })).rejects.toMatchObject({ code: 'unavailable' })
  // The lock on the folder is free again.
  await expect(start({ data })).resolves.toMatchObject({ url: expect.any(String) })
  other.close()
})

test('a stop is announced first, then what runs is finished, then nothing is taken', async () => {
  const service = await start({ noticeMs: 300, limits: { idleMs: 5000 } })
  const { url } = service
  const head = `PUT /v2/keys/${sha256(keys)} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${keys.length}\r\n\r\n`
  let rest: () => void = () => undefined
  const go = new Promise<void>((resolve) => {
    rest = resolve
  })
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  let got = ''
  socket.on('data', (bytes) => {
    got += bytes.toString('latin1')
  })
  const ended = new Promise((resolve) => socket.on('close', resolve))
  socket.write(head)
  socket.write(keys.subarray(0, 100))
  void go.then(() => socket.write(keys.subarray(100)))
  await sleep(50)
  const closed = service.close()
  await sleep(50)
  // Others are told to go elsewhere, and are still served until they do.
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503)
  expect((await fetch(`${url}/v2/models/tiny`)).status).toBe(200)
  await sleep(400)
  await expect(fetch(`${url}/v2/health/live`)).rejects.toThrow()
  rest()
  await ended
  expect(got).toMatch(/^HTTP\/1\.1 201 /)
  await closed
})
