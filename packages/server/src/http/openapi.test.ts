import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { inferBody, setUpApp, sha256, tinyModel } from '../../test/http.ts'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: object
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> }
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, { readonly schema: object }> }
  >
}
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes: Record<string, object> }
}

async function open(): Promise<{ app: Awaited<ReturnType<typeof setUpApp>>; document: Document }> {
  const app = await setUpApp()
  return { app, document: (await (await app.call('GET', '/v2/openapi.json')).json()) as Document }
}

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete']

test('every route of the design is in the document, and every route of the app', async () => {
  const { app, document } = await open()
  await using _ = app
  const listed = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  )
  const mlflow = '/api/2.0/mlflow'
  const version = '/v2/models/{name}/versions/{version}'
  for (const route of [
    'get /v2',
    'get /v2/health/live',
    'get /v2/health/ready',
    'get /v2/models',
    ...['/v2/models/{name}', version].flatMap((path) => [
      `get ${path}`,
      ...['ready', 'client', 'card', 'examples', 'stats'].map((rest) => `get ${path}/${rest}`),
      ...['infer', 'jobs'].map((rest) => `post ${path}/${rest}`),
    ]),
    'post /v2/repository/index',
    'get /v2/keys',
    ...['head', 'put', 'patch', 'delete'].map((method) => `${method} /v2/keys/{sha256}`),
    ...['get', 'head', 'put', 'patch'].map((method) => `${method} /v2/blobs/{sha256}`),
    'get /v2/jobs',
    'get /v2/jobs/{id}',
    'get /v2/jobs/{id}/result',
    'delete /v2/jobs/{id}',
    ...[
      'post create',
      'get get',
      'post rename',
      'patch update',
      'delete delete',
      'get search',
      'post get-latest-versions',
      'post set-tag',
      'delete delete-tag',
      'post alias',
      'get alias',
      'delete alias',
      'post permissions/create',
      'get permissions/get',
      'patch permissions/update',
      'delete permissions/delete',
    ].map((each) => each.replace(' ', ` ${mlflow}/registered-models/`)),
    ...[
      'post create',
      'get get',
      'patch update',
      'delete delete',
      'get search',
      'post transition-stage',
      'post set-tag',
      'delete delete-tag',
      'get get-download-uri',
    ].map((each) => each.replace(' ', ` ${mlflow}/model-versions/`)),
    'get /v2/sets',
    'get /v2/sets/{name}',
    'post /v2/sets/{name}/oprf',
    'put /v2/sets/{name}/keys/{digest}',
    'post /v2/sets/{name}/query',
    'post /v2/tokens',
    'get /v2/tokens',
    'delete /v2/tokens/{id}',
    'get /v2/whoami',
    'get /v2/audit',
    'get /v2/stats',
    'get /metrics',
    'get /v2/openapi.json',
  ])
    expect(listed).toContain(route)
  // Every address that the router knows is documented: nobody opens one beside it.
  const known = Object.keys(document.paths).map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'))
  const routed = app.app.routes.map(({ path }) => path).filter((path) => path !== '/*')
  expect(new Set(routed)).toEqual(new Set(known))
})

describe('the document is valid OpenAPI 3.1', () => {
  test('in its structure', async () => {
    const { app, document } = await open()
    await using _ = app
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'glovebox', version: '0.1.0' })
    expect(document.components.securitySchemes).toMatchObject({ token: { type: 'http', scheme: 'bearer' } })
    const ids = new Set<string>()
    for (const [path, item] of Object.entries(document.paths)) {
      expect(path).toMatch(/^\/[\w./{}-]+$/)
      for (const [method, operation] of Object.entries(item)) {
        expect(methods).toContain(method)
        expect(ids.has(operation.operationId), operation.operationId).toBe(false)
        ids.add(operation.operationId)
        expect(operation.summary.length).toBeGreaterThan(5)
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
        expect(inPath.map(({ name }) => name).sort()).toEqual(named.sort())
        for (const parameter of inPath) expect(parameter.required).toBe(true)
        const statuses = Object.keys(operation.responses)
        expect(statuses).toContain('default')
        for (const status of statuses) {
          expect(status).toMatch(/^([1-5]\d\d|default)$/)
          expect(operation.responses[status]!.description).toBeTypeOf('string')
        }
      }
    }
  })

  test('in its schemas, which are JSON Schema 2020-12, and all that is referred to is there', async () => {
    const { app, document } = await open()
    await using _ = app
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema({ $id: 'doc', ...document })
    const all: object[] = Object.values(document.components.schemas)
    for (const item of Object.values(document.paths))
      for (const { parameters = [], requestBody, responses } of Object.values(item)) {
        all.push(...parameters.map(({ schema }) => schema))
        for (const { content } of [...(requestBody ? [requestBody] : []), ...Object.values(responses)])
          all.push(...Object.values(content ?? {}).map(({ schema }) => schema))
      }
    expect(all.length).toBeGreaterThan(150)
    for (const schema of all) {
      expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true)
      for (const [, name] of JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g)) {
        const target = /^#\/components\/schemas\/(\w+)$/.exec(name!)?.[1]
        expect(Object.keys(document.components.schemas)).toContain(target)
      }
    }
  })
})

