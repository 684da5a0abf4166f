import { encodeFrame } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { admin, errorOf, inferBody, setUpApp, sha256, tinyModel } from '../../test/http.ts'

// Who may do what: made of the OpenAPI document, so that no route is forgotten.

const { client, model } = tinyModel()
const owner = Buffer.from(model.digest, 'hex')
const keys = encodeFrame('evaluation keys of a program', owner, new Uint8Array(100))
const query = encodeFrame('query', owner, new Uint8Array(50))

interface Operation {
  readonly operationId: string
  readonly security: readonly { readonly token?: readonly string[] }[]
}
type Document = { readonly paths: Record<string, Record<string, Operation>> }
type App = Awaited<ReturnType<typeof setUpApp>>

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete']

async function operationsOf(app: App) {
  const { paths } = (await (await app.call('GET', '/v2/openapi.json')).json()) as Document
  return Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      if (!operation) return []
      const [token] = operation.security
      return [
        {
          method: method.toUpperCase(),
          path,
          id: operation.operationId,
          need: token?.token && (token.token[0] ?? 'any'),
        },
      ]
    }),
  )
}

const public_ = ['serverMetadata', 'live', 'ready', 'openapi']

/** Where there is something of the tenant alice: a model, keys, a job. */
async function setUpAlice(): Promise<{ app: App; alice: { authorization: string }; job: string; token: string }> {
  const app = await setUpApp({ config: { adminToken: admin, limits: { failuresPerMinute: 0 } }, models: [] })
  const alice = await app.token('alice', 'predict', 'push')
  const { authorization } = alice
  const put = (bytes: Uint8Array) => app.call('PUT', `/v2/blobs/${sha256(bytes)}`, bytes, alice)
  const files = { 'client.gbx': model.clientPart, 'server.gbx': model.serverPart }
  for (const bytes of Object.values(files)) expect((await put(bytes)).status).toBe(201)
  const manifest = new TextEncoder().encode(
    JSON.stringify({
      format: 'glovebox.model.v1',
      files: Object.fromEntries(
        Object.entries(files).map(([name, bytes]) => [name, { sha256: sha256(bytes), bytes: bytes.length }]),
      ),
    }),
  )
  expect((await put(manifest)).status).toBe(201)
  const mlflow = (method: string, path: string, body: object) =>
    app.call(method, `/api/2.0/mlflow/${path}`, body, alice)
  expect((await mlflow('POST', 'registered-models/create', { name: 'tiny' })).status).toBe(200)
  const source = `sha256:${sha256(manifest)}`
  expect((await mlflow('POST', 'model-versions/create', { name: 'tiny', source })).status).toBe(200)
  expect(
    (await mlflow('POST', 'registered-models/alias', { name: 'tiny', alias: 'production', version: '1' })).status,
  ).toBe(200)
  expect((await mlflow('POST', 'registered-models/set-tag', { name: 'tiny', key: 'k', value: 'v' })).status).toBe(200)
  expect(
    (await mlflow('POST', 'model-versions/set-tag', { name: 'tiny', version: '1', key: 'k', value: 'v' })).status,
  ).toBe(200)
  expect((await app.call('PUT', `/v2/keys/${sha256(keys)}`, keys, alice)).status).toBe(201)
  const { body, length } = inferBody(queryHeader(sha256(keys)), query)
  const headers = { authorization, 'inference-header-content-length': length }
  const created = await app.call('POST', '/v2/models/tiny/jobs', body, headers)
  expect(created.status).toBe(202)
  const { id: job } = (await created.json()) as { id: string }
  while (
    ((await (await app.call('GET', `/v2/jobs/${job}`, undefined, alice)).json()) as { status: string }).status !==
    'done'
  )
    await new Promise((resolve) => setTimeout(resolve, 10))
  const { tokens } = (await (await app.call('GET', '/v2/tokens', undefined, asAdmin)).json()) as {
    tokens: { id: string }[]
  }
  return { app, alice, job, token: tokens[0]!.id }
}

const asAdmin = { authorization: `Bearer ${admin}` }
const queryHeader = (digest: string) => ({
  parameters: { keys: digest },
  inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
})

