import { encodeFrame, GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { admin, errorOf, inferBody, type SetUp, setUpApp, sha256, tinyModel } from '../../test/http.ts'

// The routes by app.request, on an embedded database and files, with a compute that does as it is told.

const { client, server, model } = tinyModel()
const owner = Buffer.from(model.digest, 'hex')
const keys = encodeFrame('evaluation keys of a program', owner, new Uint8Array(1000).fill(9))
const address = sha256(keys)
const query = encodeFrame('query', owner, new Uint8Array(50))

const header = (changes: object = {}) => ({
  id: 'a',
  parameters: { keys: address },
  inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
  ...changes,
})

type App = Awaited<ReturnType<typeof setUpApp>>
const infer = (call: App['call'], body: Uint8Array, length: string, name = 'tiny', more: Record<string, string> = {}) =>
  call('POST', `/v2/models/${name}/infer`, body, { 'inference-header-content-length': length, ...more })

/** With the keys there. */
async function setUpKeys(options: SetUp = {}): Promise<App> {
  const app = await setUpApp(options)
  expect((await app.call('PUT', `/v2/keys/${address}`, keys)).status).toBe(201)
  return app
}

describe('what is announced', () => {
  test('the server and its extensions', async () => {
    await using app = await setUpApp()
    expect(await (await app.call('GET', '/v2')).json()).toEqual({
      name: 'glovebox',
      version: '0.1.0',
      extensions: ['he.ckks', 'he.bfv', 'binary_tensor_data', 'model_repository'],
    })
  })

  test('live always; ready when the threads are and no stop was asked for', async () => {
    await using starting = await setUpApp({ ready: false })
    expect((await starting.call('GET', '/v2/health/live')).status).toBe(200)
    expect((await starting.call('GET', '/v2/health/ready')).status).toBe(503)
    expect((await starting.call('GET', '/v2/models/tiny/ready')).status).toBe(503)
    await using app = await setUpApp()
    expect((await app.call('GET', '/v2/health/ready')).status).toBe(200)
    expect(await (await app.call('GET', '/v2/models/tiny/ready')).json()).toEqual({ name: 'tiny', ready: true })
    app.drain()
    const stopping = await app.call('GET', '/v2/health/ready')
    expect([stopping.status, stopping.headers.get('connection')]).toEqual([503, 'close'])
    expect((await app.call('GET', '/v2/health/live')).status).toBe(200)
  })

  test('not ready while the database is away', async () => {
    const app = await setUpApp()
    await app[Symbol.asyncDispose]()
    expect((await app.call('GET', '/v2/health/ready')).status).toBe(503)
  })

  test('a model, its parameters and its files', async () => {
    await using app = await setUpApp()
    expect(await (await app.call('GET', '/v2/models/tiny')).json()).toMatchObject({
      name: 'tiny',
      versions: ['1'],
      platform: 'glovebox_ckks',
      inputs: [{ name: 'query', datatype: 'BYTES', shape: [1] }],
      outputs: [{ name: 'reply', datatype: 'BYTES', shape: [1] }],
      parameters: {
        version: '1',
        digest: model.digest,
        params: { scheme: 'ckks' },
        input_shape: [1, 4, 4],
        output_shape: [3],
        needs_keys: true,
        kind: 'numbers',
        client_bytes: client.length,
        server_bytes: server.length,
      },
    })
    const part = await app.call('GET', '/v2/models/tiny/client')
    expect(Object.fromEntries(part.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(client.length),
      'glovebox-model-version': '1',
      etag: `"${model.digest}"`,
    })
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(client)
    const again = await app.call('GET', '/v2/models/tiny/client', undefined, { 'if-none-match': `"${model.digest}"` })
    expect(again.status).toBe(304)
    const card = await app.call('GET', '/v2/models/tiny/card')
    expect([card.headers.get('content-type'), await card.text()]).toEqual(['text/markdown; charset=utf-8', '# Tiny\n'])
    expect(await (await app.call('GET', '/v2/models/tiny/examples')).json()).toMatchObject({ kind: 'numbers' })
  })

  test('all models, and the index of the repository', async () => {
    await using app = await setUpApp()
    const { models } = (await (await app.call('GET', '/v2/models')).json()) as { models: object[] }
    expect(models).toMatchObject([
      {
        name: 'tiny',
        aliases: {},
        versions: [{ version: '1', kind: 'numbers', needs_keys: true, stage: 'None', tags: { accuracy: '0.5' } }],
      },
    ])
    expect((await app.call('POST', '/v2/repository/index')).status).toBe(200)
    expect(await (await app.call('POST', '/v2/repository/index', {})).json()).toEqual([
      { name: 'tiny', version: '1', state: 'READY', reason: '' },
    ])
  })

  test('a model by its version and by an alias', async () => {
    await using app = await setUpApp()
    await app.call('POST', '/api/2.0/mlflow/registered-models/alias', { name: 'tiny', alias: 'good', version: '1' })
    for (const rest of ['', '/ready', '/client', '/card', '/stats'])
      for (const version of ['1', 'good']) {
        const [bare, versioned] = [`/v2/models/tiny${rest}`, `/v2/models/tiny/versions/${version}${rest}`]
        const answer = await app.call('GET', versioned)
        expect(answer.status).toBe(200)
        expect(await answer.text()).toBe(await (await app.call('GET', bare)).text())
      }
    for (const version of ['2', 'bad', '0'])
      expect((await app.call('GET', `/v2/models/tiny/versions/${version}`)).status).toBe(404)
    const { body, length } = inferBody(header({ parameters: {} }), query)
    expect((await infer(app.call, body, length, 'tiny/versions/2')).status).toBe(404)
  })

  test('the server part is under no address', async () => {
    await using app = await setUpApp()
    expect((await app.call('GET', `/v2/blobs/${sha256(client)}`)).status).toBe(200)
    expect((await app.call('GET', `/v2/blobs/${sha256(server)}`)).status).toBe(404)
    for (const path of ['server', 'server.gbx', 'client/../server', '..%2fserver.gbx'])
      expect((await app.call('GET', `/v2/models/tiny/${path}`)).status).toBe(404)
  })

  test('what there is not is 404, what is for another method 405', async () => {
    await using app = await setUpApp()
    for (const path of [
      '/v2/models/x',
      '/v2/models/x/client',
      '/v2/models/x/ready',
      '/v3',
      '/v2/x',
      '/api/2.0/mlflow/x',
    ])
      expect((await app.call('GET', path)).status, path).toBe(404)
    const other = await app.call('GET', '/v3')
    expect(await other.json()).toEqual({ error: 'there is no GET /v3', code: 'not-found' })
    const wrong = await app.call('DELETE', '/v2/models/tiny')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET'])
  })
})

describe('evaluation keys', () => {
  test('are stored once under their digest, asked for, listed and deleted', async () => {
    await using app = await setUpApp()
    const { call, forgotten } = app
    const path = `/v2/keys/${address}`
    const missing = await call('HEAD', path)
    expect([missing.status, missing.headers.get('upload-offset')]).toEqual([404, '0'])
    expect((await call('PUT', path, keys)).status).toBe(201)
    expect((await call('PUT', path, keys)).status).toBe(200)
    const here = await call('HEAD', path)
    expect([here.status, Date.parse(here.headers.get('expires')!) > Date.now()]).toEqual([200, true])
    const get = await call('GET', path)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'HEAD, PUT, PATCH, DELETE'])
    expect(await (await call('GET', '/v2/keys')).json()).toMatchObject({
      keys: [{ digest: address, program: model.digest, model: 'tiny', bytes: keys.length }],
    })
    expect((await call('DELETE', path)).status).toBe(204)
    expect(forgotten).toEqual([`local/${address}`])
    expect((await call('HEAD', path)).status).toBe(404)
    expect((await call('DELETE', path)).status).toBe(404)
  })

  test('come in parts too, and go on where they were broken off', async () => {
    await using app = await setUpApp()
    const path = `/v2/keys/${address}`
    const patch = (offset: number, part: Uint8Array, length = keys.length) =>
      app.call('PATCH', path, part, { 'upload-offset': String(offset), 'upload-length': String(length) })
    const first = await patch(0, keys.subarray(0, 400))
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, '400'])
    const state = await app.call('HEAD', path)
    expect([state.status, state.headers.get('upload-offset')]).toEqual([404, '400'])
    const gap = await patch(500, keys.subarray(500))
    expect([gap.status, gap.headers.get('upload-offset')]).toEqual([409, '400'])
    const last = await patch(400, keys.subarray(400))
    expect([last.status, last.headers.get('upload-offset')]).toEqual([201, String(keys.length)])
    expect((await patch(0, keys.subarray(0, 400))).status).toBe(200)
    expect((await app.call('HEAD', path)).status).toBe(200)
    for (const [name, value] of [
      ['upload-offset', '-1'],
      ['upload-offset', '1e3'],
      ['upload-length', 'x'],
    ] as const) {
      const headers = { 'upload-offset': '0', 'upload-length': '9', [name]: value }
      const bad = await app.call('PATCH', path, keys.subarray(0, 9), headers)
      expect([bad.status, await errorOf(bad)]).toEqual([400, expect.stringContaining(`"${name}"`)])
    }
  })

  test('a part is 8 MiB at most', async () => {
    await using app = await setUpApp({ config: { limits: { partBytes: 100 } } })
    const headers = { 'upload-offset': '0', 'upload-length': String(keys.length) }
    expect((await app.call('PATCH', `/v2/keys/${address}`, keys.subarray(0, 101), headers)).status).toBe(413)
    expect((await app.call('PATCH', `/v2/keys/${address}`, keys.subarray(0, 100), headers)).status).toBe(204)
  })

  test('a wrong digest, a wrong kind and a wrong address are refused', async () => {
    await using app = await setUpApp()
    const wrong = await app.call('PUT', `/v2/keys/${'0'.repeat(64)}`, keys)
    expect([wrong.status, await errorOf(wrong)]).toEqual([400, expect.stringContaining(address)])
    const kind = await app.call('PUT', `/v2/keys/${sha256(query)}`, query)
    expect([kind.status, await errorOf(kind)]).toEqual([400, expect.stringContaining('"query"')])
    for (const bad of ['abc', 'A'.repeat(64), `${'0'.repeat(63)}g`, `${'0'.repeat(64)}0`])
      expect((await app.call('PUT', `/v2/keys/${bad}`, keys)).status).toBe(400)
  })

  test('a truncated set, a damaged one and one of a model that is not served are refused', async () => {
    await using app = await setUpApp()
    const put = (bytes: Uint8Array) => app.call('PUT', `/v2/keys/${sha256(bytes)}`, bytes)
    for (const bad of [keys.slice(0, 500), keys.with(100, 8), keys.slice(0, 20), new Uint8Array(0)])
      expect((await put(bad)).status).toBe(400)
    expect((await put(encodeFrame('evaluation keys of a program', new Uint8Array(32), new Uint8Array(8)))).status).toBe(
      409,
    )
  })

  test('a body that is too long is cut off while it streams, announced or not', async () => {
    await using app = await setUpApp({ config: { limits: { keyBytes: 4096 } } })
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(sent === 0 ? keys : new Uint8Array(1024))
        sent += 1024
      },
    })
    const streamed = await app.call('PUT', `/v2/keys/${address}`, endless)
    expect([streamed.status, await errorOf(streamed)]).toEqual([413, expect.stringContaining('4096')])
    expect(sent).toBeLessThan(16384)
    expect((await app.call('PUT', `/v2/keys/${address}`, keys, { 'content-length': '1000000' })).status).toBe(413)
  })
})

