import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildEpoch, type Folder, passwords, temporaryFolder } from '../../test/small-set.ts'
import { nobleGroup } from '../oprf/noble-group.ts'
import { randomScalar } from '../oprf/scalar.ts'
import { friendlySet } from '../params/presets.ts'
import { openSender, type Sender } from '../sender/sender.ts'
import type { SetDescription } from '../wire/description.ts'
import { type ConnectOptions, connectSet } from './connect.ts'
import type { Fetch } from './http.ts'
import type { Clock } from './retry.ts'

// The receiver against a sender in this process, without HTTP: `packages/server/src/sets` has the rest.

let folder: Folder
let sender: Sender
const items = passwords(60)
beforeAll(async () => {
  folder = temporaryFolder()
  await buildEpoch(folder.path, { items, mode: 'voprf' })
  sender = await openSender(folder.path, { name: 'small', threads: 1 })
})
afterAll(async () => {
  await sender?.close()
  folder?.[Symbol.dispose]()
})

interface Server {
  readonly fetch: Fetch
  readonly seen: { readonly method: string; readonly path: string; readonly bytes: number }[]
}

type Twist = (path: string, answer: () => Promise<Response>, body: Uint8Array) => Promise<Response>

/** Answers as the service does; `twist` may do something else. */
function serve(twist: Twist = (_, answer) => answer()): Server {
  const seen: { method: string; path: string; bytes: number }[] = []
  const fetch: Fetch = async (address, init) => {
    const { pathname, searchParams } = new URL(address)
    const body = init.body === undefined ? new Uint8Array() : (init.body as Uint8Array<ArrayBuffer>)
    seen.push({ method: init.method!, path: pathname, bytes: body.length })
    const epoch = Number(searchParams.get('epoch'))
    const answer = async (): Promise<Response> => {
      if (pathname === '/v2/sets') return Response.json({ sets: [sender.describe()] })
      if (pathname === '/v2/sets/small') return Response.json(sender.describe())
      if (pathname.endsWith('/oprf')) {
        const { elements, proof } = await sender.evaluate(epoch, body)
        return new Response(Buffer.concat([elements, proof!]))
      }
      const { reply, computeMs } = await sender.answer(epoch, body)
      return new Response(reply as Uint8Array<ArrayBuffer>, {
        headers: { 'server-timing': `compute;dur=${computeMs}` },
      })
    }
    return twist(pathname, answer, body)
  }
  return { fetch, seen }
}

const clock = (): Clock & { pauses: number[] } => {
  const own = {
    time: 0,
    pauses: [] as number[],
    now: () => own.time,
    async pause(ms: number) {
      own.pauses.push(ms)
      own.time += ms
    },
    random: () => 0.5,
  }
  return own
}

const connect = (server: Server, options: ConnectOptions = {}) =>
  connectSet('http://localhost', { fetch: server.fetch, clock: clock(), ...options })

test('finds what is there, in order, and asks equal items once', async () => {
  const server = serve()
  using set = await connect(server)
  const asked = [items[7]!, 'not there', items[7]!, items[59]!]
  const progress: string[] = []
  const answers = await set.check(asked, {
    onProgress: ({ stage, done, total }) => void progress.push(`${stage} ${done}/${total}`),
  })
  expect(answers.map(({ found }) => found)).toEqual(asked.map((item) => items.includes(item)))
  expect(server.seen.map(({ path }) => path.split('/').at(-1))).toEqual([
    'sets',
    'small',
    'oprf',
    'query',
    'query',
    'query',
  ])
  expect(progress.at(-1)).toBe('query 3/3')
  const { uploadBytes, downloadBytes, stages } = set.traffic
  expect(uploadBytes).toBe(server.seen.reduce((sum, { bytes }) => sum + bytes, 0))
  expect(downloadBytes).toBe(Object.values(stages).reduce((sum, stage) => sum + stage.downloadBytes, 0))
  expect(stages.oprf).toEqual({ requests: 1, uploadBytes: 3 * 32, downloadBytes: 3 * 32 + 64 })
  expect(stages.query.requests).toBe(3)
  expect(set.timings.server).toBeGreaterThan(0)
  expect(await set.check([])).toEqual([])
  await expect(set.check([''])).rejects.toThrow(RangeError)
})

