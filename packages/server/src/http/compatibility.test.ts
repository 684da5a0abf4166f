import { encodeFrame } from '@glovebox/he'
import { expect, test } from 'vitest'
import { errorOf, setUpApp, sha256, tinyModel } from '../../test/http.ts'

// Requests as specifications and manuals of others print them: the Open Inference Protocol v2 (KServe), Triton's binary tensor data and model repository
// extensions, MLflow's REST API 2.0.

const { model } = tinyModel()
const keys = encodeFrame('evaluation keys of a program', Buffer.from(model.digest, 'hex'), new Uint8Array(100))
const query = encodeFrame('query', Buffer.from(model.digest, 'hex'), new Uint8Array(50))

// Open Inference Protocol v2, "Inference Request JSON Object", the example with tensors in the clear.
const clearExample = {
  id: '42',
  inputs: [
    { name: 'input0', shape: [2, 2], datatype: 'UINT32', data: [1, 2, 3, 4] },
    { name: 'input1', shape: [3], datatype: 'BOOL', data: [true] },
  ],
  outputs: [{ name: 'output0' }],
}

test('a request in the clear is refused, with the reason and what to do', async () => {
  await using app = await setUpApp()
  const answer = await app.call('POST', '/v2/models/tiny/infer', clearExample)
  const error = await errorOf(answer)
  expect(answer.status).toBe(400)
  expect(error).toMatch(/encrypted queries only.*nothing private.*client part/)
  // Its numbers are repeated nowhere.
  expect(JSON.stringify(app.lines)).not.toMatch(/\[1,2,3,4\]|"data"/)
})

test("Triton's example of binary tensors in the clear is refused in the same way", async () => {
  await using app = await setUpApp()
  // "Binary Tensor Request": two inputs, 16 and 3 bytes behind the JSON.
  const json = JSON.stringify({
    model_name: 'mymodel',
    inputs: [
      { name: 'input0', shape: [2, 2], datatype: 'UINT32', parameters: { binary_data_size: 16 } },
      { name: 'input1', shape: [3], datatype: 'BOOL', parameters: { binary_data_size: 3 } },
    ],
    outputs: [{ name: 'output0', parameters: { binary_data: true } }],
  })
  const body = Buffer.concat([Buffer.from(json), Buffer.alloc(19, 1)])
  const answer = await app.call('POST', '/v2/models/tiny/infer', body, {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(json.length),
  })
  expect([answer.status, await errorOf(answer)]).toEqual([400, expect.stringContaining('encrypted queries only')])
})

test('a BYTES tensor in the form of the binary extension, with all that the example has', async () => {
  await using app = await setUpApp()
  await app.call('PUT', `/v2/keys/${sha256(keys)}`, keys)
  const json = JSON.stringify({
    model_name: 'tiny',
    id: '42',
    parameters: { keys: sha256(keys), sequence_id: 7 },
    inputs: [
      {
        name: 'query',
        shape: [1],
        datatype: 'BYTES',
        parameters: { binary_data_size: query.length + 4, content_type: 'x' },
      },
    ],
    outputs: [{ name: 'reply', parameters: { binary_data: true } }],
  })
  const length = Buffer.alloc(4)
  length.writeUInt32LE(query.length)
  const answer = await app.call(
    'POST',
    '/v2/models/tiny/versions/1/infer',
    Buffer.concat([Buffer.from(json), length, query]),
    {
      'Content-Type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(json.length),
    },
  )
  expect(answer.status).toBe(200)
  const bytes = Buffer.from(await answer.arrayBuffer())
  const cut = Number(answer.headers.get('inference-header-content-length'))
  // "Inference Response JSON Object": these fields, and the outputs with their sizes.
  const head = JSON.parse(bytes.subarray(0, cut).toString()) as {
    outputs: { parameters: { binary_data_size: number } }[]
  }
  expect(head).toMatchObject({
    model_name: 'tiny',
    model_version: '1',
    id: '42',
    outputs: [{ name: 'reply', shape: [1], datatype: 'BYTES' }],
  })
  expect(bytes.length - cut).toBe(head.outputs[0]!.parameters.binary_data_size)
  expect(bytes.readUInt32LE(cut)).toBe(bytes.length - cut - 4)
})

test('replies in JSON instead of binary data are refused by name', async () => {
  await using app = await setUpApp()
  const json = JSON.stringify({
    inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
    outputs: [{ name: 'reply', parameters: { binary_data: false } }],
  })
  const body = Buffer.concat([Buffer.from(json), Buffer.alloc(4), query])
  const answer = await app.call('POST', '/v2/models/tiny/infer', body, {
    'inference-header-content-length': String(json.length),
  })
  expect([answer.status, await errorOf(answer)]).toEqual([400, expect.stringContaining('binary_data')])
})

