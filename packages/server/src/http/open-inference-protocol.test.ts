import { readFileSync } from 'node:fs'
import { encodeFrame } from '@glovebox/he'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { admin, setUpApp, sha256, tinyModel } from '../../test/http.ts'

// The service against what others publish of the protocol (vectors/oip/README.md says where): each operation of the OpenAPI document is called and each answer held to
// its schema, and requests are put on the wire and read as two stock clients do, byte by byte and without our own code.

type Schema = Readonly<Record<string, unknown>>
type Statuses = Readonly<Record<string, string | null>>
const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../../../vectors/oip/${name}.json`, import.meta.url), 'utf8')) as T
const rest = read<{
  operations: Record<string, Record<string, Statuses>>
  components: { schemas: Record<string, Schema> }
}>('rest')
const text = read<Record<'ready_model_response' | 'ready_server_response' | 'live_server_response', Schema>>('text')
const { error, parameters, platform, datatypes, paths } = read<{
  error: Schema
  parameters: Schema
  platform: Schema
  datatypes: readonly string[]
  paths: readonly string[]
}>('text')
const extensions = read<{ names: readonly string[]; binary_data_size: Schema; repository_index_response: Schema }>(
  'extensions',
)
const examples = read<{ inference: object; binary: object; binaryBytes: number }>('examples')

/** Names of the schemas of the document, and schemas. */
function problems(schema: string | Schema, value: unknown): string {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  const whole = typeof schema === 'string' ? { $ref: `#/components/schemas/${schema}` } : schema
  ajv.validate({ ...whole, components: withParameters }, value)
  return ajv.errors ? ajv.errorsText() : ''
}

/** The document says of parameters that they are an object; the text says of what. */
const withParameters = { schemas: { ...rest.components.schemas, parameters } }
/** "data" is required by the document, and elsewhere where the extension sends a tensor as binary data: then its size is. */
const binaryTensor = {
  ...rest.components.schemas.response_output,
  required: ['name', 'shape', 'datatype', 'parameters'],
  properties: {
    ...(rest.components.schemas.response_output!.properties as Schema),
    data: false,
    parameters: {
      allOf: [
        { $ref: '#/components/schemas/parameters' },
        { required: ['binary_data_size'], properties: { binary_data_size: extensions.binary_data_size } },
      ],
    },
  },
}
const binaryResponse = {
  ...rest.components.schemas.inference_response,
  properties: {
    ...(rest.components.schemas.inference_response!.properties as Schema),
    outputs: { type: 'array', items: binaryTensor },
  },
}

const { model } = tinyModel()
const keys = encodeFrame('evaluation keys of a program', Buffer.from(model.digest, 'hex'), new Uint8Array(100))
const query = encodeFrame('query', Buffer.from(model.digest, 'hex'), new Uint8Array(50))
const reply = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 251)

type App = Awaited<ReturnType<typeof setUpApp>>
const setUp = async (): Promise<App> => {
  const app = await setUpApp({ run: async () => ({ reply, computeMs: 1.5, waitMs: 0, warmMs: 0 }) })
  expect((await app.call('PUT', `/v2/keys/${sha256(keys)}`, keys)).status).toBe(201)
  return app
}

/** struct.pack("<I", len) and the bytes, for each element in turn (tritonclient.utils). */
function serialiseBytes(...elements: Uint8Array[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4)
      length[0] = element.length % 256
      length[1] = Math.floor(element.length / 2 ** 8) % 256
      length[2] = Math.floor(element.length / 2 ** 16) % 256
      length[3] = Math.floor(element.length / 2 ** 24)
      return [length, element]
    }),
  )
}

interface Outcome {
  readonly json: {
    readonly id?: string
    readonly outputs: readonly { readonly name: string; readonly parameters: { readonly binary_data_size: number } }[]
  }
  /** Elements of BYTES tensors by the name of the output. */
  readonly tensors: ReadonlyMap<string, readonly Buffer[]>
}

