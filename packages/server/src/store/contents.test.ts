import { GloveboxError } from '@glovebox/he'
import { expect, test } from 'vitest'
import { noise, sha256, stream } from '../../test/stores.ts'
import { type Content, type Contents, createContents } from './contents.ts'
import { noObject, type ObjectStore } from './objects.ts'

function memoryObjects(): ObjectStore & { readonly all: Map<string, Uint8Array> } {
  const all = new Map<string, Uint8Array>()
  return {
    all,
    async put(key, body) {
      const pieces: Uint8Array[] = []
      for await (const piece of body) pieces.push(piece)
      const whole = Buffer.concat(pieces)
      all.set(key, whole)
      return whole.length
    },
    async *get(key) {
      const found = all.get(key)
      if (!found) throw noObject(key)
      yield found
    },
    size: async (key) => all.get(key)?.length,
    delete: async (key) => void all.delete(key),
    async *list(prefix) {
      for (const [key, { length }] of [...all])
        if (key.startsWith(prefix)) yield { key, bytes: length, modified: Date.now() }
    },
    ready: async () => undefined,
    close: async () => undefined,
  }
}

function setUp(
  known = 0,
  answer = () => true,
): {
  contents: Contents
  objects: ReturnType<typeof memoryObjects>
  rows: Map<string, Content>
} {
  const objects = memoryObjects()
  const rows = new Map<string, Content>()
  const contents = createContents(objects, {
    area: 'things',
    what: 'the thing',
    maxBytes: 10_000,
    tenantBytes: 10_000,
    headBytes: 0,
    check: async () => undefined,
    verify: () => undefined,
    find: async (_, digest) => rows.get(digest),
    used: async () => ({
      bytes: [...rows.values()].reduce((sum, { bytes }) => sum + bytes, 0),
      count: known + rows.size,
    }),
    async insert(_, digest, content) {
      if (rows.has(digest)) return false
      rows.set(digest, content)
      return answer()
    },
  })
  return { contents, objects, rows }
}

test('uploads that begin together get together no more than there is room for', async () => {
  const { contents, objects, rows } = setUp()
  const bodies = [1, 2, 3].map((seed) => noise(6000, seed))
  const ended = await Promise.allSettled(bodies.map((body) => contents.put('a', sha256(body), stream(body, 500))))
  expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
  for (const end of ended) if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'too-large' })
  expect(rows.size).toBe(1)
  expect(objects.all.size).toBe(1)
})

test('an object that may be written down stays, where the database does not say', async () => {
  const { contents, objects, rows } = setUp(0, () => {
    throw new GloveboxError('unavailable', 'the connection was lost')
  })
  const body = noise(10)
  await expect(contents.put('a', sha256(body), stream(body))).rejects.toMatchObject({ code: 'unavailable' })
  expect(objects.all.has(rows.get(sha256(body))!.object)).toBe(true)
})

test('parts that fit together with nothing else are stored all the same', async () => {
  const { contents, rows } = setUp()
  const body = noise(10_000)
  for (const [offset, end] of [
    [0, 6000],
    [6000, 10_000],
  ] as const)
    await contents.append('a', sha256(body), { offset, total: 10_000, body: stream(body.subarray(offset, end)) })
  expect(rows.size).toBe(1)
})

test('a tenant has so many unfinished parts, however small, and so many contents', async () => {
  const { contents, objects } = setUp()
  const digest = sha256(noise(1))
  for (let i = 0; i < 9999; i++)
    objects.all.set(`staging/things/a/${'ab'.repeat(32)}/000000009999/${String(i).padStart(12, '0')}`, noise(0))
  const part = (tenant: string) => contents.append(tenant, digest, { offset: 0, total: 2, body: stream(noise(1)) })
  await part('a')
  await expect(contents.append('a', digest, { offset: 1, total: 2, body: stream(noise(1)) })).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining('10000 parts'),
  })
  await part('b')

  const most = 100_000
  const body = noise(10)
  for (const [known, fits] of [
    [most - 1, true],
    [most, false],
  ] as const) {
    const put = setUp(known).contents.put('a', sha256(body), stream(body))
    if (fits) expect(await put).toBe(true)
    else await expect(put).rejects.toMatchObject({ code: 'too-large', message: expect.stringContaining('100000') })
  }
})