test('what fails for a moment is tried again; a limit that lasts is told at once', async () => {
  let failures = 2
  const flaky = serve(async (path, answer) => {
    if (path.endsWith('/query') && failures-- > 0) {
      if (failures === 1) throw new TypeError('fetch failed')
      return new Response('{"error":"starting"}', { status: 503, headers: { 'retry-after': '3' } })
    }
    return answer()
  })
  const time = clock()
  using set = await connect(flaky, { clock: time })
  expect(await set.check([items[0]!])).toEqual([{ found: true }])
  expect(time.pauses).toHaveLength(2)
  expect(time.pauses[1]).toBeGreaterThanOrEqual(3000)

  const limited = serve(async (path, answer) =>
    path.endsWith('/oprf')
      ? new Response('{"error":"10 an hour"}', { status: 429, headers: { 'retry-after': '3600' } })
      : answer(),
  )
  using other = await connect(limited)
  await expect(other.check(['x'])).rejects.toMatchObject({
    code: 'unavailable',
    status: 429,
    message: expect.stringContaining('10 an hour'),
  })
  expect(limited.seen.filter(({ path }) => path.endsWith('/oprf'))).toHaveLength(1)
})

test('an epoch that changed, and a set that was rebuilt, are asked for again, and not for ever', async () => {
  for (const status of [409, 410]) {
    let refusals = 1
    const server = serve(async (path, answer) =>
      path.endsWith('/query') && refusals-- > 0 ? new Response('{}', { status }) : answer(),
    )
    using set = await connect(server, { name: 'small' })
    expect(await set.check([items[1]!])).toEqual([{ found: true }])
    expect(server.seen.map(({ path }) => path.split('/').at(-1))).toEqual([
      'small',
      'oprf',
      'query',
      'small',
      'oprf',
      'query',
    ])
    refusals = 99
    await expect(set.check([items[1]!])).rejects.toMatchObject({ status })
    expect(refusals).toBe(99 - 4)
  }
})

test('a pinned key is held to; a proof of another key is refused before a query leaves', async () => {
  const { publicKey } = sender.describe().oprf
  using set = await connect(serve(), { publicKey })
  expect(await set.check([items[2]!])).toEqual([{ found: true }])
  await expect(connect(serve(), { publicKey: '0'.repeat(64) })).rejects.toMatchObject({ code: 'parameters-mismatch' })
  await expect(connect(serve(), { publicKey: 'x' })).rejects.toThrow(TypeError)
  const unproven = serve(async (path, answer) => {
    const response = await answer()
    if (path !== '/v2/sets/small') return response
    const said = (await response.json()) as SetDescription
    return Response.json({ ...said, oprf: { ...said.oprf, mode: 'oprf' } })
  })
  await expect(connect(unproven, { name: 'small', publicKey })).rejects.toMatchObject({ code: 'unsupported' })
  const forged = serve(async (path, answer) => {
    const response = await answer()
    if (!path.endsWith('/oprf')) return response
    const bytes = new Uint8Array(await response.arrayBuffer())
    // Another element that is one: the last of the batch in place of the first.
    bytes.copyWithin(0, 32, 64)
    return new Response(bytes)
  })
  using other = await connect(forged)
  await expect(other.check(['a', 'b'])).rejects.toMatchObject({ code: 'parameters-mismatch' })
  expect(forged.seen.some(({ path }) => path.endsWith('/query'))).toBe(false)
})

