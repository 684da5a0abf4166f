import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileTiny } from '../../client/test/tiny.ts'
import { lengthHeader } from '../src/http/protocol.ts'
import { type Child, createChild } from './child.ts'
import { createTinyClient, insist, once, pause, type TinyClient, uploadInParts } from './clients.ts'
import { missing } from './installed.ts'
import { freePort, postgresMissing, startPostgres } from './postgres.ts'
import { redisMissing, startRedis } from './redis.ts'

// Two replicas with one Postgres, one Redis and one folder of objects, behind HAProxy with the file that is deployed.

const absent = postgresMissing ?? redisMissing ?? missing('haproxy')
if (absent) console.warn(`skipped: ${absent}`)

const config = fileURLToPath(new URL('../../../deploy/haproxy.cfg', import.meta.url))
const closers: (() => unknown)[] = []
let url: string
let replicas: { readonly child: Child; readonly url: string }[]
const tiny = compileTiny()

const token = 'a token of the replicas, of 32 and more'.replaceAll(' ', '-')
const bare = globalThis.fetch
globalThis.fetch = (address, init = {}) => {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return bare(address, { ...init, headers })
}

beforeAll(async () => {
  if (absent) return
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-replicas-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['client', 'server'] as const) writeFileSync(join(folder, `${name}.gbx`), tiny[name])
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  closers.push(
    () => postgres.stop(),
    () => redis.stop(),
  )
  const env = {
    DATABASE_URL: await postgres.database(),
    REDIS_URL: redis.url,
    GLOVEBOX_DATA: join(folder, 'data'),
    // Behind a proxy nobody is let in without.
    GLOVEBOX_ADMIN_TOKEN: token,
    GLOVEBOX_TRUST_PROXY: 'true',
    GLOVEBOX_NOTICE_MS: '1500',
    GLOVEBOX_DRAIN_MS: '10000',
    GLOVEBOX_REQUESTS_PER_MINUTE: '0',
  }
  const ports = [await freePort(), await freePort()]
  replicas = ports.map((port) => ({
    child: createChild(['serve', folder], { ...env, GLOVEBOX_PORT: String(port) }),
    url: `http://127.0.0.1:${port}`,
  }))
  for (const { child } of replicas) {
    closers.push(() => child.kill())
    await child.start()
  }
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const proxy = spawn('haproxy', ['-db', '-f', config], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      GLOVEBOX_LISTEN: `127.0.0.1:${port}`,
      GLOVEBOX_REPLICA_A: `127.0.0.1:${ports[0]}`,
      GLOVEBOX_REPLICA_B: `127.0.0.1:${ports[1]}`,
    },
  })
  closers.push(() => stopped(proxy))
  const late = Date.now() + 20_000
  expect((await insist(`${url}/v2/health/ready`, {}, () => Date.now() > late))?.status).toBe(200)
})
afterAll(async () => {
  globalThis.fetch = bare
  for (const close of closers.reverse()) await close()
})

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })

interface Stats {
  readonly keys: { readonly loads: number }
}
const loadsOf = async (replica: string): Promise<number> => {
  const answer = await once(`${replica}/v2/stats`, {})
  return (JSON.parse(Buffer.from(answer!.body).toString()) as Stats).keys.loads
}

async function newClient(): Promise<TinyClient> {
  const client = createTinyClient(tiny)
  expect(await uploadInParts(url, client.evaluation, 2 ** 20, () => false)).toBe(true)
  return client
}

async function predict(
  client: TinyClient,
  { headers, body }: ReturnType<TinyClient['body']>,
): Promise<string | undefined> {
  const response = await fetch(`${url}/v2/models/tiny/infer`, {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(30_000),
  })
  const answer = new Uint8Array(await response.arrayBuffer())
  if (response.status !== 200) return `${response.status}: ${Buffer.from(answer)}`
  client.check(answer, Number(response.headers.get(lengthHeader)), 1)
  return undefined
}

test.skipIf(absent !== undefined)(
  'requests with one set of keys go to one replica, which has it in memory',
  async () => {
    const clients: TinyClient[] = []
    for (let i = 0; i < 8; i++) clients.push(await newClient())
    for (let round = 0; round < 4; round++)
      for (const client of clients) expect(await predict(client, client.body(1))).toBeUndefined()
    const loads = await Promise.all(replicas.map((replica) => loadsOf(replica.url)))
    // Each set was read by one of them, once; both have some (else 1 of 128).
    expect(loads.reduce((sum, count) => sum + count)).toBe(8)
    expect(Math.min(...loads)).toBeGreaterThan(0)
  },
)

test.skipIf(absent !== undefined)('a rolling restart under load drops no request', async () => {
  const clients = await Promise.all(Array.from({ length: 4 }, newClient))
  const failures: unknown[] = []
  let [answered, over] = [0, false]
  const load = clients.map(async (client) => {
    // Encrypted once: the machine is to be busy with answering.
    const request = client.body(1)
    while (!over) {
      const failure = await predict(client, request).catch((error: unknown) => error)
      if (failure !== undefined) failures.push(failure)
      else answered++
    }
  })
  const uploads = (async () => {
    const client = clients[0]!
    while (!over) {
      const bytes = client.otherKeys(500_000)
      if (!(await uploadInParts(url, bytes, 200_000, () => over)) && !over) failures.push('an upload was not taken')
    }
  })()
  for (const replica of [...replicas, ...replicas]) {
    await pause(500)
    expect(await replica.child.stop()).toBe(0)
    const before = answered
    await replica.child.start()
    // The other one went on, and the proxy sees this one again before the next is stopped.
    expect(answered).toBeGreaterThan(before)
    const late = Date.now() + 20_000
    expect((await insist(`${replica.url}/v2/health/ready`, {}, () => Date.now() > late))?.status).toBe(200)
    await pause(1500)
  }
  over = true
  await Promise.all([...load, uploads])
  expect(failures).toEqual([])
  expect(answered).toBeGreaterThan(20)
})
