import {
  ByteReader,
  ByteWriter,
  decodeFrame,
  encodeFrame,
  readCiphertext,
  readEvaluationKeys,
  writeReply,
} from '@glovebox/he'
import { decodeServerPart, prepare, runEncrypted } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { compileTiny, tinySamples } from '../test/tiny.ts'
import { connect } from './connect.ts'
import { createKeys } from './keys.ts'
import { openModel } from './model.ts'

const tiny = compileTiny()
const { program, digest } = decodeServerPart(tiny.server)
const context = openModel(tiny.client).context
const prepared = prepare(program, context)
const keys = createKeys(openModel(tiny.client))
const [sample] = tinySamples(1)

type Reply = Response | 'reset' | undefined

/** A service within this process. `before` may answer a request in its place, or break the connection. */
function service(before: (method: string, path: string, turn: number) => Reply | Promise<Reply> = () => undefined) {
  const calls: string[] = []
  const stored = new Map<string, Uint8Array>()
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { pathname } = new URL(url)
    calls.push(`${init.method} ${pathname.replace(/[0-9a-f]{64}/, '…')}`)
    init.signal?.throwIfAborted()
    const instead = await before(init.method!, pathname, calls.length)
    init.signal?.throwIfAborted()
    if (instead === 'reset')
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('gone'), { code: 'ECONNRESET' }) })
    if (instead) return instead
    const address = pathname.split('/').at(-1)!
    if (pathname.endsWith('/client')) return new Response(tiny.client)
    if (init.method === 'HEAD') return new Response(null, { status: stored.has(address) ? 200 : 404 })
    if (init.method === 'PUT') {
      stored.set(address, init.body as Uint8Array)
      return Response.json({}, { status: 201 })
    }
    return infer(init, stored)
  }
  return { fetch, calls, stored }
}

function infer(init: RequestInit, stored: ReadonlyMap<string, Uint8Array>): Response {
  const body = init.body as Uint8Array
  const length = Number((init.headers as Record<string, string>)['inference-header-content-length'])
  const header = JSON.parse(new TextDecoder().decode(body.subarray(0, length)))
  const evaluation = stored.get(header.parameters.keys)
  if (!evaluation) return Response.json({ error: 'there are no such keys here' }, { status: 404 })
  const reader = new ByteReader(body.subarray(length), 'the request')
  const query = decodeFrame(reader.slice(reader.u32('length'), 'query'), 'query', { owner: digest }).body
  const received = readEvaluationKeys(decodeFrame(evaluation, 'evaluation keys of a program').body, context.ring)
  const writer = new ByteWriter()
  const count = query.u32('count')
  writer.u32(count)
  for (let i = 0; i < count; i++)
    for (const output of runEncrypted(prepared, [readCiphertext(query, context.ring)], received))
      writeReply(writer, output, program.output.reply)
  return framed(header.id, encodeFrame('reply', digest, writer.done()))
}

function framed(id: string, reply: Uint8Array): Response {
  const header = new TextEncoder().encode(JSON.stringify({ id, parameters: { compute_ms: 1.5 } }))
  const answer = new ByteWriter()
  answer.raw(header).u32(reply.length).raw(reply)
  return new Response(answer.done() as Uint8Array<ArrayBuffer>, {
    headers: { 'inference-header-content-length': String(header.length) },
  })
}

const predictWith = async (before?: Parameters<typeof service>[0]) => {
  const { fetch, calls, stored } = service(before)
  const model = await connect('http://there', { fetch }).model('tiny')
  return {
    model,
    calls,
    stored,
    predict: (signal?: AbortSignal) => model.predict([sample!], keys, signal ? { signal } : {}),
  }
}

test('keys go up once, queries every time, and outputs are right', async () => {
  const { predict, calls } = await predictWith()
  for (const { outputs, computeMs, uploadBytes, replyBytes } of [await predict(), await predict()]) {
    outputs[0]!.forEach((value, i) => {
      expect(Math.abs(value - tiny.expected(sample!)[i]!)).toBeLessThan(0.01)
    })
    expect(computeMs).toBe(1.5)
    expect(uploadBytes).toBeGreaterThan(replyBytes)
  }
  const post = 'POST /v2/models/tiny/infer'
  expect(calls).toEqual(['GET /v2/models/tiny/client', 'HEAD /v2/keys/…', 'PUT /v2/keys/…', post, post])
})

