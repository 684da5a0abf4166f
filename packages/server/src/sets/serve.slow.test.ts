import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, rmSync, truncateSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { batchSet, friendlySet, matrixSet } from '../../../psi/src/params/presets.ts'
import { type ConnectOptions, connectSet, type RemoteSet, type SetDescription } from '../../../psi/src/receiver.ts'
import { buildEpoch, changeEpoch, type Folder, passwords, temporaryFolder } from '../../../psi/test/small-set.ts'
import { pause } from '../../test/clients.ts'
import { type Exchange, openRecordingProxy } from '../../test/recording-proxy.ts'
import { readConfig } from '../config.ts'
import { openService } from '../service.ts'
import { type ServeSetsOptions, serveSets } from './serve.ts'

// Receivers and sets over HTTP. Whatever is answered is compared with plain membership.

const silent = pino({ level: 'silent' })

async function serving(folder: Folder, options: Partial<ServeSetsOptions> = {}) {
  const service = await serveSets({ folders: { small: folder.path }, port: 0, pollMs: 100, ...options }, silent)
  return { url: service.url, [Symbol.asyncDispose]: () => service.close() }
}

/** Asks for the items, and for as many others. */
async function expectMembership(set: RemoteSet, there: readonly string[], absent: readonly string[]): Promise<void> {
  const asked = [...there, ...absent].sort(() => Math.random() - 0.5)
  const members = new Set(there)
  const answers = await set.check(asked)
  expect(answers.map(({ found }) => found)).toEqual(asked.map((item) => members.has(item)))
}

const cuckoo = (() => {
  const literal = friendlySet()
  return { ...literal, powers: { ...literal.powers!, hashFunctions: 3 } }
})()

describe('what is found is what is there', () => {
  test.each([
    ['the friendly set', friendlySet(), 'oprf', 500, 8],
    ['with a prefix', friendlySet({ prefixBits: 4 }), 'voprf', 500, 8],
    ['with hash functions, many items in a query', cuckoo, 'voprf', 500, 120],
    ['the matrix, whose queries need keys', matrixSet(1000), 'oprf', 300, 4],
    ['a batch, with products of powers', batchSet(), 'oprf', 400, 100],
  ] as const)('%s', async (_, params, mode, count, asked) => {
    using folder = temporaryFolder()
    const items = passwords(count)
    await buildEpoch(folder.path, { items, params, mode })
    await using server = await serving(folder)
    using set = await connectSet(server.url)
    await expectMembership(set, items.slice(-asked), passwords(asked))
    const { uploadBytes, stages } = set.traffic
    expect(uploadBytes).toBeGreaterThan(0)
    expect(stages.keys.requests).toBe(set.description.keys ? 1 : 0)
    // What a query and keys take is below what is announced, and not far.
    const { queryBytes, keyBytes } = set.description.limits
    const each = stages.query.uploadBytes / stages.query.requests
    expect(each).toBeLessThanOrEqual(queryBytes)
    expect(stages.keys.uploadBytes).toBeLessThanOrEqual(keyBytes)
    expect(set.timings.server).toBeGreaterThan(0)
    expect(set.timings.evaluate).toBeGreaterThan(0)
  })

  test.each([friendlySet({ labelBytes: 20 }), matrixSet(500, { labelBytes: 9 })])(
    'labels, byte for byte: $method',
    async (params) => {
      using folder = temporaryFolder()
      const items = passwords(200)
      const labels = items.map(() => randomBytes(params.labelBytes))
      await buildEpoch(folder.path, { items, labels, params })
      await using server = await serving(folder)
      using set = await connectSet(server.url, { name: 'small' })
      const answers = await set.check([...items.slice(0, 5), 'nobody', items[199]!])
      expect(answers.map(({ label }) => label && Buffer.from(label))).toEqual([
        ...labels.slice(0, 5),
        undefined,
        labels[199],
      ])
    },
  )

  test('credentials and domains, hardened', async () => {
    using folder = temporaryFolder()
    const hardening = { algorithm: 'scrypt', N: 64, r: 8, p: 1, salt: '5a'.repeat(16) } as const
    await buildEpoch(folder.path, {
      items: [{ user: 'Ada@example.org', password: 'x' }],
      kind: 'credentials',
      hardening,
    })
    await using server = await serving(folder)
    using set = await connectSet(server.url)
    const asked = [
      { user: 'ada@example.org', password: 'x' },
      { user: 'ada@example.org', password: 'y' },
    ]
    expect((await set.check(asked)).map(({ found }) => found)).toEqual([true, false])
    expect(set.timings.harden).toBeGreaterThan(0)
  })
})

