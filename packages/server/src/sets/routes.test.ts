import { createHash } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import { EpochError, type Sender } from '@glovebox/psi/sender'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { defaultLimits, type Limits } from '../http/limits.ts'
import { createShell } from '../http/shell.ts'
import { createMetrics } from '../observe/metrics.ts'
import { createSpend } from './rates.ts'
import { defineSets } from './routes.ts'

// The routes on a sender that does as it is told.

interface SetUp {
  readonly limits?: Partial<Limits>
  readonly answer?: Sender['answer']
  readonly putKeys?: Sender['putKeys']
  readonly tokens?: boolean
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function setUp({ limits = {}, answer, putKeys, tokens = false }: SetUp = {}) {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const find = (epoch: number): void => {
    if (epoch !== 3 && epoch !== 2) throw new EpochError(epoch, 3)
  }
  const sender: Sender = {
    name: 'passwords',
    describe(epoch = 3) {
      find(epoch)
      return {
        name: 'passwords',
        kind: 'passwords',
        epoch,
        epochs: [3, 2],
        params: {} as never,
        digest: '0'.repeat(64),
        items: 990_000,
        labels: 0,
        hardening: { algorithm: 'none' },
        oprf: { mode: 'voprf', publicKey: '0'.repeat(64) },
        keys: true,
        limits: { elements: 1024, queryBytes: 1000, keyBytes: 2000 },
      }
    },
    async evaluate(epoch, blinded) {
      find(epoch)
      return { elements: blinded.map((x) => x ^ 255), proof: new Uint8Array(64) }
    },
    putKeys: putKeys ?? (async (_, bytes) => digestOf(bytes)),
    hasKeys: () => true,
    answer: answer ?? (async () => ({ reply: Uint8Array.of(1, 2, 3), computeMs: 12.345, waitMs: 1 })),
    stats: () => ({
      epochs: [3, 2],
      items: 990_000,
      waiting: 1,
      busy: false,
      keys: { count: 2, bytes: 400 },
      memory: 1000,
      died: 0,
    }),
    close: async () => undefined,
  }
  const metrics = createMetrics('0')
  metrics.sets.read(() => [['passwords', sender.stats()]])
  const services = {
    tokens: {
      async verify(token: string) {
        if (!token.startsWith('gbx_')) throw new GloveboxError('unauthorised', 'no')
        return { tenant: 'a', token, scopes: new Set(['predict'] as const) }
      },
    },
    audit: { append: async () => undefined },
    metrics,
    log,
    limits: { ...defaultLimits, ...limits },
    access: { tokens, open: true, origins: ['https://page.example'], trustProxy: true, tls: false },
    intake: { limit: 1e6, used: 0 },
    sets: new Map([['passwords', sender]]),
    draining: () => false,
  }
  const { app, define, finish } = createShell(services)
  defineSets(define, services)
  finish()
  const call = (
    method: string,
    path: string,
    body?: Uint8Array,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ) =>
    app.request(`/v2/sets${path}`, {
      method,
      headers,
      ...(signal && { signal }),
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    })
  return { call, lines, metrics, intake: services.intake }
}

const errorOf = async (response: Response) => (await response.json()) as { error: string; code: string; epoch?: number }
const batch = (n: number): Uint8Array => new Uint8Array(32 * n).fill(7)

test('sets are listed and described, with the limits of this service', async () => {
  const { call } = setUp({ limits: { setElementsPerHour: 100, queryBytes: 500 } })
  const { sets } = (await (await call('GET', '')).json()) as { sets: { name: string }[] }
  expect(sets.map(({ name }) => name)).toEqual(['passwords'])
  expect(await (await call('GET', '/passwords')).json()).toMatchObject({
    epoch: 3,
    limits: { elements: 100, queryBytes: 500, keyBytes: 2000 },
  })
  expect((await call('GET', '/others')).status).toBe(404)
  expect((await call('GET', '/..%2fx')).status).toBe(400)
})

test('elements come back with the proof behind them; what is no batch is refused before it is counted', async () => {
  const { call } = setUp({ limits: { setElementsPerHour: 5 } })
  for (const bytes of [0, 31, 33, 6 * 32])
    expect((await call('POST', '/passwords/oprf?epoch=3', new Uint8Array(bytes))).status).toBe(
      bytes === 192 ? 413 : 400,
    )
  const answer = await call('POST', '/passwords/oprf?epoch=3', batch(5))
  expect(answer.status).toBe(200)
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(5 * 32 + 64).fill(248, 0, 160))
})