/** A request that is right in every respect, on what alice has. */
function rightRequest(
  method: string,
  path: string,
  ids: { job: string; token: string },
): [string, unknown, Record<string, string>] {
  const { body, length } = inferBody(queryHeader(sha256(keys)), query)
  const mlflow = {
    name: 'tiny',
    new_name: 'tiny2',
    version: '1',
    alias: 'production',
    key: 'k',
    value: 'v',
    stage: 'Staging',
    username: 'carol',
    permission: 'READ',
    description: 'd',
    source: `sha256:${'0'.repeat(64)}`,
  }
  const digest = path.startsWith('/v2/blobs') ? sha256(client) : sha256(keys)
  const address = path
    .replace('{name}', 'tiny')
    .replace('{version}', '1')
    .replace('{sha256}', digest)
    .replace('{digest}', digest)
    .replace('{id}', path.startsWith('/v2/jobs') ? ids.job : ids.token)
  if (path.startsWith('/v2/sets/')) return [`${address}?epoch=1`, method === 'GET' ? undefined : keys, {}]
  if (path.startsWith('/api/'))
    return method === 'GET'
      ? [
          `${address}?${new URLSearchParams({ name: 'tiny', version: '1', alias: 'production', username: 'carol' })}`,
          undefined,
          {},
        ]
      : [address, mlflow, {}]
  if (path.endsWith('/infer') || path.endsWith('/jobs'))
    return [address, method === 'POST' ? body : undefined, { 'inference-header-content-length': length }]
  if (path === '/v2/tokens' && method === 'POST') return [address, { tenant: 'x', name: 'x', scopes: ['predict'] }, {}]
  if (path === '/v2/repository/index') return [address, {}, {}]
  if (method === 'PATCH')
    return [
      address,
      digest === sha256(keys) ? keys : client,
      { 'upload-offset': '0', 'upload-length': String(digest === sha256(keys) ? keys.length : client.length) },
    ]
  if (method === 'PUT') return [address, digest === sha256(keys) ? keys : client, {}]
  return [address, undefined, {}]
}

const wrong = {
  'no token': {},
  'another word': { authorization: 'Basic YTpi' },
  'an unknown token': { authorization: `Bearer gbx_${'A'.repeat(43)}` },
  'half an admin token': { authorization: `Bearer ${admin.slice(0, -1)}` },
  'an empty token': { authorization: 'Bearer ' },
}

test('every route but the four public ones needs a token, and the scope it says', async () => {
  const { app, job, token } = await setUpAlice()
  await using _ = app
  const operations = await operationsOf(app)
  expect(operations.length).toBeGreaterThan(60)
  const holders = {
    predict: await app.token('bob', 'predict'),
    push: await app.token('bob', 'push'),
    admin: await app.token('bob', 'admin'),
  }
  const report: string[] = []
  for (const { method, path, id, need } of operations) {
    const [address, body, headers] = rightRequest(method, path, { job, token })
    const status = async (more: Record<string, string>) => {
      const answer = await app.call(method, address, body as object | undefined, { ...headers, ...more })
      await answer.arrayBuffer()
      return answer.status
    }
    if (need === undefined) {
      expect(public_, `${id} is public`).toContain(id)
      expect(await status({}), id).toBe(200)
      continue
    }
    for (const [what, more] of Object.entries(wrong)) expect(await status(more), `${id} with ${what}`).toBe(401)
    for (const [scope, more] of Object.entries(holders)) {
      if (id === 'revokeToken' && scope === 'admin') continue
      const got = await status(more)
      const enough = need === 'any' || need === scope || scope === 'admin'
      if (!enough) expect(got, `${id} with the scope ${scope}`).toBe(403)
      else expect([401, 403, 500], `${id} with the scope ${scope}`).not.toContain(got)
      report.push(`${id} ${scope} ${got}`)
    }
  }
  expect(
    operations
      .filter(({ need }) => need === undefined)
      .map(({ id }) => id)
      .sort(),
  ).toEqual([...public_].sort())
  expect(report.length).toBeGreaterThan(150)
})

