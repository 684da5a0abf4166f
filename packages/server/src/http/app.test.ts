import { createHash } from 'node:crypto'
import { encodeFrame, GloveboxError } from '@glovebox/he'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { Compute, Job } from '../compute/compute.ts'
import { createRegistry, type Model } from '../registry/registry.ts'
import { createApp } from './app.ts'
import { defaultLimits, type Limits } from './limits.ts'

const owner = new Uint8Array(32).fill(7)
const model: Model = {
  name: 'digits',
  digest: '07'.repeat(32),
  params: { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40], specialBits: [50] },
  inputShape: [1, 28, 28],
  outputShape: [10],
  needsKeys: true,
  clientPart: Uint8Array.of(1, 2, 3),
  serverPart: new Uint8Array(0),
}
const keys = encodeFrame('evaluation keys of a program', owner, new Uint8Array(1000).fill(9))
const address = createHash('sha256').update(keys).digest('hex')
const query = encodeFrame('query', owner, new Uint8Array(50))

type Lines = Record<string, unknown>[]

function setUp(options: { limits?: Partial<Limits>; run?: Compute['run']; ready?: boolean } = {}) {
  const jobs: Job[] = []
  const forgotten: string[] = []
  const lines: Lines = []
  const compute: Compute = {
    ready: options.ready ?? true,
    async run(job) {
      jobs.push(job)
      return (await options.run?.(job)) ?? { reply: Uint8Array.of(5, 6), computeMs: 12.3456 }
    },
    forget: (digest) => void forgotten.push(digest),
    close: async () => undefined,
  }
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const app = createApp(createRegistry([model]), compute, log, { ...defaultLimits, ...options.limits })
  const call = (method: string, path: string, body?: BodyInit | Uint8Array, headers: Record<string, string> = {}) =>
    app.request(path, {
      method,
      headers,
      ...(body !== undefined && { body: body as BodyInit, duplex: 'half' }),
    } as RequestInit)
  return { call, jobs, forgotten, lines }
}

function inferBody(header: unknown, frame: Uint8Array = query): { body: Uint8Array<ArrayBuffer>; length: string } {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const body = new Uint8Array(json.length + 4 + frame.length)
  body.set(json)
  new DataView(body.buffer).setUint32(json.length, frame.length, true)
  body.set(frame, json.length + 4)
  return { body, length: String(json.length) }
}

const header = (changes: object = {}) => ({
  id: 'a',
  parameters: { keys: address },
  inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
  ...changes,
})

const infer = (call: ReturnType<typeof setUp>['call'], body: Uint8Array, length: string, name = 'digits') =>
  call('POST', `/v2/models/${name}/infer`, body, { 'inference-header-content-length': length })

const errorOf = async (response: Response): Promise<string> => ((await response.json()) as { error: string }).error

describe('what is announced', () => {
  test('the server and its extensions', async () => {
    const { call } = setUp()
    const body = await (await call('GET', '/v2')).json()
    expect(body).toEqual({ name: 'glovebox', version: '0.1.0', extensions: ['he.ckks', 'binary_tensor_data'] })
  })

  test('live always, ready when the threads are', async () => {
    const starting = setUp({ ready: false })
    expect((await starting.call('GET', '/v2/health/live')).status).toBe(200)
    expect((await starting.call('GET', '/v2/health/ready')).status).toBe(503)
    expect((await starting.call('GET', '/v2/models/digits/ready')).status).toBe(503)
    const { call } = setUp()
    expect((await call('GET', '/v2/health/ready')).status).toBe(200)
    expect(await (await call('GET', '/v2/models/digits/ready')).json()).toEqual({ name: 'digits', ready: true })
  })

  test('a model, its parameters and its client part', async () => {
    const { call } = setUp()
    expect(await (await call('GET', '/v2/models/digits')).json()).toMatchObject({
      name: 'digits',
      inputs: [{ datatype: 'BYTES' }],
      outputs: [{ datatype: 'BYTES' }],
      parameters: { digest: model.digest, params: { ringDegree: 8192 }, input_shape: [1, 28, 28] },
    })
    const part = await call('GET', '/v2/models/digits/client')
    expect(part.headers.get('content-type')).toBe('application/octet-stream')
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(model.clientPart)
  })

  test('a model by its version too, which is the only one', async () => {
    const { call } = setUp()
    for (const rest of ['', '/ready', '/client']) {
      const [bare, versioned] = [`/v2/models/digits${rest}`, `/v2/models/digits/versions/1${rest}`]
      expect(await (await call('GET', versioned)).text()).toBe(await (await call('GET', bare)).text())
    }
    expect((await call('GET', '/v2/models/digits/versions/2')).status).toBe(404)
    const { body, length } = inferBody(header())
    expect((await infer(call, body, length, 'digits/versions/1')).status).toBe(404)
  })

  test('unknown models and addresses are 404 with the names that are known', async () => {
    const { call } = setUp()
    for (const path of ['/v2/models/x', '/v2/models/x/client', '/v2/models/x/ready']) {
      const response = await call('GET', path)
      expect(response.status).toBe(404)
      expect(await errorOf(response)).toContain('there are: digits')
    }
    const other = await call('GET', '/v3')
    expect([other.status, await errorOf(other)]).toEqual([404, 'there is no GET /v3'])
  })
})