test('elements, queries and keys have a limit each, by token or address, and say when to come back', async () => {
  const limits = { setElementsPerHour: 10, setQueriesPerHour: 2, setKeysPerHour: 1 }
  const { call, metrics } = setUp({ limits })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const keys = new Uint8Array(100)
  const ask = {
    elements: (headers: Record<string, string>, n = 6) => call('POST', '/passwords/oprf?epoch=3', batch(n), headers),
    queries: (headers: Record<string, string>) => call('POST', '/passwords/query?epoch=3', new Uint8Array(9), headers),
    keys: (headers: Record<string, string>) => call('PUT', `/passwords/keys/${digestOf(keys)}?epoch=3`, keys, headers),
  }
  expect((await ask.elements(from('1.1.1.1'))).status).toBe(200)
  const refused = await ask.elements(from('1.1.1.1'))
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500)
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3600)
  expect((await errorOf(refused)).error).toContain('4 of 10 an hour are left')
  // What is refused is not counted.
  expect((await ask.elements(from('1.1.1.1'), 4)).status).toBe(200)
  const one = await ask.elements(from('1.1.1.1'), 1)
  expect([one.status, (await errorOf(one)).error]).toEqual([
    429,
    expect.stringContaining('asks for 1 element, and 0 of 10'),
  ])
  // Others are others; a network of IPv6 is one; each token is its own wherever it comes from.
  expect((await ask.elements(from('1.1.1.2'), 10)).status).toBe(200)
  expect((await ask.elements(from('2001:db8::1'), 10)).status).toBe(200)
  expect((await ask.elements(from('2001:db8::ffff'), 1)).status).toBe(429)
  // A proxy may write the port of the connection, which is another each time.
  for (const address of ['1.1.1.2:4711', '[2001:db8::1]:4711', '[2001:db8::1]'])
    expect((await ask.elements(from(address), 1)).status).toBe(429)
  for (const address of ['1.1.1.1', '1.1.1.9']) {
    const headers = { ...from(address), authorization: 'Bearer gbx_a' }
    expect((await ask.elements(headers, 5)).status).toBe(200)
  }
  expect((await ask.elements({ ...from('1.1.1.9'), authorization: 'Bearer gbx_a' }, 1)).status).toBe(429)
  for (const what of ['queries', 'keys'] as const) {
    const codes: number[] = []
    for (let i = 0; i < 3; i++) codes.push((await ask[what](from('1.1.1.1'))).status)
    expect(codes).toEqual(what === 'queries' ? [200, 200, 429] : [204, 429, 429])
  }
  const text = await metrics.text()
  expect(text).toContain('glovebox_rate_limited_total{limit="set elements"} 7')
  expect(text).toContain('glovebox_rate_limited_total{limit="set queries"} 1')
})

test('batches of one moment are counted together: what is too much is refused as such', async () => {
  const { metrics } = setUp()
  const spend = createSpend({ limits: { ...defaultLimits, setElementsPerHour: 10 }, metrics })
  const settled = await Promise.allSettled([6, 6, 6, 4].map((n) => spend('elements', 'passwords', 'somebody', n)))
  expect(settled.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
  for (const one of settled)
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ name: 'GloveboxError', status: 429 })
  await expect(spend('elements', 'passwords', 'somebody', 11)).rejects.toMatchObject({ status: 429 })
})

test('another epoch is 409, one that has ended 410, each with the current one; keys that are gone 428', async () => {
  const { call } = setUp({
    answer: async () => {
      throw new GloveboxError('missing-key', 'upload them')
    },
  })
  for (const path of ['oprf', 'query']) {
    const wrong = await call('POST', `/passwords/${path}?epoch=4`, batch(1))
    expect([wrong.status, await errorOf(wrong)]).toMatchObject([409, { code: 'parameters-mismatch', epoch: 3 }])
    const ended = await call('POST', `/passwords/${path}?epoch=1`, batch(1))
    expect([ended.status, await errorOf(ended)]).toMatchObject([410, { code: 'not-found', epoch: 3 }])
  }
  // As is a set that was built anew.
  const other = await call('POST', '/passwords/oprf?epoch=3&key=0000000000000001', batch(1))
  expect([other.status, await errorOf(other)]).toMatchObject([409, { code: 'parameters-mismatch', epoch: 3 }])
  expect((await call('POST', '/passwords/oprf?epoch=3&key=0000000000000000', batch(1))).status).toBe(200)
  expect((await call('POST', '/passwords/oprf?epoch=3&key=00', batch(1))).status).toBe(400)
  const missing = await call('POST', '/passwords/query?epoch=2', batch(1))
  expect([missing.status, (await errorOf(missing)).code]).toEqual([428, 'missing-key'])
  for (const epoch of ['', '?epoch=', '?epoch=-1', '?epoch=1.5', '?epoch=4294967296', '?epoch=99999999999', '?epoch=x'])
    expect((await call('POST', `/passwords/query${epoch}`, batch(1))).status, epoch).toBe(400)
})