test('health, metadata and repository as the protocol has them', async () => {
  await using app = await setUpApp()
  // $.server_metadata_response, $.metadata_model_response, $.repository_index_response
  const server = (await (await app.call('GET', '/v2')).json()) as Record<string, unknown>
  expect(Object.keys(server).sort()).toEqual(['extensions', 'name', 'version'])
  const metadata = (await (await app.call('GET', '/v2/models/tiny/versions/1')).json()) as Record<string, unknown>
  expect(metadata).toMatchObject({ name: 'tiny', versions: ['1'], platform: expect.any(String) })
  for (const tensors of [metadata.inputs, metadata.outputs])
    for (const tensor of tensors as Record<string, unknown>[])
      expect(tensor).toEqual({ name: expect.any(String), datatype: 'BYTES', shape: [expect.any(Number)] })
  for (const path of [
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/models/tiny/ready',
    '/v2/models/tiny/versions/1/ready',
  ])
    expect((await app.call('GET', path)).status).toBe(200)
  // Errors are an object with "error".
  expect(await (await app.call('GET', '/v2/models/none')).json()).toMatchObject({ error: expect.any(String) })
  const index = await app.call('POST', '/v2/repository/index', { ready: true })
  expect(await index.json()).toEqual([{ name: 'tiny', version: '1', state: 'READY', reason: '' }])
})

test("a model's life in MLflow's words", async () => {
  await using app = await setUpApp({ models: [] })
  const api = async (method: string, path: string, body?: object): Promise<Record<string, never>> => {
    const answer = await app.call(method, `/api/2.0/mlflow/${path}`, body)
    const value = (await answer.json()) as Record<string, never>
    return Object.assign(value, { status: answer.status })
  }
  const put = async (bytes: Uint8Array) => {
    expect((await app.call('PUT', `/v2/blobs/${sha256(bytes)}`, bytes)).status).toBe(201)
    return { sha256: sha256(bytes), bytes: bytes.length }
  }
  // What MLflow's Python client sends: fields that have no meaning here, and tags as a list.
  const created = await api('POST', 'registered-models/create', {
    name: 'Demo.model_1',
    tags: [{ key: 'team', value: 'a' }],
    description: 'first',
    deployment_job_id: null,
  })
  expect(created).toMatchObject({
    registered_model: {
      name: 'Demo.model_1',
      creation_timestamp: expect.any(Number),
      tags: [{ key: 'team', value: 'a' }],
    },
  })
  const files = { 'client.gbx': await put(model.clientPart), 'server.gbx': await put(model.serverPart) }
  const manifest = await put(new TextEncoder().encode(JSON.stringify({ format: 'glovebox.model.v1', files })))
  const version = { name: 'Demo.model_1', source: `sha256:${manifest.sha256}`, run_id: 'r', run_link: '', tags: [] }
  expect(await api('POST', 'model-versions/create', version)).toMatchObject({
    model_version: { name: 'Demo.model_1', version: '1', current_stage: 'None', status: 'READY' },
  })
  expect(app.announced).toEqual(['Demo.model_1@1'])
  expect(await api('POST', 'model-versions/create', version)).toMatchObject({ model_version: { version: '2' } })
  const stage = { name: 'Demo.model_1', version: '2', stage: 'Production', archive_existing_versions: 'true' }
  expect(await api('POST', 'model-versions/transition-stage', stage)).toMatchObject({
    model_version: { current_stage: 'Production' },
  })
  await api('POST', 'registered-models/alias', { name: 'Demo.model_1', alias: 'champion', version: '2' })
  expect(await api('GET', 'registered-models/alias?name=Demo.model_1&alias=champion')).toMatchObject({
    model_version: { version: '2', aliases: ['champion'] },
  })
  expect(await api('GET', 'registered-models/get?name=Demo.model_1')).toMatchObject({
    registered_model: {
      aliases: [{ alias: 'champion', version: '2' }],
      latest_versions: [
        { version: '2', current_stage: 'Production' },
        { version: '1', current_stage: 'None' },
      ],
    },
  })
  expect(await api('GET', `model-versions/search?filter=${encodeURIComponent("name='Demo.model_1'")}`)).toMatchObject({
    model_versions: [{ version: '2' }, { version: '1' }],
  })
  expect(await api('DELETE', 'model-versions/delete', { name: 'Demo.model_1', version: '1' })).toMatchObject({
    status: 200,
  })
  expect(await api('GET', 'model-versions/get?name=Demo.model_1&version=1')).toMatchObject({
    status: 404,
    error_code: 'RESOURCE_DOES_NOT_EXIST',
    message: expect.any(String),
    error: expect.any(String),
    code: 'not-found',
  })
  expect(await api('POST', 'registered-models/create', { name: 'Demo.model_1' })).toMatchObject({
    status: 409,
    error_code: 'RESOURCE_ALREADY_EXISTS',
  })
  expect(await api('POST', 'registered-models/create', { name: '../x' })).toMatchObject({
    status: 400,
    error_code: 'INVALID_PARAMETER_VALUE',
  })
})