describe('infer', () => {
  test('hands the query and the name of its keys to a thread and frames the reply', async () => {
    await using app = await setUpKeys()
    const { body, length } = inferBody(header(), query)
    const response = await infer(app.call, body, length, 'tiny', { 'glovebox-keys': address })
    expect(response.status).toBe(200)
    const bytes = new Uint8Array(await response.arrayBuffer())
    const cut = Number(response.headers.get('inference-header-content-length'))
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(0, cut)))).toEqual({
      model_name: 'tiny',
      model_version: '1',
      id: 'a',
      parameters: { compute_ms: 12.346, wait_ms: 1, warm_ms: 0 },
      outputs: [{ name: 'reply', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 6 } }],
    })
    expect([...bytes.subarray(cut)]).toEqual([2, 0, 0, 0, 5, 6])
    expect(app.seen[0]).toMatchObject({
      model: { name: 'tiny', digest: model.digest, serverPart: sha256(server) },
      tenant: 'local',
      keysDigest: address,
    })
    expect(Buffer.compare(app.seen[0]!.query, query)).toBe(0)
    expect(app.seen[0]!.query.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(app.lines.find(({ msg }) => msg === 'query answered')).toMatchObject({
      model: 'tiny',
      replyBytes: bytes.length,
    })
    const request = response.headers.get('x-request-id')
    expect(app.lines.filter((line) => line.request === request).length).toBeGreaterThanOrEqual(2)
  })

  test('keys that are not here are 404, those of another model 409', async () => {
    await using app = await setUpApp()
    const { body, length } = inferBody(header(), query)
    const response = await infer(app.call, body, length)
    expect([response.status, await errorOf(response)]).toEqual([404, expect.stringContaining('upload them first')])
  })

  test('keys that were deleted are gone at once', async () => {
    await using app = await setUpKeys()
    const { body, length } = inferBody(header(), query)
    expect((await infer(app.call, body, length)).status).toBe(200)
    await app.call('DELETE', `/v2/keys/${address}`)
    expect((await infer(app.call, body, length)).status).toBe(404)
  })

  const { body, length } = inferBody(header(), query)
  const spread = (made: { body: Uint8Array; length: string }): [Uint8Array, string] => [made.body, made.length]
  const inputs = (change: object) => header({ inputs: [{ ...header().inputs[0], ...change }] })
  const json = (value: unknown) => spread(inferBody(value, query))
  test.each<[string, Uint8Array, string, string]>([
    ['no binary data', new TextEncoder().encode(JSON.stringify(header())), '', 'expected the length'],
    ['a length beyond the body', body, String(body.length + 1), 'at most'],
    ['a length that is no number', body, '-1', 'expected the length'],
    ['a length within the JSON', body, '20', 'is not JSON'],
    ['an empty body', new Uint8Array(0), '0', 'is not JSON'],
    ['something else than JSON', ...json('[1,'), 'is not JSON'],
    ['no keys', ...json(header({ parameters: {} })), '"parameters.keys"'],
    ['keys that are no digest', ...json(header({ parameters: { keys: '../x' } })), '64 lower-case'],
    ['two inputs', ...json(header({ inputs: [...header().inputs, ...header().inputs] })), '"inputs"'],
    ['numbers instead of BYTES', ...json(inputs({ datatype: 'FP32' })), '"inputs.0.datatype"'],
    ['another shape', ...json(inputs({ shape: [2] })), '"inputs.0.shape.0"'],
    ['another size than announced', ...json(inputs({ parameters: { binary_data_size: 9 } })), 'expected 9 bytes'],
    ['an output that there is not', ...json(header({ outputs: [{ name: 'label' }] })), '"outputs.0.name"'],
    ['a truncated element', body.subarray(0, body.length - 1), length, 'binary data expected'],
  ])('%s is 400 and says what was expected', async (_, bytes, cut, message) => {
    await using app = await setUpKeys()
    const response = await infer(app.call, bytes, cut)
    expect([response.status, await errorOf(response)]).toEqual([400, expect.stringContaining(message)])
    expect(app.seen).toEqual([])
  })

  test('an element longer than its tensor is 400, as is another digest in the header', async () => {
    await using app = await setUpKeys()
    const bad = inferBody(header(), query)
    new DataView(bad.body.buffer).setUint32(Number(bad.length), 2 ** 32 - 1, true)
    expect((await infer(app.call, bad.body, bad.length)).status).toBe(400)
    const other = await infer(app.call, body, length, 'tiny', { 'glovebox-keys': '0'.repeat(64) })
    expect([other.status, await errorOf(other)]).toEqual([400, expect.stringContaining('"glovebox-keys"')])
  })

  test.each([
    ['malformed', 400],
    ['parameters-mismatch', 409],
    ['missing-key', 422],
    ['out-of-memory', 503],
    ['unavailable', 503],
  ] as const)('%s from the thread is %i', async (code, status) => {
    await using app = await setUpKeys({ run: () => Promise.reject(new GloveboxError(code, 'the reason')) })
    const response = await infer(app.call, body, length)
    expect([response.status, await response.json()]).toEqual([status, { error: 'the reason', code }])
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
  })

  test('any other error is 500, told to the log and not to the client', async () => {
    await using app = await setUpKeys({ run: () => Promise.reject(new Error('a detail in /etc')) })
    const response = await infer(app.call, body, length)
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toMatch(/detail|\/etc|at /)
    expect(JSON.stringify(app.lines)).toContain('a detail')
  })

  test('a query over the limit is 413', async () => {
    await using app = await setUpKeys({ config: { limits: { queryBytes: 100 } } })
    const refused = await infer(app.call, body, length)
    expect([refused.status, refused.headers.get('connection')]).toEqual([413, 'close'])
  })

  test('while queries are computed on they count as received, and no longer', async () => {
    let answer: () => void = () => undefined
    await using app = await setUpKeys({
      config: { limits: { receiving: body.length + 100 } },
      run: () =>
        new Promise((resolve) => {
          answer = () => resolve({ reply: Uint8Array.of(1), computeMs: 1, waitMs: 0, warmMs: 0 })
        }),
    })
    const first = infer(app.call, body, length)
    while (app.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    const later = await infer(app.call, body, length)
    expect([later.status, later.headers.get('retry-after')]).toEqual([503, '1'])
    answer()
    expect((await first).status).toBe(200)
    const next = infer(app.call, body, length)
    while (app.seen.length === 1) await new Promise((resolve) => setTimeout(resolve, 1))
    answer()
    expect((await next).status).toBe(200)
  })
})