describe('evaluation keys', () => {
  test('are stored once under their digest, asked for, and deleted', async () => {
    const { call, forgotten } = setUp()
    const path = `/v2/keys/${address}`
    expect((await call('HEAD', path)).status).toBe(404)
    expect((await call('PUT', path, keys)).status).toBe(201)
    expect((await call('PUT', path, keys)).status).toBe(200)
    expect((await call('HEAD', path)).status).toBe(200)
    expect((await call('GET', path)).status).toBe(405)
    expect((await call('DELETE', path)).status).toBe(204)
    expect(forgotten).toEqual([address])
    expect((await call('HEAD', path)).status).toBe(404)
    expect((await call('DELETE', path)).status).toBe(404)
  })

  test('a wrong digest, a wrong kind and a wrong address are refused', async () => {
    const { call } = setUp()
    const wrong = await call('PUT', `/v2/keys/${'0'.repeat(64)}`, keys)
    expect([wrong.status, await errorOf(wrong)]).toEqual([400, expect.stringContaining(address)])
    const digest = createHash('sha256').update(query).digest('hex')
    const kind = await call('PUT', `/v2/keys/${digest}`, query)
    expect([kind.status, await errorOf(kind)]).toEqual([400, expect.stringContaining('got "query"')])
    for (const bad of ['abc', 'A'.repeat(64), `${'0'.repeat(63)}g`])
      expect((await call('PUT', `/v2/keys/${bad}`, keys)).status).toBe(400)
  })

  test('a truncated set and one of a model that is not served are refused', async () => {
    const { call } = setUp()
    const put = (bytes: Uint8Array) =>
      call('PUT', `/v2/keys/${createHash('sha256').update(bytes).digest('hex')}`, bytes)
    const cut = await put(keys.slice(0, 500))
    expect([cut.status, await errorOf(cut)]).toEqual([400, expect.stringContaining('truncated')])
    const flipped = await put(keys.with(100, 8))
    expect([flipped.status, await errorOf(flipped)]).toEqual([400, expect.stringContaining('checksum')])
    const strange = await put(encodeFrame('evaluation keys of a program', new Uint8Array(32), new Uint8Array(8)))
    expect([strange.status, await errorOf(strange)]).toEqual([409, expect.stringContaining('there are: digits (0707')])
  })

  test('a body that is too long is cut off while it streams, announced or not', async () => {
    const { call } = setUp({ limits: { keyBytes: 4096 } })
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024
        controller.enqueue(new Uint8Array(1024))
      },
    })
    const streamed = await call('PUT', `/v2/keys/${address}`, endless)
    expect([streamed.status, await errorOf(streamed)]).toEqual([413, expect.stringContaining('at most 4096')])
    expect(sent).toBeLessThan(16384)
    expect((await call('PUT', `/v2/keys/${address}`, keys, { 'content-length': '1000000' })).status).toBe(413)
  })

  test('all bodies together have a limit', async () => {
    const { call } = setUp({ limits: { receiving: 512 } })
    const response = await call('PUT', `/v2/keys/${address}`, keys)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })

  test('the least recently used are forgotten first', async () => {
    const { call } = setUp({ limits: { keyMemory: 2 * keys.length } })
    const sets = [1, 2, 3].map((fill) =>
      encodeFrame('evaluation keys of a program', owner, new Uint8Array(1000).fill(fill)),
    )
    const paths = sets.map((bytes) => `/v2/keys/${createHash('sha256').update(bytes).digest('hex')}`)
    await call('PUT', paths[0]!, sets[0])
    await call('PUT', paths[1]!, sets[1])
    await call('HEAD', paths[0]!)
    await call('PUT', paths[2]!, sets[2])
    const here = await Promise.all(paths.map(async (path) => (await call('HEAD', path)).status))
    expect(here).toEqual([200, 404, 200])
  })
})

