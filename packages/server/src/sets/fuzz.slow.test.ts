import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { toHex } from '@glovebox/he'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { friendlySet, matrixSet } from '../../../psi/src/params/presets.ts'
import { createSetParams } from '../../../psi/src/params/set-params.ts'
import { connectSet, createQueryKeys, prepareQueries } from '../../../psi/src/receiver.ts'
import { buildEpoch, passwords, temporaryFolder } from '../../../psi/test/small-set.ts'
import { pause } from '../../test/clients.ts'
import { serveSets } from './serve.ts'

// Requests for sets that no receiver makes, by the thousand. Frames are damaged and get a right checksum again, so that what reads them is reached.

const count = 4000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The same sequence each time. */
function createDice(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    below,
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
    bytes: (n: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: n }, () => below(256)),
  }
}
type Dice = ReturnType<typeof createDice>

const headBytes = 44
const sumBytes = 16

/** With the length and the checksum that its content has. */
function sealed(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(frame)
  const end = copy.length - sumBytes
  if (end < headBytes) return copy
  new DataView(copy.buffer).setUint32(40, end - headBytes, true)
  copy.set(createHash('sha256').update(copy.subarray(0, end)).digest().subarray(0, sumBytes), end)
  return copy
}

function damaged(dice: Dice, frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(frame)
  const view = new DataView(copy.buffer)
  // Most of what decides is at the start: the header of the query, that of the first ciphertext.
  const at = dice.below(3) ? headBytes + dice.below(120) : dice.below(copy.length - 4)
  switch (dice.below(7)) {
    case 0:
      return copy.slice(0, dice.below(copy.length))
    case 1:
      return Uint8Array.from(Buffer.concat([copy.subarray(0, 2000), dice.bytes(20), copy.subarray(2000)]))
    case 2:
      view.setUint32(Math.min(at, copy.length - 4), dice.pick([0, 1, 0xffff, 2 ** 31, 2 ** 32 - 1]), true)
      return copy
    case 3:
      copy.set(dice.bytes(Math.min(8, copy.length - at)), at)
      return copy
    case 4:
      copy.fill(dice.pick([0, 255]), at, at + dice.below(copy.length - at))
      return copy
    case 5:
      return dice.bytes(dice.below(3000))
    default:
      copy[at]! ^= 1 << dice.below(8)
      return copy
  }
}