test('answers are as the document says', async () => {
  const { app, document } = await open()
  await using _ = app
  const { model } = tinyModel()
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'https://x/doc', components: document.components })
  const name = 'name=tiny&version=1&alias=a&username=b'
  const m = '/api/2.0/mlflow'
  const body = {
    name: 'tiny',
    version: '1',
    alias: 'a',
    username: 'b',
    permission: 'READ',
    key: 'k',
    value: 'v',
    description: 'd',
    stage: 'Staging',
  }
  const { body: query, length } = inferBody(
    { inputs: [{ name: 'query', shape: [1], datatype: 'FP32', data: [1] }] },
    model.clientPart,
  )
  const calls: [string, string, string, unknown?, Record<string, string>?][] = [
    ['GET', '/v2', '/v2'],
    ['GET', '/v2/health/ready', '/v2/health/ready'],
    ['GET', '/v2/models', '/v2/models'],
    ['GET', '/v2/models/{name}', '/v2/models/tiny'],
    ['GET', '/v2/models/{name}', '/v2/models/none'],
    ['GET', '/v2/models/{name}/stats', '/v2/models/tiny/stats'],
    ['POST', '/v2/models/{name}/infer', '/v2/models/tiny/infer', query, { 'inference-header-content-length': length }],
    ['POST', '/v2/repository/index', '/v2/repository/index', {}],
    ['GET', '/v2/keys', '/v2/keys'],
    ['GET', '/v2/jobs', '/v2/jobs?limit=5'],
    ['PUT', '/v2/blobs/{sha256}', `/v2/blobs/${sha256(model.clientPart)}`, model.clientPart],
    [
      'POST',
      `${m}/registered-models/create`,
      `${m}/registered-models/create`,
      { name: 'other', tags: [{ key: 'a', value: 'b' }] },
    ],
    ['POST', `${m}/registered-models/alias`, `${m}/registered-models/alias`, body],
    ['GET', `${m}/registered-models/alias`, `${m}/registered-models/alias?${name}`],
    ['GET', `${m}/registered-models/get`, `${m}/registered-models/get?${name}`],
    ['GET', `${m}/registered-models/search`, `${m}/registered-models/search?max_results=5`],
    ['POST', `${m}/registered-models/get-latest-versions`, `${m}/registered-models/get-latest-versions`, body],
    ['POST', `${m}/registered-models/permissions/create`, `${m}/registered-models/permissions/create`, body],
    ['GET', `${m}/registered-models/permissions/get`, `${m}/registered-models/permissions/get?${name}`],
    ['GET', `${m}/registered-models/permissions/get`, `${m}/registered-models/permissions/get?name=tiny`],
    ['GET', `${m}/model-versions/get`, `${m}/model-versions/get?${name}`],
    ['GET', `${m}/model-versions/search`, `${m}/model-versions/search`],
    ['POST', `${m}/model-versions/transition-stage`, `${m}/model-versions/transition-stage`, body],
    ['GET', `${m}/model-versions/get-download-uri`, `${m}/model-versions/get-download-uri?${name}`],
    ['POST', '/v2/tokens', '/v2/tokens', { tenant: 't', name: 'n', scopes: ['push'] }],
    ['GET', '/v2/tokens', '/v2/tokens'],
    ['GET', '/v2/whoami', '/v2/whoami'],
    ['GET', '/v2/audit', '/v2/audit'],
    ['GET', '/v2/stats', '/v2/stats'],
  ]
  const refused: string[] = []
  for (const [method, path, address, sent, headers] of calls) {
    const answer = await app.call(method, address, sent as object | undefined, headers)
    const { responses } = document.paths[path]![method.toLowerCase()]!
    const schema = (responses[answer.status] ?? responses.default)!.content!['application/json']!.schema
    const text = JSON.stringify(schema).replaceAll('"#/components', '"https://x/doc#/components')
    const value = await answer.json()
    expect(
      ajv.validate(JSON.parse(text), value),
      `${method} ${address}: ${ajv.errorsText()} ${JSON.stringify(value)}`,
    ).toBe(true)
    if (answer.status >= 400) refused.push(address)
  }
  // The refusals are meant; everything else was answered.
  expect(refused).toEqual(['/v2/models/none', '/v2/models/tiny/infer'])
})
