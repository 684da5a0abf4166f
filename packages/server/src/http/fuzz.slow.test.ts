import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encodeFrame } from '@glovebox/he'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { compileTiny } from '../../../client/test/tiny.ts'
import { randomNumbers } from '../../../ml/test/random.ts'
import { admin, sha256, tinyModel } from '../../test/http.ts'
import { readConfig } from '../config.ts'
import { loadModel } from '../registry/load.ts'
import { pushModel } from '../serve.ts'
import { openService } from '../service.ts'

// 10,000 requests of somebody who has a token of his own and means harm, on real sockets and threads.

const count = 10_000
const marker = 'only-alice-may-read-this'
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Numbers that are the same in every run. */
function createDice(seed: number) {
  let drawn: Float64Array | number[] = []
  let at = 0
  const next = (): number => {
    if (at >= drawn.length) {
      drawn = [...randomNumbers(seed++, 4096)]
      at = 0
    }
    return Math.min(1 - 2 ** -30, Math.abs(drawn[at++]!) % 1)
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    below,
    pick: <T>(items: readonly T[]): T => items[below(items.length)]!,
    bytes: (n: number): Uint8Array => Uint8Array.from({ length: n }, () => below(256)),
  }
}
type Dice = ReturnType<typeof createDice>

interface Attack {
  readonly method: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
}

const { model } = tinyModel()
const secretModel = compileTiny(77)
const owner = Buffer.from(model.digest, 'hex')
const query = encodeFrame('query', owner, new Uint8Array(400).fill(3))
const keys = encodeFrame('evaluation keys of a program', owner, new Uint8Array(2000).fill(5))
const hugeNumbers = [
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  '4294967295',
  '4294967296',
  'NaN',
  '',
  ' 5',
  '0x10',
  '9007199254740993',
]
const names = [
  'tiny',
  'alice-model',
  '..',
  '%2e%2e',
  '%00',
  'tiny%2f..%2falice-model',
  'a'.repeat(300),
  '%ff%fe',
  "'; drop table models;--",
  '$where',
  '__proto__',
  'constructor',
  '*',
  '🙂',
  '',
]
const mlflowPaths = [
  'registered-models/create',
  'registered-models/update',
  'registered-models/rename',
  'registered-models/delete',
  'registered-models/set-tag',
  'registered-models/alias',
  'registered-models/get-latest-versions',
  'registered-models/permissions/create',
  'model-versions/create',
  'model-versions/update',
  'model-versions/transition-stage',
  'model-versions/set-tag',
]
const junk: unknown[] = [
  null,
  1,
  -1,
  1e308,
  '',
  'x',
  '\0',
  '\ud800',
  'a'.repeat(3000),
  [],
  {},
  [[[[]]]],
  true,
  { toString: 1 },
  '*',
  'alice',
  '🙂',
  "' or 1=1 --",
  '%',
  '_',
]

function damage(dice: Dice, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  switch (dice.below(5)) {
    case 0:
      return copy.slice(0, dice.below(copy.length))
    case 1:
      return Buffer.concat([copy, dice.bytes(dice.below(100))])
    case 2: {
      const at = dice.below(copy.length)
      copy.set(dice.bytes(Math.min(8, copy.length - at)), at)
      return copy
    }
    case 3:
      new DataView(copy.buffer).setUint32(dice.below(copy.length - 4), dice.pick([0, 1, 2 ** 31, 2 ** 32 - 1]), true)
      return copy
    default:
      copy[dice.below(copy.length)]! ^= 1 << dice.below(8)
      return copy
  }
}