/** As InferResult of tritonclient reads an answer. */
async function readAnswer(answer: Response): Promise<Outcome> {
  const body = Buffer.from(await answer.arrayBuffer())
  const header = Number.parseInt(answer.headers.get('Inference-Header-Content-Length')!, 10)
  const json = JSON.parse(body.subarray(0, header).toString('utf8')) as Outcome['json']
  const buffer = body.subarray(header)
  const tensors = new Map<string, Buffer[]>()
  let at = 0
  for (const output of json.outputs) {
    const tensor = buffer.subarray(at, at + output.parameters.binary_data_size)
    at += output.parameters.binary_data_size
    const elements: Buffer[] = []
    for (let i = 0; i < tensor.length; ) {
      const length = tensor[i]! + 2 ** 8 * tensor[i + 1]! + 2 ** 16 * tensor[i + 2]! + 2 ** 24 * tensor[i + 3]!
      elements.push(tensor.subarray(i + 4, i + 4 + length))
      i += 4 + length
    }
    tensors.set(output.name, elements)
  }
  expect(at, 'sizes of the tensors').toBe(buffer.length)
  // "Content-Length continues to give the full body length"
  const length = answer.headers.get('content-length')
  if (length !== null) expect(Number(length)).toBe(body.length)
  return { json, tensors }
}

/** What tritonclient makes of `infer(model, [InferInput('query', [1], 'BYTES')], …)`: no content type, JSON without blanks. */
function tritonRequest(fields: object, ...elements: Uint8Array[]): { body: Buffer; headers: Record<string, string> } {
  const binary = serialiseBytes(...elements)
  const input = { name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: binary.length } }
  const json = Buffer.from(JSON.stringify({ ...fields, inputs: [input] }))
  return {
    body: Buffer.concat([json, binary]),
    headers: { 'Inference-Header-Content-Length': String(json.length) },
  }
}

describe('the OpenAPI document of the protocol', () => {
  const operations = Object.entries(rest.operations).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, statuses]) => [method, path, statuses] as const),
  )
  const addressOf = (path: string, name = 'tiny', version = '1'): string =>
    path.replace('{MODEL_NAME}', name).replace('{MODEL_VERSION}', version)

  test.each(operations)('%s %s', async (method, path, statuses) => {
    await using app = await setUp()
    if (method === 'get') {
      const answer = await app.call('GET', addressOf(path))
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
      const body = (await answer.json()) as unknown
      if (statuses['200']) expect(problems(statuses['200'], body)).toBe('')
      return
    }
    const { body, headers } = tritonRequest({ id: '42', parameters: { keys: sha256(keys) } }, query)
    const good = await app.call('POST', addressOf(path), body, headers)
    expect(good.status).toBe(200)
    const { json } = await readAnswer(good)
    expect(problems(binaryResponse, json)).toBe('')
    // The examples are valid by the document, and are refused in its words.
    expect(problems(statuses.request!, examples.inference)).toBe('')
    const bad = await app.call('POST', addressOf(path), examples.inference)
    expect(bad.status).toBe(400)
    const refusal = (await bad.json()) as unknown
    expect(problems(statuses['400']!, refusal)).toBe('')
    expect(problems(error, refusal)).toBe('')
  })

  test('each error is an object with a text, as the schemas of errors are', async () => {
    await using app = await setUp()
    await using locked = await setUpApp({ config: { adminToken: admin } })
    const [at, { body, headers }] = ['/v2/models/tiny/infer', tritonRequest({}, query)]
    const answers: [number, Promise<Response> | Response][] = [
      [404, app.call('GET', '/v2/models/none')],
      [404, app.call('GET', '/v2/models/tiny/versions/9')],
      [404, app.call('GET', '/v2/models/none/ready')],
      [404, app.call('POST', '/v2/models/none/infer', body, headers)],
      [404, app.call('GET', '/v2/no/such/address')],
      [400, app.call('POST', at, body.subarray(0, -1), headers)],
      [400, app.call('POST', at, body)],
      [400, app.call('POST', at, body, { 'Inference-Header-Content-Length': '-1' })],
      [400, app.call('POST', at, body, { 'Inference-Header-Content-Length': String(body.length + 1) })],
      [400, app.call('POST', at, '{"inputs":[')],
      [405, app.call('GET', at)],
      [401, locked.call('GET', '/v2/models/tiny')],
    ]
    for (const [status, answer] of answers) {
      const response = await answer
      expect(response.status).toBe(status)
      // KServe's client takes the text from this very type alone.
      expect(response.headers.get('content-type')).toBe('application/json')
      const refusal = (await response.json()) as unknown
      for (const schema of ['metadata_server_error_response', 'metadata_model_error_response', error])
        expect(problems(schema, refusal), `${status}`).toBe('')
    }
  })

  test('the schemas tell right from wrong', () => {
    expect(problems('metadata_server_response', { name: 'x', version: '1' })).toMatch(/extensions/)
    expect(problems('metadata_model_response', { name: 'x', platform: 'y', inputs: [{ name: 'a' }] })).toMatch(/shape/)
    const output = { name: 'reply', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: 4 } }
    const response = { model_name: 'x', outputs: [output] }
    expect(problems(binaryResponse, response)).toBe('')
    expect(problems(binaryResponse, { ...response, parameters: { a: {} } })).toMatch(/parameters/)
    expect(problems(binaryResponse, { ...response, outputs: [{ ...output, parameters: {} }] })).toMatch(
      /binary_data_size/,
    )
    expect(problems(binaryResponse, { ...response, outputs: [{ ...output, data: [] }] })).not.toBe('')
    expect(problems('inference_response', response)).toMatch(/data/)
    expect(problems(error, { error: { message: 'x' } })).not.toBe('')
  })
})