describe('infer', () => {
  test('hands the query and its keys to a thread and frames the reply', async () => {
    const { call, jobs, lines } = setUp()
    await call('PUT', `/v2/keys/${address}`, keys)
    const { body, length } = inferBody(header())
    const response = await infer(call, body, length)
    expect(response.status).toBe(200)
    const bytes = new Uint8Array(await response.arrayBuffer())
    const cut = Number(response.headers.get('inference-header-content-length'))
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(0, cut)))).toEqual({
      model_name: 'digits',
      model_version: '1',
      id: 'a',
      parameters: { compute_ms: 12.346 },
      outputs: [{ name: 'reply', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 6 } }],
    })
    expect([...bytes.subarray(cut)]).toEqual([2, 0, 0, 0, 5, 6])
    expect(jobs[0]).toMatchObject({ model: 'digits', keysDigest: address })
    expect(Buffer.compare(jobs[0]!.query, query)).toBe(0)
    expect(Buffer.compare(jobs[0]!.keys()!, keys)).toBe(0)
    expect(lines.at(-2)).toMatchObject({ msg: 'query answered', model: 'digits', replyBytes: bytes.length })
    expect(lines.every((line) => 'request' in line)).toBe(true)
  })

  test('keys that are not here are 404', async () => {
    const { call } = setUp()
    const { body, length } = inferBody(header())
    const response = await infer(call, body, length)
    expect([response.status, await errorOf(response)]).toEqual([404, expect.stringContaining('upload them first')])
  })

  const { body, length } = inferBody(header())
  const inputs = (change: object) => header({ inputs: [{ ...header().inputs[0], ...change }] })
  test.each<[string, Uint8Array, string, string]>([
    ['no binary data', new TextEncoder().encode(JSON.stringify(header())), '', 'expected the length'],
    ['a length beyond the body', body, String(body.length + 1), 'at most'],
    ['a length that is no number', body, '-1', 'expected the length'],
    ['a length within the JSON', body, '20', 'is not JSON'],
    ['an empty body', new Uint8Array(0), '0', 'is not JSON'],
    ['something else than JSON', ...spread(inferBody('[1,')), 'is not JSON'],
    ['no keys', ...spread(inferBody(header({ parameters: {} }))), '"parameters.keys"'],
    ['keys that are no digest', ...spread(inferBody(header({ parameters: { keys: '../x' } }))), '64 lower-case'],
    ['two inputs', ...spread(inferBody(header({ inputs: [...header().inputs, ...header().inputs] }))), '"inputs"'],
    ['numbers instead of BYTES', ...spread(inferBody(inputs({ datatype: 'FP32' }))), '"inputs.0.datatype"'],
    ['another shape', ...spread(inferBody(inputs({ shape: [2] }))), '"inputs.0.shape.0"'],
    [
      'another size than announced',
      ...spread(inferBody(inputs({ parameters: { binary_data_size: 9 } }))),
      'expected 9 bytes',
    ],
    ['a truncated element', body.subarray(0, body.length - 1), length, 'binary data expected'],
  ])('%s is 400 and says what was expected', async (_, bytes, cut, message) => {
    const { call, jobs } = setUp()
    await call('PUT', `/v2/keys/${address}`, keys)
    const response = await infer(call, bytes, cut)
    expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining(message)])
    expect(jobs).toEqual([])
  })

  test('an element longer than its tensor is 400', async () => {
    const { call } = setUp()
    const bad = inferBody(header())
    new DataView(bad.body.buffer).setUint32(Number(bad.length), 2 ** 32 - 1, true)
    expect((await infer(call, bad.body, bad.length)).status).toBe(400)
  })

  test.each([
    ['malformed', 400],
    ['parameters-mismatch', 409],
    ['missing-key', 422],
    ['out-of-memory', 503],
    ['unavailable', 503],
  ] as const)('%s from the thread is %i', async (code, status) => {
    const run = () => Promise.reject(new GloveboxError(code, 'the reason'))
    const { call } = setUp({ run })
    await call('PUT', `/v2/keys/${address}`, keys)
    const response = await infer(call, body, length)
    expect([response.status, await errorOf(response)]).toEqual([status, 'the reason'])
  })

  test('any other error is 500, told to the log and not to the client', async () => {
    const { call, lines } = setUp({ run: () => Promise.reject(new Error('a detail in /etc')) })
    await call('PUT', `/v2/keys/${address}`, keys)
    const response = await infer(call, body, length)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toMatch(/detail|\/etc|at /)
    expect(JSON.stringify(lines)).toContain('a detail')
  })

  test('a query over the limit is 413', async () => {
    const { call } = setUp({ limits: { queryBytes: 100 } })
    expect((await infer(call, body, length)).status).toBe(413)
  })
})

function spread({ body, length }: { body: Uint8Array; length: string }): [Uint8Array, string] {
  return [body, length]
}