function inferAttack(dice: Dice): Attack {
  const size = dice.pick([query.length + 4, 0, 3, -1, 2 ** 53, 1.5, 'x', null])
  const header: unknown = dice.pick<unknown>([
    { inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: size } }] },
    {
      parameters: { keys: dice.pick([sha256(keys), '0'.repeat(64), 'x', 5, null]) },
      inputs: [{ name: 'query', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: query.length + 4 } }],
    },
    { inputs: dice.pick(junk) },
    dice.pick(junk),
    { inputs: [{ name: 'query', shape: [1], datatype: 'FP32', data: [0.5] }] },
  ])
  const json = Buffer.from(dice.below(10) === 0 ? `${'['.repeat(5000)}` : JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(dice.pick([query.length, 0, 2 ** 32 - 1, query.length + 1]))
  const body = Buffer.concat([json, length, dice.below(2) ? query : damage(dice, query)])
  return {
    method: 'POST',
    path: `/v2/models/${dice.pick(['tiny', 'tiny', 'tiny', ...names])}/${dice.pick(['infer', 'infer', 'jobs', 'versions/1/infer', 'versions/99999999999/infer'])}`,
    headers: {
      'inference-header-content-length': dice.below(4) ? String(json.length) : dice.pick(hugeNumbers),
      ...(dice.below(4) === 0 && { 'glovebox-keys': dice.pick([sha256(keys), 'x']) }),
      ...(dice.below(4) === 0 && { 'idempotency-key': dice.pick(['k', 'x'.repeat(200)]) }),
    },
    body: dice.below(3) ? body : damage(dice, body),
  }
}

function uploadAttack(dice: Dice): Attack {
  const bytes = dice.below(3) ? damage(dice, keys) : dice.bytes(dice.below(3000))
  const digest = dice.pick([
    sha256(bytes),
    sha256(keys),
    sha256(secretModel.server),
    '0'.repeat(64),
    'A'.repeat(64),
    '..%2f..%2fetc%2fpasswd',
    'x'.repeat(1000),
  ])
  const method = dice.pick(['PUT', 'PATCH', 'PATCH', 'HEAD', 'DELETE', 'GET'])
  return {
    method,
    path: `/v2/${dice.pick(['keys', 'blobs'])}/${digest}`,
    headers:
      method === 'PATCH'
        ? {
            'upload-offset': dice.pick(['0', '0', '1000', ...hugeNumbers]),
            'upload-length': dice.pick([String(bytes.length), '2060', ...hugeNumbers]),
          }
        : {},
    ...(['PUT', 'PATCH'].includes(method) && { body: bytes }),
  }
}

function registryAttack(dice: Dice): Attack {
  if (dice.below(3) === 0) {
    const query = new URLSearchParams({
      name: dice.pick(names),
      version: dice.pick(['1', ...hugeNumbers]),
      alias: dice.pick(names),
      filter: dice.pick([
        "name = 'alice-model'",
        "name LIKE '%'",
        "tags.k = 'v' AND",
        "name = 'x' OR 1 = 1",
        '(((((',
        "name = '''",
        'a'.repeat(3000),
      ]),
      max_results: dice.pick(hugeNumbers),
      page_token: dice.pick(['', 'e30', 'AAAA', 'x'.repeat(100), '{"name":1}']),
    })
    return {
      method: 'GET',
      path: `/api/2.0/mlflow/${dice.pick(['registered-models/get', 'registered-models/search', 'registered-models/alias', 'model-versions/get', 'model-versions/search', 'model-versions/get-download-uri', 'registered-models/permissions/get'])}?${query}`,
    }
  }
  const value: Record<string, unknown> = {}
  for (const field of [
    'name',
    'new_name',
    'version',
    'alias',
    'key',
    'value',
    'stage',
    'username',
    'permission',
    'description',
    'source',
    'tags',
    '__proto__',
  ])
    if (dice.below(3))
      value[field] = dice.below(2)
        ? dice.pick(junk)
        : dice.pick([
            'alice-model',
            'bob-model',
            '1',
            'production',
            'READ',
            '*',
            `sha256:${sha256(secretModel.client)}`,
          ])
  const path = dice.pick(mlflowPaths)
  return {
    method: path.endsWith('update') ? 'PATCH' : path.endsWith('delete') ? 'DELETE' : 'POST',
    path: `/api/2.0/mlflow/${path}`,
    headers: {
      'content-type': dice.pick([
        'application/json',
        'application/json',
        'application/json; charset=utf-8',
        'text/plain',
        'application/jsonx',
      ]),
    },
    body: dice.below(5) === 0 ? damage(dice, Buffer.from(JSON.stringify(value))) : JSON.stringify(value),
  }
}