describe('what the server sees', () => {
  /** What differs between any two requests: keys are random, times and ids are the server's. */
  const masked = ({ method, path, headers, body, status, replyHeaders, replyBytes }: Exchange) => ({
    method,
    path: path.replace(/[0-9a-f]{64}/, 'DIGEST'),
    headers,
    bodyBytes: body.length,
    status,
    replyHeaders: replyHeaders.map((value, i) =>
      /^(date|x-request-id|server-timing)$/i.test(replyHeaders[i - 1] ?? '') ? '…' : value,
    ),
    replyBytes,
  })

  test.each([
    ['friendly', friendlySet()],
    ['matrix', matrixSet(100)],
    ['hash functions', cuckoo],
  ] as const)(
    'is the same for any password, in it or not: requests, sizes, counts, headers, replies (%s)',
    async (_, params) => {
      using folder = temporaryFolder()
      const items = ['p', ...passwords(50), `long ${'x'.repeat(500)}`]
      await buildEpoch(folder.path, { items, params, mode: 'voprf' })
      await using server = await serving(folder)
      await using proxy = await openRecordingProxy(server.url)
      const seen: ReturnType<typeof masked>[][] = []
      const bodies: Buffer[][] = []
      for (const password of [
        'p',
        items[7]!,
        items.at(-1)!,
        'q',
        'not in the set',
        `absent ${'y'.repeat(2000)}`,
        'p',
      ]) {
        using set = await connectSet(proxy.url)
        const [answer] = await set.check([password])
        expect(answer!.found).toBe(items.includes(password))
        // And again with the keys that it has.
        await set.check([password])
        const exchanges = proxy.take()
        seen.push(exchanges.map(masked))
        bodies.push(exchanges.map(({ body }) => body))
      }
      for (const each of seen.slice(1)) expect(each).toEqual(seen[0])
      expect(seen[0]!.filter(({ bodyBytes }) => bodyBytes === 32)).toHaveLength(2)
      // Nothing is sent twice, of the same password either, and none holds it.
      const sent = bodies.flat().filter(({ length }) => length > 0)
      expect(new Set(sent.map((body) => body.toString('latin1'))).size).toBe(sent.length)
      for (const body of sent) expect(body.includes(items[7]!) || body.includes('absent')).toBe(false)
    },
  )
})