test("nothing of alice's is there for bob, whatever he may do on his own, and nothing of hers changes", async () => {
  const { app, alice, job, token } = await setUpAlice()
  await using _ = app
  const bob = await app.token('bob', 'predict', 'push')
  const own: Record<string, string> = {}
  for (const { method, path, id, need } of await operationsOf(app)) {
    if (need === undefined || need === 'admin') continue
    const [address, body, headers] = rightRequest(method, path, { job, token })
    const answer = await app.call(method, address, body as object | undefined, { ...headers, ...bob })
    const text = Buffer.from(await answer.arrayBuffer()).toString('latin1')
    // What names nobody's thing is about his own, of which there is none; a name is taken, and that is all that is told.
    const asked = /\{|mlflow/.test(path) && !/search$|repository/.test(path)
    own[id] = `${answer.status}`
    if (id === 'createRegisteredModel') expect(answer.status).toBe(409)
    else if (asked && !/^(put|patch)(Blob)$/.test(id) && id !== 'getLatestVersions' && !/^(put|patch)Keys$/.test(id))
      expect(answer.status, id).toBe(404)
    if (answer.status < 300) expect(text, id).not.toMatch(new RegExp(`tiny|${sha256(keys)}.*expires|${job}`))
  }
  // To keys of a model that he may not use he is told the same as to those of one that there is not.
  expect(own.putKeys).toBe('409')
  expect(own.patchKeys).toBe('409')
  const mine = async (path: string) => (await app.call('GET', path, undefined, alice)).status
  for (const path of ['/v2/models/tiny', `/v2/jobs/${job}/result`, `/v2/models/tiny/versions/production/client`])
    expect(await mine(path), path).toBe(200)
  expect((await app.call('HEAD', `/v2/keys/${sha256(keys)}`, undefined, alice)).status).toBe(200)
})

test('what is granted may be used and read, not changed, and the rest stays', async () => {
  const { app, alice } = await setUpAlice()
  await using _ = app
  const bob = await app.token('bob', 'predict', 'push')
  const permission = '/api/2.0/mlflow/registered-models/permissions/create'
  const grant = { name: 'tiny', username: 'bob', permission: 'READ' }
  expect((await app.call('POST', permission, grant, bob)).status).toBe(404)
  expect((await app.call('POST', permission, grant, alice)).status).toBe(200)
  expect((await app.call('GET', '/v2/models/tiny/client', undefined, bob)).status).toBe(200)
  // His own keys, of the same bytes as hers, are his own.
  const path = `/v2/keys/${sha256(keys)}`
  expect((await app.call('HEAD', path, undefined, bob)).status).toBe(404)
  const { body, length } = inferBody(queryHeader(sha256(keys)), query)
  const ask = async (as: Record<string, string>) => {
    const headers = { ...as, 'inference-header-content-length': length }
    return (await app.call('POST', '/v2/models/tiny/infer', body, headers)).status
  }
  expect([await ask(alice), await ask(bob)]).toEqual([200, 404])
  expect((await app.call('PUT', path, keys, bob)).status).toBe(201)
  expect(await ask(bob)).toBe(200)
  expect(app.seen.at(-1)).toMatchObject({ tenant: 'bob' })
  expect((await app.call('DELETE', path, undefined, bob)).status).toBe(204)
  expect((await app.call('HEAD', path, undefined, alice)).status).toBe(200)
  for (const [method, call, change] of [
    ['DELETE', 'registered-models/delete', { name: 'tiny' }],
    ['PATCH', 'registered-models/update', { name: 'tiny', description: 'x' }],
    ['POST', 'registered-models/alias', { name: 'tiny', alias: 'production', version: '1' }],
    ['POST', 'model-versions/transition-stage', { name: 'tiny', version: '1', stage: 'Archived' }],
  ] as const)
    expect([403, 404], call).toContain((await app.call(method, `/api/2.0/mlflow/${call}`, change, bob)).status)
  expect((await app.call('GET', '/v2/models/tiny/stats', undefined, bob)).status).toBe(403)
})

describe('limits', () => {
  test('wrong tokens from one address are told to wait, right ones are not', async () => {
    await using app = await setUpApp({ config: { adminToken: admin, limits: { failuresPerMinute: 3 } } })
    const guess = () => app.call('GET', '/v2/models', undefined, { authorization: `Bearer gbx_${'B'.repeat(43)}` })
    expect([await guess(), await guess(), await guess()].map(({ status }) => status)).toEqual([401, 401, 401])
    const refused = await guess()
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await app.call('GET', '/v2/models', undefined, asAdmin)).status).toBe(200)
    // Where a proxy is trusted, its last word says who it is.
    await using behind = await setUpApp({
      config: { adminToken: admin, trustProxy: true, limits: { failuresPerMinute: 1 } },
    })
    const from = (address: string) =>
      behind
        .call('GET', '/v2/models', undefined, { 'x-forwarded-for': `1.1.1.1, ${address}` })
        .then(({ status }) => status)
    expect([await from('9.9.9.9'), await from('9.9.9.9'), await from('8.8.8.8')]).toEqual([401, 429, 401])
    expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:1::1')]).toEqual([
      401, 429, 401,
    ])
  })

  test('a token that asks for what it may not is told to wait, and fills no audit log', async () => {
    await using app = await setUpApp({ config: { adminToken: admin, limits: { failuresPerMinute: 3 } } })
    const as = await app.token('a', 'predict')
    const ask = async (path: string) => (await app.call('GET', path, undefined, as)).status
    const statuses = []
    for (let i = 0; i < 6; i++) statuses.push(await ask('/v2/tokens'))
    expect(statuses).toEqual([403, 403, 403, 429, 429, 429])
    expect(await ask('/v2/models')).toBe(200)
    expect((await app.stores.audit.list({ tenant: 'a' })).length).toBe(3)
  })

  test('a token has so many requests a minute', async () => {
    await using app = await setUpApp({ config: { adminToken: admin, limits: { requestsPerMinute: 2 } } })
    const [one, other] = [await app.token('a', 'predict'), await app.token('a', 'predict')]
    const ask = async (as: Record<string, string>) => (await app.call('GET', '/v2/models', undefined, as)).status
    expect([await ask(one), await ask(one), await ask(one), await ask(other)]).toEqual([200, 200, 429, 200])
  })
})