test('bodies are cut off at what the set takes; keys have to be what their address says', async () => {
  const { call, intake } = setUp()
  expect((await call('POST', '/passwords/query?epoch=3', new Uint8Array(1001))).status).toBe(413)
  const keys = new Uint8Array(2000)
  expect((await call('PUT', `/passwords/keys/${'0'.repeat(64)}?epoch=3`, keys)).status).toBe(400)
  expect((await call('PUT', `/passwords/keys/${'A'.repeat(64)}?epoch=3`, keys)).status).toBe(400)
  expect((await call('PUT', `/passwords/keys/${'0'.repeat(64)}?epoch=3`, new Uint8Array(2001))).status).toBe(413)
  expect((await call('PUT', `/passwords/keys/${digestOf(keys)}?epoch=3`, keys)).status).toBe(204)
  expect(intake.used).toBe(0)
})

test('a full queue is 503 and says to come back; what went wrong inside is 500 and says nothing', async () => {
  let error: Error = new GloveboxError('unavailable', 'full')
  const { call } = setUp({ answer: () => Promise.reject(error) })
  const busy = await call('POST', '/passwords/query?epoch=3', batch(1))
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1'])
  error = new Error('a secret of the house')
  const broken = await call('POST', '/passwords/query?epoch=3', batch(1))
  expect(broken.status).toBe(500)
  expect(await broken.text()).not.toContain('secret')
})

test('a client that leaves is no error of the server', async () => {
  let asked: (() => void) | undefined
  const { call, lines, intake } = setUp({
    answer: (_, __, { signal } = {}) =>
      new Promise((_, reject) => {
        signal!.addEventListener('abort', () => reject(signal!.reason))
        asked!()
      }),
  })
  const leaving = new AbortController()
  const answered = new Promise<void>((resolve) => {
    asked = resolve
  })
  const response = call('POST', '/passwords/query?epoch=3', batch(1), {}, leaving.signal)
  await answered
  leaving.abort(new Error('gone'))
  expect((await response).status).toBe(499)
  expect(lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([])
  expect(intake.used).toBe(0)
})

test('times are in server-timing, for pages of named origins too; counts in metrics; the log has names, sizes and times', async () => {
  const { call, metrics, lines } = setUp()
  const answer = await call('POST', '/passwords/query?epoch=3', batch(2), { origin: 'https://page.example' })
  expect(answer.headers.get('server-timing')).toBe('wait;dur=1.00, compute;dur=12.35')
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://page.example')
  expect(answer.headers.get('access-control-expose-headers')).toContain('server-timing')
  await call('POST', '/passwords/oprf?epoch=3', batch(2))
  const text = await metrics.text()
  for (const line of [
    'glovebox_set_queries_total{set="passwords",outcome="ok"} 1',
    'glovebox_set_elements_total{set="passwords"} 2',
    'glovebox_set_key_bytes{set="passwords"} 400',
    'glovebox_set_waiting{set="passwords"} 1',
    'glovebox_set_seconds_count{set="passwords",stage="compute"} 1',
  ])
    expect(text).toContain(line)
  const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const asked = told.find(({ msg }) => msg === 'query answered')
  expect(Object.keys(asked!).sort()).toEqual(
    [
      'computeMs',
      'epoch',
      'level',
      'msg',
      'queryBytes',
      'replyBytes',
      'request',
      'set',
      'time',
      'waitedMs',
      'pid',
      'hostname',
    ].sort(),
  )
  expect(told.find(({ msg }) => msg === 'elements evaluated')).toMatchObject({ set: 'passwords', elements: 2 })
})

test('with tokens each route needs one', async () => {
  const { call } = setUp({ tokens: true })
  const routes = [
    ['GET', ''],
    ['GET', '/passwords'],
    ['POST', '/passwords/oprf?epoch=3'],
    ['POST', '/passwords/query?epoch=3'],
    ['PUT', `/passwords/keys/${'0'.repeat(64)}?epoch=3`],
  ]
  for (const [method, path] of routes) {
    expect((await call(method!, path!, method === 'GET' ? undefined : batch(1))).status).toBe(401)
    const headers = { authorization: 'Bearer gbx_a' }
    expect((await call(method!, path!, method === 'GET' ? undefined : batch(1), headers)).status).not.toBe(401)
  }
})