describe('while it is served', () => {
  test('what is inserted and removed is noticed, and no check fails', async () => {
    using folder = temporaryFolder()
    const [items, more] = [passwords(100), passwords(20)]
    await buildEpoch(folder.path, { items })
    await using server = await serving(folder)
    using set = await connectSet(server.url)
    let over = false
    let checks = 0
    const busy = (async () => {
      using other = await connectSet(server.url)
      while (!over) {
        await expectMembership(other, items.slice(50, 52), ['never there'])
        checks++
      }
    })()
    await expectMembership(set, items.slice(0, 3), more.slice(0, 3))
    await changeEpoch(folder.path, 1, { insert: more, remove: items.slice(0, 40) })
    await expect.poll(async () => (await set.check([more[0]!]))[0]!.found, { timeout: 20_000 }).toBe(true)
    await expectMembership(set, [...more.slice(-3), ...items.slice(-3)], items.slice(0, 3))
    over = true
    await busy
    expect(checks).toBeGreaterThan(1)
  })

  test('an epoch that follows takes over; the one before is answered for some time, then receivers go on with the new one', async () => {
    using folder = temporaryFolder()
    const [first, second] = [passwords(50), passwords(50)]
    await buildEpoch(folder.path, { items: first })
    await using server = await serving(folder, { lingerMs: 4000 })
    await using proxy = await openRecordingProxy(server.url)
    using early = await connectSet(proxy.url)
    await expectMembership(early, first.slice(0, 2), second.slice(0, 2))
    // Another size of items, and with keys.
    await buildEpoch(folder.path, { items: second, params: matrixSet(100), epoch: 2 })
    const epochs = async (): Promise<number[]> =>
      ((await (await fetch(`${server.url}/v2/sets/small`)).json()) as { epochs: number[] }).epochs
    await expect.poll(epochs, { timeout: 20_000 }).toEqual([2, 1])
    proxy.take()
    // As it was described: the old one, still.
    await expectMembership(early, first.slice(0, 1), second.slice(0, 1))
    expect(proxy.take().map(({ path, status }) => `${status} ${path}`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^200 .*\?epoch=1&/)]),
    )
    using late = await connectSet(server.url)
    expect(late.description.epoch).toBe(2)
    await expectMembership(late, second.slice(0, 2), first.slice(0, 2))
    await expect.poll(epochs, { timeout: 20_000 }).toEqual([2])
    const ended = await fetch(`${server.url}/v2/sets/small/query?epoch=1`, { method: 'POST', body: 'x' })
    expect([ended.status, await ended.json()]).toMatchObject([410, { epoch: 2 }])
    await expectMembership(early, second.slice(0, 2), first.slice(0, 2))
    expect(early.description.epoch).toBe(2)
    expect(early.params.method).toBe('matrix')
  })

  test('a set that is built anew in place of the old one is served, and no run mixes the two', async () => {
    using folder = temporaryFolder()
    const [first, second] = [passwords(30), passwords(30)]
    await buildEpoch(folder.path, { items: first })
    await using server = await serving(folder)
    using set = await connectSet(server.url)
    await expectMembership(set, first.slice(0, 2), second.slice(0, 2))
    const { publicKey } = set.description.oprf
    rmSync(`${folder.path}/epoch-0001`, { recursive: true })
    await expectMembership(set, first.slice(0, 1), second.slice(0, 1))
    await buildEpoch(folder.path, { items: second })
    const key = async (): Promise<string> =>
      ((await (await fetch(`${server.url}/v2/sets/small`)).json()) as SetDescription).oprf.publicKey
    await expect.poll(key, { timeout: 20_000 }).not.toBe(publicKey)
    await expectMembership(set, second.slice(0, 2), first.slice(0, 2))
    expect(set.description.oprf.publicKey).toBe(await key())
  })

  test('a new epoch that is unfinished or damaged is left alone', async () => {
    using folder = temporaryFolder()
    const items = passwords(20)
    await buildEpoch(folder.path, { items })
    await using server = await serving(folder)
    using set = await connectSet(server.url)
    mkdirSync(`${folder.path}/epoch-0002`)
    cpSync(`${folder.path}/epoch-0001`, `${folder.path}/epoch-0003`, { recursive: true })
    cpSync(`${folder.path}/epoch-0001`, `${folder.path}/epoch-0004`, { recursive: true })
    truncateSync(`${folder.path}/epoch-0004/set.sqlite`, 5000)
    await pause(500)
    await expectMembership(set, items.slice(0, 2), ['x'])
    using other = await connectSet(server.url)
    expect(other.description.epochs).toEqual([1])
  })

  test("receivers' keys that are gone are uploaded again", async () => {
    using folder = temporaryFolder()
    const items = passwords(50)
    await buildEpoch(folder.path, { items, params: matrixSet(100) })
    // Room for those of one receiver.
    await using server = await serving(folder, { limits: { keyMemory: 400_000 } })
    using a = await connectSet(server.url)
    using b = await connectSet(server.url)
    for (const set of [a, b, a, b]) await expectMembership(set, items.slice(0, 1), ['x'])
    expect([a.traffic.stages.keys.requests, b.traffic.stages.keys.requests]).toEqual([2, 2])
    // Two were on their way when they were refused.
    expect(a.traffic.stages.query.requests).toBe(6)
  })

  test('SIGKILL and a start again: receivers wait, and nothing they asked is wrong', async () => {
    using folder = temporaryFolder()
    const items = passwords(60)
    await buildEpoch(folder.path, { items, params: matrixSet(100), mode: 'voprf' })
    const script = fileURLToPath(new URL('../../test/serve-sets.ts', import.meta.url))
    let child: ChildProcess | undefined
    const start = (port: string): Promise<string> =>
      new Promise((resolve, reject) => {
        child = spawn(process.execPath, ['--conditions=@glovebox/source', script, port, `small=${folder.path}`], {
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        child.once('exit', (code) => reject(new Error(`it ended with ${code}`)))
        child.stdout!.once('data', (text: Buffer) => resolve(text.toString().trim()))
      })
    try {
      const url = await start('0')
      const options: ConnectOptions = { retryMs: 60_000 }
      const sets = await Promise.all([connectSet(url, options), connectSet(url, options)])
      let over = false
      let checks = 0
      const asking = sets.map(async (set) => {
        while (!over) {
          const at = Math.floor(Math.random() * 50)
          await expectMembership(set, items.slice(at, at + 1), [`never ${at}`])
          checks++
        }
      })
      for (let i = 0; i < 2; i++) {
        await pause(300 + 500 * Math.random())
        const gone = new Promise((resolve) => child!.once('exit', resolve))
        child!.kill('SIGKILL')
        await gone
        await start(new URL(url).port)
        const before = checks
        await expect.poll(() => checks, { timeout: 60_000 }).toBeGreaterThan(before + 1)
      }
      over = true
      await Promise.all(asking)
      for (const set of sets) set[Symbol.dispose]()
    } finally {
      const gone = new Promise((resolve) => child!.once('exit', resolve))
      child?.stdin?.end()
      await gone
    }
  })
})

