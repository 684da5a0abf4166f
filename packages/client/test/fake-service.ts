import { createHash } from 'node:crypto'
import {
  ByteReader,
  ByteWriter,
  decodeFrame,
  encodeFrame,
  readCiphertext,
  readEvaluationKeys,
  writeReply,
} from '@glovebox/he'
import { decodeServerPart, needsKeys, prepare, runEncrypted } from '@glovebox/ml'
import type { Fetch } from '../src/http/service.ts'
import { openModel } from '../src/model.ts'

/** What happens to a request instead of, or behind, what the service does with it. */
export type Fault = Response | 'reset' | 'lose the answer' | undefined

export interface FakeRequest {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
  /** From 1. */
  readonly turn: number
}

export interface FakeService {
  readonly fetch: Fetch
  /** `POST /v2/models/tiny/infer`, digests as '…'. */
  readonly calls: string[]
  readonly requests: FakeRequest[]
  readonly keys: Map<string, Uint8Array>
  /** Parts of uploads. */
  readonly staged: Map<string, Uint8Array>
  readonly jobs: Map<string, { status: string; key: string; reply: Response | undefined }>
}

interface FakeOptions {
  readonly client: Uint8Array<ArrayBuffer>
  readonly server: Uint8Array
  /** Whether keys go up in parts. */
  readonly parts?: boolean
  /** In the header of the client part. */
  readonly version?: string
  readonly fault?: (request: FakeRequest) => Fault | Promise<Fault>
}