describe('without tokens', () => {
  test('only names of this machine are answered to', async () => {
    await using app = await setUpApp()
    const ask = async (host: string) => (await app.call('GET', '/v2/models', undefined, { host })).status
    for (const host of ['localhost', 'localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'app.localhost:1'])
      expect(await ask(host), host).toBe(200)
    for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', '10.0.0.1:8080'])
      expect(await ask(host), host).toBe(403)
  })

  test('what a proxy brought is refused: others stand behind it', async () => {
    await using app = await setUpApp()
    const ask = async (headers: Record<string, string>) =>
      (await app.call('GET', '/v2/models', undefined, { host: '127.0.0.1:8080', ...headers })).status
    expect(await ask({})).toBe(200)
    for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded'])
      expect(await ask({ [name]: '203.0.113.9' }), name).toBe(403)
  })

  test('pages of other origins write nothing', async () => {
    await using app = await setUpApp({ config: { origins: ['https://shop.example'] } })
    const body = { name: 'x' }
    const create = async (headers: Record<string, string>) =>
      (await app.call('POST', '/api/2.0/mlflow/registered-models/create', body, { host: 'localhost:8080', ...headers }))
        .status
    expect(await create({ origin: 'https://evil.example' })).toBe(403)
    expect(await create({ origin: 'null' })).toBe(403)
    expect(await create({ origin: 'http://localhost:9' })).toBe(403)
    expect(await create({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await create({ origin: 'https://shop.example', 'sec-fetch-site': 'cross-site' })).toBe(200)
    expect(await create({ origin: 'http://localhost:8080' })).toBe(409)
  })

  test('a form of another page is no JSON', async () => {
    await using app = await setUpApp()
    const answer = await app.call('POST', '/api/2.0/mlflow/registered-models/create', '{"name":"x"}', {
      'content-type': 'text/plain',
    })
    expect([answer.status, await errorOf(answer)]).toEqual([415, expect.stringContaining('application/json')])
  })
})

describe('around a request', () => {
  test('every answer has its headers', async () => {
    await using app = await setUpApp()
    for (const path of ['/v2', '/v2/models/none', '/nowhere']) {
      const { headers } = await app.call('GET', path)
      expect(Object.fromEntries(headers), path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
      })
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('CORS is for those origins that are named', async () => {
    await using app = await setUpApp({ config: { adminToken: admin, origins: ['https://shop.example'] } })
    const preflight = (origin: string) =>
      app.call('OPTIONS', '/v2/models/tiny/infer', undefined, { origin, 'access-control-request-method': 'POST' })
    const yes = await preflight('https://shop.example')
    expect(yes.status).toBe(204)
    expect(yes.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    for (const header of ['authorization', 'glovebox-keys', 'idempotency-key', 'upload-offset', 'upload-length'])
      expect(yes.headers.get('access-control-allow-headers')).toContain(header)
    expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    const refused = await app.call('GET', '/v2/models', undefined, { origin: 'https://shop.example' })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, 'https://shop.example'])
    expect(refused.headers.get('access-control-expose-headers')).toContain('upload-offset')
    expect(refused.headers.get('www-authenticate')).toContain('Bearer')
  })

  test('compressed bodies are not taken', async () => {
    await using app = await setUpApp()
    const answer = await app.call('PUT', `/v2/keys/${sha256(keys)}`, keys, { 'content-encoding': 'gzip' })
    expect(answer.status).toBe(415)
  })

  test('HSTS is behind TLS alone', async () => {
    await using app = await setUpApp({ config: { adminToken: admin, trustProxy: true } })
    const hsts = async (headers: Record<string, string>) =>
      (await app.call('GET', '/v2', undefined, headers)).headers.get('strict-transport-security')
    expect(await hsts({})).toBeNull()
    expect(await hsts({ 'x-forwarded-proto': 'https' })).toContain('max-age')
  })
})