describe('who may ask', () => {
  test('with a token, those who have it; metrics are for the admin where others may call', async () => {
    using folder = temporaryFolder()
    await buildEpoch(folder.path, { items: ['a'] })
    const [token, adminToken] = ['t'.repeat(40), 'm'.repeat(40)]
    await using server = await serving(folder, { host: '0.0.0.0', token, adminToken })
    const url = server.url.replace('0.0.0.0', '127.0.0.1')
    await expect(connectSet(url)).rejects.toMatchObject({ code: 'unauthorised' })
    await expect(connectSet(url, { token: 'x'.repeat(40) })).rejects.toMatchObject({ code: 'unauthorised' })
    using set = await connectSet(url, { token })
    expect(await set.check(['a', 'b'])).toEqual([{ found: true }, { found: false }])
    const metrics = async (bearer: string) =>
      fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${bearer}` } })
    expect((await metrics(token)).status).toBe(403)
    expect(await (await metrics(adminToken)).text()).toContain('glovebox_set_queries_total{set="small",outcome="ok"} 2')
    await expect(serveSets({ folders: {}, token: 'short' }, silent)).rejects.toThrow(TypeError)
  })

  test('an open host answers everybody, under any name, within limits; on loopback only this machine', async () => {
    using folder = temporaryFolder()
    await buildEpoch(folder.path, { items: ['a'] })
    const limits = { setElementsPerHour: 2 }
    await using open = await serving(folder, { host: '0.0.0.0', limits })
    await using local = await serving(folder)
    const { port } = new URL(open.url)
    const named = (port: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, path, headers: { host: 'breaches.example.org' } }, (answer) => {
          answer.resume()
          resolve(answer.statusCode!)
        })
          .on('error', reject)
          .end()
      })
    expect(await named(port, '/v2/sets')).toBe(200)
    expect(await named(port, '/metrics')).toBe(403)
    expect(await named(new URL(local.url).port, '/v2/sets')).toBe(403)
    using set = await connectSet(`http://127.0.0.1:${port}`)
    expect(set.description.limits.elements).toBe(2)
    expect((await set.check(['a', 'b'])).map(({ found }) => found)).toEqual([true, false])
    await expect(set.check(['c'])).rejects.toMatchObject({ status: 429 })
    for (const path of ['/v2', '/v2/health/live', '/v2/health/ready', '/v2/models', '/v2/whoami', '/v2/openapi.json'])
      expect((await fetch(`${local.url}${path}`)).status, path).toBe(200)
    expect((await fetch(`${local.url}/metrics`)).status).toBe(200)
  })

  test('a service of models serves sets beside them, with its tokens', async () => {
    using folder = temporaryFolder()
    await buildEpoch(folder.path, { items: ['a'] })
    const adminToken = 'an-admin-token-of-40-characters-or-more!'
    const service = await openService(readConfig({ port: 0, adminToken, sets: { small: folder.path } }, {}), silent)
    try {
      await expect(connectSet(service.url)).rejects.toMatchObject({ code: 'unauthorised' })
      const admin = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ tenant: 'a', name: 'a', scopes: ['predict'] })
      const made = await fetch(`${service.url}/v2/tokens`, { method: 'POST', headers: admin, body })
      const { token } = (await made.json()) as { token: string }
      using set = await connectSet(service.url, { token })
      expect(await set.check(['a', 'b'])).toEqual([{ found: true }, { found: false }])
      expect(await (await fetch(`${service.url}/v2`)).json()).toMatchObject({
        extensions: expect.arrayContaining(['sets']),
      })
    } finally {
      await service.close()
    }
    await expect(
      openService(readConfig({ port: 0, sets: { small: `${folder.path}/none` } }, {}), silent),
    ).rejects.toMatchObject({ code: 'not-found' })
  })
})