test('a tenant has so many uploads coming in at one time', async () => {
  await using app = await setUpKeys({ config: { limits: { tenantUploads: 1, tenantKeyBytes: 2 ** 20 } } })
  let end: () => void = () => undefined
  const slow = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(10))
      end = () => controller.close()
    },
  })
  const path = `/v2/keys/${'1'.repeat(64)}`
  const first = app.call('PUT', path, slow)
  let second = await app.call('PUT', path, keys)
  while (second.status !== 503) second = await app.call('PUT', path, keys)
  expect([await errorOf(second), second.headers.get('retry-after')]).toEqual([
    expect.stringContaining('coming in'),
    '1',
  ])
  end()
  expect((await first).status).toBe(400)
  expect((await app.call('PUT', path, keys)).status).toBe(400)
})

describe('jobs', () => {
  test('take a query, answer it later, once for each idempotency key', async () => {
    await using app = await setUpKeys()
    const { body, length } = inferBody(header(), query)
    const create = (key: string) =>
      app.call('POST', '/v2/models/tiny/jobs', body, {
        'inference-header-content-length': length,
        'idempotency-key': key,
      })
    const first = await create('k1')
    expect(first.status).toBe(202)
    const { id } = (await first.json()) as { id: string }
    expect(first.headers.get('location')).toBe(`/v2/jobs/${id}`)
    expect(await (await create('k1')).json()).toMatchObject({ id })
    let result = await app.call('GET', `/v2/jobs/${id}/result`)
    while (result.status === 425) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      result = await app.call('GET', `/v2/jobs/${id}/result`)
    }
    expect(result.status).toBe(200)
    const bytes = new Uint8Array(await result.arrayBuffer())
    expect(bytes.length).toBe(Number(result.headers.get('content-length')))
    expect([...bytes.subarray(Number(result.headers.get('inference-header-content-length')))]).toEqual([
      2, 0, 0, 0, 5, 6,
    ])
    expect(await (await app.call('GET', `/v2/jobs/${id}`)).json()).toMatchObject({
      id,
      status: 'done',
      model: 'tiny',
      version: '1',
    })
    expect(await (await app.call('GET', '/v2/jobs')).json()).toMatchObject({ jobs: [{ id }] })
    expect(app.seen).toHaveLength(1)
    expect((await app.call('DELETE', `/v2/jobs/${id}`)).status).toBe(204)
    expect((await app.call('GET', `/v2/jobs/${id}`)).status).toBe(404)
  })

  test('wait with 425, and are refused as infer is', async () => {
    await using app = await setUpKeys({
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal!.addEventListener('abort', () => reject(new GloveboxError('unavailable', 'withdrawn')))
        }),
    })
    const { body, length } = inferBody(header(), query)
    const headers = { 'inference-header-content-length': length }
    const { id } = (await (await app.call('POST', '/v2/models/tiny/jobs', body, headers)).json()) as { id: string }
    const early = await app.call('GET', `/v2/jobs/${id}/result`)
    expect([early.status, early.headers.get('retry-after')]).toEqual([425, '1'])
    expect((await app.call('DELETE', `/v2/jobs/${id}`)).status).toBe(204)
    const bad = inferBody(header({ parameters: {} }), query)
    expect(
      (await app.call('POST', '/v2/models/tiny/jobs', bad.body, { 'inference-header-content-length': bad.length }))
        .status,
    ).toBe(400)
    const key = await app.call('POST', '/v2/models/tiny/jobs', body, { ...headers, 'idempotency-key': 'x'.repeat(129) })
    expect(key.status).toBe(400)
  })
})