test('many samples go in requests of their own, and come back in order', async () => {
  const { model, calls } = await predictWith()
  const many = tinySamples(20)
  const seen: number[] = []
  const { outputs, computeMs } = await model.predict(many, keys, { onProgress: (done) => void seen.push(done) })
  expect(seen).toEqual([16, 20])
  expect(computeMs).toBe(3)
  expect(outputs).toHaveLength(20)
  outputs.forEach((row, i) => {
    expect(Math.abs(row[0]! - tiny.expected(many[i]!)[0]!)).toBeLessThan(0.01)
  })
  expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(2)
  await expect(model.predict([...many, [1]], keys)).rejects.toThrow('"sample 20" expected 16 numbers')
  await expect(model.predict([], keys)).rejects.toThrow('at least one')
  expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(2)
})

test('a server that forgot the keys gets them again', async () => {
  const { predict, calls, stored } = await predictWith()
  await predict()
  stored.clear()
  await predict()
  expect(calls.slice(-4)).toEqual([
    'POST /v2/models/tiny/infer',
    'HEAD /v2/keys/…',
    'PUT /v2/keys/…',
    'POST /v2/models/tiny/infer',
  ])
})

describe.concurrent('a server that is gone', () => {
  test('for a moment is asked once more', async () => {
    let broken = 0
    const { predict } = await predictWith((method) => (method === 'POST' && broken++ === 0 ? 'reset' : undefined))
    await expect(predict()).resolves.toBeDefined()
  })

  test('for longer is an error that says so, after several attempts', async () => {
    const { predict, calls } = await predictWith((method) => (method === 'POST' ? 'reset' : undefined))
    await expect(predict()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/http:\/\/there .*ECONNRESET/),
    })
    expect(calls.filter((call) => call.startsWith('POST')).length).toBeGreaterThan(2)
  })

  test('from the start is the same error', async () => {
    const { fetch } = service(() => 'reset')
    await expect(connect('http://there', { fetch }).model('tiny')).rejects.toMatchObject({ code: 'unavailable' })
  })
})

test.concurrent.each([
  [400, 'malformed'],
  [404, 'not-found'],
  [409, 'parameters-mismatch'],
  [413, 'too-large'],
  [422, 'missing-key'],
  [500, 'unavailable'],
  [503, 'unavailable'],
])('status %i is %s with the words of the server', async (status, code) => {
  const { predict } = await predictWith((method) =>
    method === 'POST' ? Response.json({ error: 'the reason' }, { status }) : undefined,
  )
  await expect(predict()).rejects.toMatchObject({ code, message: expect.stringContaining('the reason') })
})

test('keys of another model are refused before anything is sent', async () => {
  const { model, calls } = await predictWith()
  using stranger = createKeys(openModel(compileTiny(2).client))
  await expect(model.predict([sample!], stranger)).rejects.toMatchObject({ code: 'parameters-mismatch' })
  expect(calls).toHaveLength(1)
})

test('an answer to another request is not decrypted', async () => {
  const reply = encodeFrame('reply', digest, new Uint8Array(8))
  const { predict } = await predictWith((method) => (method === 'POST' ? framed('another', reply) : undefined))
  await expect(predict()).rejects.toThrow('belongs to another request')
})

test.concurrent.each([
  ['without its header', () => new Response('hello')],
  [
    'with a header that is no JSON',
    () => new Response('hello', { headers: { 'inference-header-content-length': '5' } }),
  ],
  ['that ends early', () => new Response('{}\u0008', { headers: { 'inference-header-content-length': '2' } })],
])('an answer %s is malformed', async (_, make) => {
  const { predict } = await predictWith((method) => (method === 'POST' ? make() : undefined))
  await expect(predict()).rejects.toMatchObject({ code: 'malformed' })
})

test('can be aborted at any time, with the reason that was given', async () => {
  const abort = new AbortController()
  const { predict, calls } = await predictWith(async (method) => {
    if (method === 'POST') abort.abort(new Error('changed my mind'))
    return undefined
  })
  await expect(predict(abort.signal)).rejects.toThrow('changed my mind')
  const before = calls.length
  await expect(predict(abort.signal)).rejects.toThrow('changed my mind')
  expect(calls.length).toBe(before)
})

test('only http addresses are taken', () => {
  for (const url of ['ftp://x', 'there', ''])
    expect(() => connect(url)).toThrow('"url" expected an http or https address')
})