function pathAttack(dice: Dice): Attack {
  const part = (): string =>
    dice.pick([
      ...names,
      'v2',
      'models',
      'alice-model',
      'client',
      'keys',
      'jobs',
      'server.gbx',
      '..;',
      '%2e',
      '%5c',
      '%25%32%65',
    ])
  const path = `/${Array.from({ length: 1 + dice.below(6) }, part).join('/')}`
  return {
    method: dice.pick(['GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'PROPFIND']),
    path: dice.below(2) ? path : `/v2${path}`,
    headers: dice.pick<Record<string, string>>([
      {},
      { accept: 'text/html' },
      { range: 'bytes=0-99999999999' },
      { 'content-encoding': 'gzip' },
      { 'x-forwarded-for': 'a'.repeat(5000) },
      { 'x-request-id': 'a'.repeat(500) },
      { traceparent: '00-zz' },
    ]),
  }
}

const rawTexts = (dice: Dice): string =>
  dice.pick([
    'GET /v2 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v2/models/tiny/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\nabc',
    'PUT /v2/keys/00 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nffffffffff\r\nabc',
    'POST /v2/repository/index HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'GET /v2 HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    `GET /v2 HTTP/1.1\r\n${'x: y\r\n'.repeat(3000)}\r\n`,
    'GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'GET http://evil.example/v2 HTTP/1.1\r\nhost: localhost\r\n\r\n',
    'GET \\..\\x HTTP/1.1\r\nhost: localhost\r\n\r\n',
    String.fromCharCode(...dice.bytes(50)),
  ])

test(`${count} malformed requests: no crash, no 500, no growth, nothing of another tenant`, async () => {
  const lines: { level: number; msg?: string }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const limits = {
    idleMs: 150,
    requestsPerMinute: 0,
    failuresPerMinute: 0,
    tenantJobs: 20,
    queryBytes: 100_000,
    keyBytes: 100_000,
    blobBytes: 200_000,
  }
  let bobToken = ''
  const service = await openService(
    readConfig({ port: 0, adminToken: admin, limits }, {}),
    log,
    async ({ registry, tokens, keys: sets }) => {
      const principal = (tenant: string) => ({
        tenant,
        token: undefined,
        scopes: new Set(['predict', 'push'] as const),
      })
      const parts = { clientPart: secretModel.client, serverPart: secretModel.server }
      const card = new TextEncoder().encode(`# ${marker}\n`)
      await pushModel(
        registry,
        principal('alice'),
        loadModel({ name: 'alice-model', ...parts, extras: { 'card.md': card } }),
      )
      await registry.revoke(principal('alice'), 'alice-model', '*')
      await registry.updateModel(principal('alice'), 'alice-model', marker)
      await pushModel(registry, principal('carol'), model)
      bobToken = (await tokens.create({ tenant: 'bob', name: 'bob', scopes: ['predict', 'push'] })).token
      await sets.put(principal('carol'), sha256(keys), one(keys), { total: keys.length })
    },
  )
  try {
    const dice = createDice(5)
    const statuses: Record<number, number> = {}
    const { port } = new URL(service.url)
    const tokens = [
      bobToken,
      bobToken,
      bobToken,
      bobToken,
      '',
      'gbx_',
      `gbx_${'A'.repeat(43)}`,
      `${bobToken}x`,
      'x'.repeat(600),
      admin.slice(1),
    ]
    const leaks: string[] = []
    const forbidden = [
      marker,
      sha256(secretModel.client),
      sha256(secretModel.server),
      sha256(secretModel.client).slice(0, 16),
    ]
    const heard = (what: string, text: string): void => {
      // A digest that was sent in the request may come back in its refusal.
      if (
        text.includes(marker) ||
        (forbidden.slice(1).some((each) => text.includes(each)) &&
          !forbidden.slice(1).some((each) => what.includes(each)))
      )
        leaks.push(`${what} → ${text.slice(0, 300)}`)
    }

    const overSocket = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1')
        let got = ''
        const timer = setTimeout(() => socket.destroy(), 150)
        socket.on('data', (data) => {
          got += data.toString('latin1')
        })
        socket.on('error', () => undefined)
        socket.on('close', () => {
          clearTimeout(timer)
          const status = Number(/^HTTP\/1\.1 (\d+)/.exec(got)?.[1] ?? 0)
          statuses[status] = (statuses[status] ?? 0) + 1
          heard(text, got)
          resolve()
        })
        socket.write(text, 'latin1')
        if (dice.below(3) === 0) setTimeout(() => socket.destroy(), dice.below(20))
      })
    const overFetch = async (attack: Attack): Promise<void> => {
      const token = dice.pick(tokens)
      const what = `${attack.method} ${attack.path} ${Buffer.from(attack.body ?? '').toString('latin1')}`
      const response = await fetch(`${service.url}${attack.path}`, {
        method: attack.method,
        headers: { ...attack.headers, ...(token && { authorization: `Bearer ${token}` }) },
        ...(attack.body !== undefined && { body: attack.body as Uint8Array<ArrayBuffer> }),
      }).catch((error: unknown) => error as Error)
      // What undici itself refuses to send is none of the server's business; a connection that was closed under a body is.
      if (response instanceof Error) {
        statuses[0] = (statuses[0] ?? 0) + 1
        return
      }
      const status = response.status
      statuses[status] = (statuses[status] ?? 0) + 1
      heard(what, await response.text().catch(() => ''))
      if (status === 500) leaks.push(`500: ${what.slice(0, 300)}`)
    }

    const run = async (n: number): Promise<void> => {
      let left = n
      const worker = async (): Promise<void> => {
        while (left-- > 0) {
          const kind = dice.below(20)
          if (kind === 0) await overSocket(rawTexts(dice))
          else if (kind < 7) await overFetch(inferAttack(dice))
          else if (kind < 12) await overFetch(uploadAttack(dice))
          else if (kind < 17) await overFetch(registryAttack(dice))
          else await overFetch(pathAttack(dice))
        }
      }
      await Promise.all(Array.from({ length: 8 }, worker))
    }
    const resident = async (): Promise<number> => {
      await sleep(300)
      collectGarbage()
      await sleep(300)
      collectGarbage()
      const { heapUsed, external, arrayBuffers } = process.memoryUsage()
      return heapUsed + external + arrayBuffers
    }
    await run(count * 0.3)
    const before = await resident()
    await run(count * 0.7)
    const after = await resident()

    expect(leaks).toEqual([])
    // Refusals are warnings; errors are the server's own.
    expect(lines.filter(({ level }) => level >= 50)).toEqual([])
    expect(statuses[500] ?? 0).toBe(0)
    expect((after - before) / 2 ** 20).toBeLessThan(10)
    expect(Object.values(statuses).reduce((sum, n) => sum + n, 0)).toBe(count)
    // It was no wall of one kind of refusal.
    for (const status of [400, 401, 404, 405, 413, 415]) expect(statuses[status], `${status}`).toBeGreaterThan(5)
    expect((await fetch(`${service.url}/v2/health/ready`)).status).toBe(200)
    // And what is alice's is as it was.
    const alice = await fetch(`${service.url}/v2/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ tenant: 'alice', name: 'a', scopes: ['predict'] }),
    })
    const { token } = (await alice.json()) as { token: string }
    const card = await fetch(`${service.url}/v2/models/alice-model/card`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await card.text()).toContain(marker)
  } finally {
    await service.close()
  }
})

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