describe('the text of the protocol', () => {
  test('every address is there, with and without a version', async () => {
    await using app = await setUp()
    for (const path of paths)
      for (const version of ['', '/versions/1']) {
        const address = path.replace('{name}', 'tiny').replace('[/versions/{version}]', version)
        const answer = address.endsWith('/infer')
          ? await (async () => {
              const { body, headers } = tritonRequest({ parameters: { keys: sha256(keys) } }, query)
              return app.call('POST', address, body, headers)
            })()
          : await app.call('GET', address)
        expect(answer.status, address).toBe(200)
      }
  })

  test('health has the bodies of the text, in readiness and out of it', async () => {
    await using app = await setUp()
    await using away = await setUpApp({ ready: false })
    for (const [service, status] of [
      [app, 200],
      [away, 503],
    ] as const)
      for (const [path, schema] of [
        ['/v2/health/ready', text.ready_server_response],
        ['/v2/models/tiny/ready', text.ready_model_response],
        ['/v2/models/tiny/versions/1/ready', text.ready_model_response],
      ] as const) {
        const answer = await service.call('GET', path)
        expect(answer.status, path).toBe(status)
        const body = (await answer.json()) as Record<string, unknown>
        expect(problems(schema, body), path).toBe('')
        // The text calls it "live" for a server; KServe's client asks for "ready".
        for (const field of ['ready', 'live']) if (field in body) expect(body[field], path).toBe(status === 200)
        expect(body).toHaveProperty('ready')
      }
    const live = await away.call('GET', '/v2/health/live')
    expect(live.status).toBe(200)
    const body = (await live.json()) as unknown
    expect(problems(text.live_server_response, body)).toBe('')
    expect(body).toEqual({ live: true })
  })

  test('platform, datatypes and extensions have names of the form that is given', async () => {
    await using app = await setUp()
    const metadata = (await (await app.call('GET', '/v2/models/tiny')).json()) as {
      platform: string
      versions: string[]
      inputs: { name: string; datatype: string; shape: number[] }[]
      outputs: { name: string; datatype: string; shape: number[] }[]
    }
    expect(problems(platform, metadata.platform)).toBe('')
    expect(metadata.versions).toEqual(['1'])
    for (const tensor of [...metadata.inputs, ...metadata.outputs]) expect(datatypes).toContain(tensor.datatype)
    // What infer takes and gives is what the metadata say.
    expect([metadata.inputs, metadata.outputs]).toEqual([
      [{ name: 'query', datatype: 'BYTES', shape: [1] }],
      [{ name: 'reply', datatype: 'BYTES', shape: [1] }],
    ])
    const server = (await (await app.call('GET', '/v2')).json()) as { extensions: string[] }
    expect(server.extensions).toEqual(expect.arrayContaining([...extensions.names]))
  })
})