test(`${count} malformed requests: no crash, no 500, no thread that dies, no growth, and right answers in between`, async () => {
  const lines: { level: number; msg?: string }[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  using folder = temporaryFolder()
  using other = temporaryFolder()
  const items = passwords(40)
  const prefixed = createSetParams(friendlySet({ prefixBits: 2 }))
  const matrix = createSetParams(matrixSet(100))
  await buildEpoch(folder.path, { items, params: prefixed.literal, epoch: 7 })
  await buildEpoch(other.path, { items, params: matrix.literal, mode: 'voprf', epoch: 7 })
  const limits = { setElementsPerHour: 0, setQueriesPerHour: 0, setKeysPerHour: 0, keyMemory: 2 ** 22, idleMs: 150 }
  const service = await serveSets({ folders: { plain: folder.path, keyed: other.path }, port: 0, limits }, log)
  using plainKeys = createQueryKeys(prefixed)
  using matrixKeys = createQueryKeys(matrix)
  const output = (n: number): Uint8Array => new Uint8Array(64).fill(n)
  const [plainQuery] = [...prepareQueries(plainKeys, [output(1)], 7)].map(({ bytes }) => bytes)
  const [keyedQuery] = [...prepareQueries(matrixKeys, [output(2)], 7)].map(({ bytes }) => bytes)
  const [lateQuery] = [...prepareQueries(plainKeys, [output(1)], 8)].map(({ bytes }) => bytes)
  const frames = [plainQuery!, plainQuery!, keyedQuery!, keyedQuery!, lateQuery!, matrixKeys.upload!]
  try {
    const dice = createDice(6)
    const statuses: Record<number, number> = {}
    const faults: string[] = []
    const { port } = new URL(service.url)
    const names = [
      'plain',
      'plain',
      'plain',
      'keyed',
      'keyed',
      'keyed',
      'nobody',
      '..%2fplain',
      'x'.repeat(300),
      '%00',
      'PLAIN',
    ]
    const epochs = [
      '7',
      '7',
      '7',
      '7',
      '7',
      '7',
      '0',
      '6',
      '8',
      '-1',
      '1e3',
      '4294967296',
      '99999999999999999999',
      '',
      'x',
      '7&epoch=8',
    ]

    const frame = (): Uint8Array<ArrayBuffer> => {
      const chosen = dice.pick(frames)
      const kind = dice.below(8)
      if (kind === 0) return Uint8Array.from(chosen)
      const changed = damaged(dice, chosen)
      return kind < 6 ? sealed(changed) : changed
    }
    const batch = (): Uint8Array<ArrayBuffer> =>
      dice.pick([
        () => dice.bytes(32 * (1 + dice.below(4))),
        () => new Uint8Array(32 * (1 + dice.below(3))),
        () => new Uint8Array(64).fill(255),
        () => dice.bytes(dice.below(200)),
        () => new Uint8Array(32 * 1025),
        () => Uint8Array.of(...Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)), ...dice.bytes(32)),
      ])()
    const attack = (): { method: string; path: string; body?: Uint8Array<ArrayBuffer> } => {
      const name = dice.pick(names)
      const epoch = dice.pick(epochs)
      switch (dice.below(6)) {
        case 0:
          return { method: 'POST', path: `/v2/sets/${name}/oprf?epoch=${epoch}`, body: batch() }
        case 1: {
          const body = frame()
          const digest = dice.below(5)
            ? createHash('sha256').update(body).digest('hex')
            : dice.pick(['0'.repeat(64), 'x', toHex(matrixKeys.digest)])
          return { method: 'PUT', path: `/v2/sets/${name}/keys/${digest}?epoch=${epoch}`, body }
        }
        case 2:
          return {
            method: dice.pick(['GET', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'POST']),
            path: `/v2/sets/${name}${dice.pick(['', '/', '/oprf', '/query', '/keys', '/../plain', '/query/x'])}`,
          }
        default:
          return { method: 'POST', path: `/v2/sets/${name}/query?epoch=${epoch}`, body: frame() }
      }
    }
    const raw = (): Promise<void> =>
      new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1')
        const timer = setTimeout(() => socket.destroy(), 100)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          clearTimeout(timer)
          resolve()
        })
        const head = dice.pick([
          'POST /v2/sets/plain/query?epoch=7 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\nabc',
          'POST /v2/sets/plain/oprf?epoch=7 HTTP/1.1\r\nhost: localhost\r\ncontent-length: 64\r\n\r\nabc',
          'PUT /v2/sets/keyed/keys/00?epoch=7 HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\nabc',
          'POST /v2/sets/keyed/query?epoch=7 HTTP/1.1\r\nhost: localhost\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc',
        ])
        socket.write(head, 'latin1')
        if (dice.below(2)) setTimeout(() => socket.destroy(), dice.below(20))
      })
    const one = async (): Promise<void> => {
      if (dice.below(30) === 0) return raw()
      const { method, path, body } = attack()
      const leave = dice.below(20) === 0 ? AbortSignal.timeout(1 + dice.below(10)) : undefined
      const response = await fetch(`${service.url}${path}`, {
        method,
        ...(body && { body }),
        ...(leave && { signal: leave }),
      }).catch(() => undefined)
      const status = response?.status ?? 0
      await response?.arrayBuffer().catch(() => undefined)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status >= 500 && status !== 503) faults.push(`${status}: ${method} ${path}`)
    }
    const run = async (n: number): Promise<void> => {
      let left = n
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          while (left-- > 0) await one()
        }),
      )
    }
    const held = async (): Promise<number> => {
      for (let i = 0; i < 2; i++) {
        await pause(300)
        collectGarbage()
      }
      const { heapUsed, external, arrayBuffers } = process.memoryUsage()
      return heapUsed + external + arrayBuffers
    }
    const right = async (): Promise<void> => {
      for (const name of ['plain', 'keyed']) {
        using set = await connectSet(service.url, { name })
        expect((await set.check([items[3]!, 'nobody'])).map(({ found }) => found)).toEqual([true, false])
      }
    }
    const kernels = async (): Promise<number> => {
      const text = await (await fetch(`${service.url}/metrics`)).text()
      return [...text.matchAll(/^glovebox_set_memory_bytes\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    }

    await right()
    await run(count * 0.3)
    const [before, memory] = [await held(), await kernels()]
    const attacking = run(count * 0.7)
    await right()
    await attacking
    await right()

    expect(faults).toEqual([])
    expect(lines.filter(({ level, msg = '' }) => level >= 50 || /died|ended/.test(msg))).toEqual([])
    // Of some 500 MiB that were received; contexts of receivers come and go here, too.
    expect(((await held()) - before) / 2 ** 20).toBeLessThan(32)
    // Keys that are kept decoded are all that may have come.
    expect(((await kernels()) - memory) / 2 ** 20).toBeLessThan(16)
    // It was no wall of one kind of refusal.
    for (const status of [200, 400, 404, 405, 409, 410, 413, 428])
      expect(statuses[status], `${status} of ${JSON.stringify(statuses)}`).toBeGreaterThan(3)
  } finally {
    await service.close()
  }
})