/** A service within this process that computes for real. */
export function fakeService({ client, server, parts = true, version, fault }: FakeOptions): FakeService {
  const { program, digest, context, part, prepared } = engineOf(client, server)
  const service: FakeService = {
    calls: [],
    requests: [],
    keys: new Map(),
    staged: new Map(),
    jobs: new Map(),
    async fetch(url, init) {
      const { pathname } = new URL(url)
      const body = new Uint8Array((init.body as Uint8Array | undefined) ?? [])
      const headers = new Headers(init.headers)
      const request = { method: init.method!, path: pathname, headers, body, turn: service.calls.length + 1 }
      service.calls.push(`${init.method} ${pathname.replace(/[0-9a-f]{64}/, '…')}`)
      service.requests.push(request)
      init.signal?.throwIfAborted()
      const instead = await fault?.(request)
      init.signal?.throwIfAborted()
      if (instead === 'reset') throw reset()
      if (instead instanceof Response) return instead
      const answer = await respond(request)
      if (instead === 'lose the answer') throw reset()
      return answer
    },
  }

  const respond = async (request: FakeRequest): Promise<Response> => {
    const { method, path, headers, body } = request
    const last = path.split('/').at(-1)!
    if (path === '/v2/models') return Response.json({ models: [{ name: 'tiny' }] })
    if (last === 'client')
      return new Response(client, version === undefined ? {} : { headers: { 'glovebox-model-version': version } })
    if (last === 'card') return new Response('# Tiny')
    if (path.startsWith('/v2/keys/')) return keysOf(method, last, headers, body)
    if (last === 'infer') return infer(body)
    if (last === 'jobs') {
      const key = headers.get('idempotency-key')!
      const known = [...service.jobs].find(([, job]) => job.key === key)
      const id = known?.[0] ?? `job-${service.jobs.size + 1}`
      if (!known) {
        const reply = infer(body, id)
        if (reply.status !== 200) return reply
        service.jobs.set(id, { status: 'queued', key, reply })
      }
      return Response.json({ id, status: service.jobs.get(id)!.status }, { status: 202 })
    }
    if (path.startsWith('/v2/jobs/')) return jobOf(method, path.split('/')[3]!, last === 'result')
    return Response.json({ error: `there is no ${path}`, code: 'not-found' }, { status: 404 })
  }

  const keysOf = (method: string, key: string, headers: Headers, body: Uint8Array): Response => {
    const staged = service.staged.get(key) ?? new Uint8Array(0)
    const offset: Record<string, string> = parts ? { 'upload-offset': String(staged.length) } : {}
    const store = (bytes: Uint8Array): Response => {
      if (createHash('sha256').update(bytes).digest('hex') !== key)
        return Response.json({ error: 'other keys' }, { status: 400 })
      service.staged.delete(key)
      service.keys.set(key, bytes)
      return Response.json({}, { status: 201 })
    }
    switch (method) {
      case 'HEAD':
        return service.keys.has(key)
          ? new Response(null, { status: 200 })
          : new Response(null, { status: 404, headers: offset })
      case 'PUT':
        return store(body)
      case 'DELETE':
        return new Response(null, { status: service.keys.delete(key) ? 204 : 404 })
      default: {
        if (Number(headers.get('upload-offset')) !== staged.length)
          return new Response(null, { status: 409, headers: offset })
        const whole = new Uint8Array(Buffer.concat([staged, body]))
        service.staged.set(key, whole)
        if (whole.length === Number(headers.get('upload-length'))) return store(whole)
        return new Response(null, { status: 204, headers: { 'upload-offset': String(whole.length) } })
      }
    }
  }

  const jobOf = (method: string, id: string, result: boolean): Response => {
    const job = service.jobs.get(id)
    if (!job) return Response.json({ error: `there is no job ${id}` }, { status: 404 })
    if (method === 'DELETE') return new Response(null, { status: service.jobs.delete(id) ? 204 : 404 })
    if (result) return job.status === 'done' ? job.reply!.clone() : Response.json({ error: 'not yet' }, { status: 425 })
    // Each look takes it one step further.
    const now = job.status
    if (now === 'queued' || now === 'running') job.status = now === 'queued' ? 'running' : 'done'
    return Response.json({ id, status: now, done: now === 'done' ? 1 : 0, total: 1 })
  }

  const infer = (body: Uint8Array<ArrayBuffer>, job?: string): Response => {
    const length = headerLength(body)
    const header = JSON.parse(new TextDecoder().decode(body.subarray(0, length)))
    const reader = new ByteReader(body.subarray(length), 'the request')
    const query = decodeFrame(reader.slice(reader.u32('length'), 'query'), 'query', { owner: digest }).body
    const writer = new ByteWriter()
    const count = query.u32('count')
    writer.u32(count)
    let received: Parameters<typeof runEncrypted>[2] = { galois: new Map(), relinearisation: undefined } as never
    if (needsKeys(part.keys)) {
      const evaluation = service.keys.get(header.parameters.keys)
      if (!evaluation)
        return Response.json({ error: 'there are no such keys here', code: 'not-found' }, { status: 404 })
      received = readEvaluationKeys(decodeFrame(evaluation, 'evaluation keys of a program').body, context.ring)
    } else readCiphertext(query, context.ring)
    for (let i = 0; i < count; i++)
      for (const output of runEncrypted(prepared, [readCiphertext(query, context.ring)], received))
        writeReply(writer, output, program.output.reply)
    return framed(job ?? header.id, encodeFrame('reply', digest, writer.done()))
  }
  return service
}

function makeEngine(client: Uint8Array, server: Uint8Array) {
  const { program, digest } = decodeServerPart(server)
  const { context, part } = openModel(client)
  return { program, digest, context, part, prepared: prepare(program, context) }
}

const engines = new WeakMap<Uint8Array, ReturnType<typeof makeEngine>>()

/** Tests make many services of one model. */
function engineOf(client: Uint8Array, server: Uint8Array): ReturnType<typeof makeEngine> {
  const engine = engines.get(server) ?? makeEngine(client, server)
  engines.set(server, engine)
  return engine
}

/** The JSON header ends where the binary data begins: at its last brace before a length. */
function headerLength(body: Uint8Array): number {
  const end = '"outputs":[{"name":"reply","parameters":{"binary_data":true}}]}'
  const at = Buffer.from(body.buffer, body.byteOffset, body.length).indexOf(end)
  return at + end.length
}

export function framed(id: string, reply: Uint8Array): Response {
  const header = new TextEncoder().encode(JSON.stringify({ id, parameters: { compute_ms: 1.5, wait_ms: 0.5 } }))
  const answer = new ByteWriter()
  answer.raw(header).u32(reply.length).raw(reply)
  return new Response(answer.done() as Uint8Array<ArrayBuffer>, {
    headers: { 'inference-header-content-length': String(header.length), 'x-request-id': 'request-1' },
  })
}

function reset(): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error('gone'), { code: 'ECONNRESET' }) })
}