describe('binary tensor data', () => {
  test('elements of BYTES have a length of four bytes, the lowest first, and tensors follow the JSON without a gap', async () => {
    await using app = await setUp()
    const { body, headers } = tritonRequest({ id: 'a', parameters: { keys: sha256(keys) } }, query)
    const answer = await app.call('POST', '/v2/models/tiny/infer', body, headers)
    expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    const { json, tensors } = await readAnswer(answer)
    expect(json).toMatchObject({ id: 'a', model_name: 'tiny', model_version: '1' })
    // 70000 = 0x011170: no byte of the length is like another.
    expect(tensors.get('reply')).toEqual([Buffer.from(reply)])
    expect(json.outputs[0]!.parameters.binary_data_size).toBe(4 + reply.length)
    // It came as it was sent.
    expect(Buffer.from(app.seen[0]!.query)).toEqual(Buffer.from(query))
    expect(app.seen[0]!.keysDigest).toBe(sha256(keys))
  })

  test('lengths in another order of bytes, and elements beside the one, are refused', async () => {
    await using app = await setUp()
    const good = tritonRequest({ parameters: { keys: sha256(keys) } }, query)
    const cut = Number(good.headers['Inference-Header-Content-Length'])
    const swapped = Buffer.from(good.body)
    swapped.subarray(cut, cut + 4).reverse()
    const two = tritonRequest({ parameters: { keys: sha256(keys) } }, query, query)
    for (const [body, headers] of [
      [swapped, good.headers],
      [two.body, two.headers],
      [Buffer.concat([good.body, Buffer.from([0])]), good.headers],
    ] as const) {
      const answer = await app.call('POST', '/v2/models/tiny/infer', body, headers)
      expect(answer.status).toBe(400)
      expect(problems('inference_error_response', await answer.json())).toBe('')
    }
    expect(app.seen).toEqual([])
  })

  test('the example is refused as numbers in the clear', async () => {
    await using app = await setUp()
    const json = Buffer.from(JSON.stringify(examples.binary))
    const answer = await app.call(
      'POST',
      '/v2/models/tiny/infer',
      Buffer.concat([json, Buffer.alloc(examples.binaryBytes, 1)]),
      { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) },
    )
    expect(answer.status).toBe(400)
    expect(problems('inference_error_response', await answer.json())).toBe('')
  })
})

describe('what stock clients do', () => {
  test('tritonclient: outputs not named, named, with what it adds to parameters', async () => {
    await using app = await setUp()
    const named = { outputs: [{ name: 'reply', parameters: { binary_data: true } }] }
    const own = { keys: sha256(keys) }
    for (const [fields, id] of [
      [{ parameters: { binary_data_output: true, ...own } }, undefined],
      [{ id: '1', ...named, parameters: own }, '1'],
      [
        {
          id: 'x',
          ...named,
          parameters: { sequence_id: 7, sequence_start: true, sequence_end: false, priority: 1, timeout: 500, ...own },
        },
        'x',
      ],
    ] as const) {
      const { body, headers } = tritonRequest(fields, query)
      for (const path of ['/v2/models/tiny/infer', '/v2/models/tiny/versions/1/infer']) {
        const answer = await app.call('POST', path, body, headers)
        // It takes anything but 200 for an error.
        expect(answer.status).toBe(200)
        expect(answer.headers.get('content-encoding')).toBeNull()
        const { json, tensors } = await readAnswer(answer)
        expect(tensors.get('reply')).toEqual([Buffer.from(reply)])
        expect(json.id).toBe(id)
      }
    }
  })

  test('tritonclient: the index of the repository is asked for without a body', async () => {
    await using app = await setUp()
    const answer = await app.call('POST', '/v2/repository/index', '')
    expect(answer.status).toBe(200)
    expect(problems(extensions.repository_index_response, await answer.json())).toBe('')
  })

  test("KServe's client: octets with the length of the JSON, booleans of health by their names", async () => {
    await using app = await setUp()
    const { body, headers } = tritonRequest({ parameters: { keys: sha256(keys) } }, query)
    const answer = await app.call('POST', '/v2/models/tiny/infer', body, {
      ...headers,
      'content-type': 'application/octet-stream',
    })
    expect((await readAnswer(answer)).tensors.get('reply')).toEqual([Buffer.from(reply)])
    const field = async (path: string, name: string): Promise<unknown> =>
      ((await (await app.call('GET', path)).json()) as Record<string, unknown>)[name]
    expect(await field('/v2/health/ready', 'ready')).toBe(true)
    expect(await field('/v2/health/live', 'live')).toBe(true)
    expect(await field('/v2/models/tiny/ready', 'ready')).toBe(true)
  })
})