describe('what a server says is not believed', () => {
  const cases: [string, (said: SetDescription) => unknown, string][] = [
    ['no JSON object', () => [], 'malformed'],
    ['another name', (said) => ({ ...said, name: 'other' }), 'malformed'],
    ['a kind that there is not', (said) => ({ ...said, kind: 'secrets' }), 'malformed'],
    ['an epoch that is none', (said) => ({ ...said, epoch: -1 }), 'malformed'],
    ['another digest', (said) => ({ ...said, digest: '0'.repeat(64) }), 'parameters-mismatch'],
    ['no parameters', (said) => ({ ...said, params: { method: 'powers' } }), 'malformed'],
    [
      'insecure parameters',
      (said) => ({ ...said, params: { ...said.params, he: { ...said.params.he, modulusBits: [50, 50, 50] } } }),
      'insecure-parameters',
    ],
    [
      'hardening without end',
      (said) => ({ ...said, hardening: { algorithm: 'scrypt', N: 2 ** 24, r: 8, p: 1, salt: '00'.repeat(16) } }),
      'unsupported',
    ],
    [
      'more of a prefix than is allowed',
      (said) => ({ ...said, params: friendlySet({ prefixBits: 9 }), digest: prefixDigest }),
      'unsupported',
    ],
    ['no elements at once', (said) => ({ ...said, limits: { ...said.limits, elements: 0 } }), 'malformed'],
  ]
  let prefixDigest = ''
  beforeAll(async () => {
    const { createSetParams } = await import('../params/set-params.ts')
    prefixDigest = createSetParams(friendlySet({ prefixBits: 9 })).digest
  })

  test.each(cases)('%s', async (_, change, code) => {
    const server = serve(async (path, answer) => {
      const response = await answer()
      return path === '/v2/sets/small' ? Response.json(change((await response.json()) as SetDescription)) : response
    })
    await expect(connect(server, { name: 'small', maxPrefixBits: 8 })).rejects.toMatchObject({ code })
  })

  describe('a sender that exchanges its key is told no more of a prefix', () => {
    /** Says 9 bits; evaluates under another key each time, or always the same. */
    const exchanging = (status: number, fresh: boolean): Server => {
      let scalar = randomScalar(nobleGroup)
      return serve(async (path, answer, body) => {
        if (path.endsWith('/query')) return new Response('{}', { status })
        if (path.endsWith('/oprf')) {
          if (fresh) scalar = randomScalar(nobleGroup)
          return new Response(nobleGroup.multiply(scalar, body) as Uint8Array<ArrayBuffer>)
        }
        const said = (await (await answer()).json()) as SetDescription
        const oprf = { ...said.oprf, mode: 'oprf' }
        return Response.json({ ...said, oprf, params: friendlySet({ prefixBits: 9 }), digest: prefixDigest })
      })
    }
    const queries = ({ seen }: Server): number => seen.filter(({ path }) => path.endsWith('/query')).length

    test('within a check', async () => {
      const server = exchanging(409, true)
      using set = await connect(server, { name: 'small', maxPrefixBits: 17 })
      await expect(set.check(['a'])).rejects.toMatchObject({ code: 'unsupported' })
      expect(queries(server)).toBe(1)
    })

    test('from one check to the next, of the same item', async () => {
      const server = exchanging(404, true)
      using set = await connect(server, { name: 'small', maxPrefixBits: 18 })
      for (const code of ['not-found', 'not-found', 'unsupported', 'unsupported'])
        await expect(set.check(['a'])).rejects.toMatchObject({ code })
      expect(queries(server)).toBe(2)
      await expect(set.check(['b'])).rejects.toMatchObject({ code: 'not-found' })
    })

    test('under one key it learns nothing new', async () => {
      const server = exchanging(404, false)
      using set = await connect(server, { name: 'small', maxPrefixBits: 9 })
      for (let turn = 0; turn < 3; turn++) await expect(set.check(['a'])).rejects.toMatchObject({ code: 'not-found' })
      expect(queries(server)).toBe(3)
    })
  })

  test('requests of the OPRF are of 1,024 elements at most, whatever it takes', async () => {
    const server = serve(async (path, answer) => {
      if (path.endsWith('/oprf')) return new Response('{}', { status: 404 })
      const response = await answer()
      if (path !== '/v2/sets/small') return response
      const said = (await response.json()) as SetDescription
      return Response.json({ ...said, limits: { ...said.limits, elements: 65535 } })
    })
    const element = nobleGroup.multiplyDerived(Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(64).fill(7))!
    // Not 1,025 times the work of JavaScript: what is blinded does not matter here.
    const group = { ...nobleGroup, multiplyDerived: () => element }
    using set = await connect(server, { name: 'small', group, harden: (_, bytes) => bytes })
    const many = Array.from({ length: 1025 }, (_, i) => `item ${i}`)
    await expect(set.check(many)).rejects.toMatchObject({ code: 'not-found' })
    expect(server.seen.at(-1)).toMatchObject({ bytes: 32 * 1024 })
  })

  test('a set that has items of another kind by now is refused, and not searched for bytes of the old one', async () => {
    let exchanged = false
    const server = serve(async (path, answer) => {
      const response = await answer()
      if (path.endsWith('/oprf')) {
        exchanged = true
        return new Response('{"error":"another epoch"}', { status: 409 })
      }
      if (path !== '/v2/sets/small' || !exchanged) return response
      return Response.json({ ...((await response.json()) as SetDescription), kind: 'domains' })
    })
    using set = await connect(server, { name: 'small' })
    await expect(set.check([items[0]!])).rejects.toMatchObject({
      code: 'parameters-mismatch',
      message: expect.stringMatching('another kind'),
    })
  })

  test('answers of other lengths, of another set, and none', async () => {
    const twisted = (part: string, change: (bytes: Uint8Array) => Uint8Array): Server =>
      serve(async (path, answer) => {
        const response = await answer()
        return path.endsWith(part)
          ? new Response(change(new Uint8Array(await response.arrayBuffer())) as Uint8Array<ArrayBuffer>)
          : response
      })
    for (const [part, change, code] of [
      ['/oprf', (bytes) => bytes.subarray(32), 'malformed'],
      ['/oprf', (bytes) => Buffer.concat([bytes, bytes]), 'too-large'],
      ['/query', (bytes) => bytes.subarray(1), 'malformed'],
      ['/query', () => new Uint8Array(0), 'malformed'],
      ['/query', (bytes) => bytes.with(60, bytes[60]! ^ 1), 'malformed'],
    ] as [string, (bytes: Uint8Array) => Uint8Array, string][]) {
      const server = twisted(part, change)
      using set = await connect(server)
      await expect(set.check(['x', 'y', 'z']), part).rejects.toMatchObject({ code })
      // Nobody is told by queries that do not come what could not be read.
      const queries = server.seen.filter(({ path }) => path.endsWith('/query')).length
      expect(queries).toBe(part === '/query' ? 3 : 0)
    }
  })
})

test('no set, several sets and no Glovebox are told apart', async () => {
  const sets = (value: unknown): Server => serve(async () => Response.json(value))
  await expect(connect(sets({ sets: [] }))).rejects.toMatchObject({ code: 'not-found' })
  await expect(connect(sets({ sets: [{ name: 'a' }, { name: 'b' }] }))).rejects.toThrow('"name": a, b')
  await expect(connect(serve(async () => new Response('<html>')))).rejects.toMatchObject({ code: 'malformed' })
  await expect(connectSet('http://user:secret@host/')).rejects.toThrow(/^((?!secret).)*$/)
})

test('a signal stops it; a set that was disposed of says so', async () => {
  const set = await connect(serve())
  await expect(set.check(['x'], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  const running = set.check([items[0]!])
  set[Symbol.dispose]()
  // It had not begun.
  expect(await Promise.allSettled([running])).toMatchObject([{ status: 'rejected' }])
  await expect(set.check(['x'])).rejects.toMatchObject({ code: 'disposed' })
})