describe('administration', () => {
  test('tokens are shown once, listed without what makes them, and revoked', async () => {
    await using app = await setUpApp({ config: { adminToken: admin } })
    const as = { authorization: `Bearer ${admin}` }
    const made = await app.call('POST', '/v2/tokens', { tenant: 'alice', name: 'laptop', scopes: ['predict'] }, as)
    expect(made.status).toBe(201)
    const { id, token } = (await made.json()) as { id: string; token: string }
    expect(token).toMatch(/^gbx_[\w-]{43}$/)
    const own = { authorization: `Bearer ${token}` }
    expect(await (await app.call('GET', '/v2/whoami', undefined, own)).json()).toEqual({
      tenant: 'alice',
      token: id,
      scopes: ['predict'],
      tokens: true,
    })
    const listed = await (await app.call('GET', '/v2/tokens', undefined, as)).text()
    expect(listed).toContain(id)
    expect(listed).not.toContain(token.slice(4))
    expect((await app.call('DELETE', `/v2/tokens/${id}`, undefined, as)).status).toBe(204)
    expect((await app.call('GET', '/v2/whoami', undefined, own)).status).toBe(401)
    const { entries } = (await (await app.call('GET', '/v2/audit', undefined, as)).json()) as {
      entries: { action: string; outcome: string; tenant: string; object: string }[]
    }
    expect(entries.map(({ action, outcome, tenant }) => [tenant, action, outcome])).toEqual([
      ['-', 'get /v2/whoami', 'unauthorised'],
      ['admin', 'token.revoke', 'ok'],
      ['admin', 'token.create', 'ok'],
    ])
    expect(JSON.stringify(entries)).not.toContain(token.slice(4))
    expect(JSON.stringify(app.lines)).not.toContain(token.slice(4))
  })

  test('changes of models and keys are in the audit log, with those that were refused', async () => {
    await using app = await setUpKeys()
    await app.call('POST', '/api/2.0/mlflow/registered-models/alias', {
      name: 'tiny',
      alias: 'production',
      version: '1',
    })
    await app.call('POST', '/api/2.0/mlflow/registered-models/alias', {
      name: 'tiny',
      alias: 'production',
      version: '9',
    })
    // It is here: nothing changes.
    expect((await app.call('PUT', `/v2/keys/${address}`, keys)).status).toBe(200)
    await app.call('DELETE', `/v2/keys/${address}`)
    const { entries } = (await (await app.call('GET', '/v2/audit?limit=10')).json()) as {
      entries: { action: string; outcome: string; object: string; request: string }[]
    }
    expect(entries.map(({ action, object, outcome }) => [action, object, outcome])).toEqual([
      ['keys.delete', address, 'ok'],
      ['alias.set', 'tiny@production = 9', 'not-found'],
      ['alias.set', 'tiny@production = 1', 'ok'],
      ['keys.create', address, 'ok'],
    ])
    expect((await app.call('GET', '/v2/audit?limit=0')).status).toBe(400)
  })

  test('statistics and metrics', async () => {
    await using app = await setUpKeys()
    expect(await (await app.call('GET', '/v2/stats')).json()).toMatchObject({ requests: {}, queue: {}, keys: {} })
    const metrics = await app.call('GET', '/metrics')
    expect(metrics.headers.get('content-type')).toContain('text/plain')
    const text = await metrics.text()
    expect(text).toMatch(/glovebox_http_requests_total\{method="PUT",route="\/v2\/keys\/:sha256",status="201"\} 1/)
    // Never what somebody made up.
    await app.call('GET', '/wp-login.php')
    expect(await (await app.call('GET', '/metrics')).text()).not.toContain('wp-login')
  })
})
