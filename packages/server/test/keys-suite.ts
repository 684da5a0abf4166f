import { encodeFrame, fromHex } from '@glovebox/he'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Backend,
  bytesOf,
  keyFrame,
  keysOf,
  noise,
  type OpenBackend,
  principal,
  sha256,
  stream,
} from './stores.ts'

const [program, foreign] = ['11'.repeat(32), '22'.repeat(32)]

/** Sets of evaluation keys. */
export function keysSuite(name: string, open: OpenBackend): void {
  describe(`evaluation keys on ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend[Symbol.asyncDispose]())
    let tenants = 0
    const somebody = () => principal(`tenant-${++tenants}`)
    const objectsUnder = async (prefix: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of backend.objects.list(prefix)) keys.push(key)
      return keys
    }
    const mayUse = async (_: string, asked: string): Promise<boolean> => asked === program

    test('whole: new once, then known, listed, read and deleted', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 50_000)
      const digest = sha256(bytes)
      expect(await keys.state(p, digest)).toBeUndefined()
      expect(await keys.put(p, digest, stream(bytes), { total: bytes.length })).toBe(true)
      expect(await keys.put(p, digest, stream(bytes))).toBe(false)
      expect(await keys.state(p, digest)).toMatchObject({
        complete: true,
        bytes: bytes.length,
        expiresAt: expect.any(Number),
      })
      expect(await keys.list(p)).toMatchObject([{ digest, program, bytes: bytes.length }])
      expect(await bytesOf(keys.bytes(p.tenant, digest))).toEqual(bytes)
      const opened = await keys.open(p.tenant, digest)
      expect([opened.bytes, (await bytesOf(opened.body)).length]).toEqual([bytes.length, bytes.length])
      expect(await keys.use(p.tenant, digest)).toMatchObject({ digest, program })
      await keys.delete(p, digest)
      expect(await keys.state(p, digest)).toBeUndefined()
      for (const ask of [
        () => keys.delete(p, digest),
        () => keys.use(p.tenant, digest),
        () => bytesOf(keys.bytes(p.tenant, digest)),
        () => keys.open(p.tenant, digest),
      ])
        await expect(ask()).rejects.toMatchObject({ code: 'not-found' })
      expect(await objectsUnder(`keys/${p.tenant}/`)).toEqual([])
    })

    test('in parts, of odd sizes, each taken once; a wrong offset is told the right one', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 30_000)
      const [digest, total] = [sha256(bytes), bytes.length]
      // The head of the frame itself comes in two parts.
      const cuts = [0, 7, 4000, 4001, 20_000, total]
      for (const [i, offset] of cuts.slice(0, -1).entries()) {
        const end = cuts[i + 1]!
        if (offset > 0) expect(await keys.state(p, digest)).toEqual({ complete: false, offset })
        for (const wrong of [offset + 1, Math.max(0, offset - 1)].filter((at) => at !== offset))
          expect(await keys.append(p, digest, { offset: wrong, total, body: stream(bytes.subarray(wrong)) })).toEqual({
            fits: false,
            complete: false,
            created: false,
            offset,
          })
        const body = stream(bytes.subarray(offset, end), 1000)
        expect(await keys.append(p, digest, { offset, total, body })).toEqual({
          fits: true,
          complete: end === total,
          created: end === total,
          offset: end,
        })
      }
      expect(await bytesOf(keys.bytes(p.tenant, digest))).toEqual(bytes)
      expect(await objectsUnder(`staging/keys/${p.tenant}/`)).toEqual([])
      const late = await keys.append(p, digest, { offset: 7, total, body: stream(bytes.subarray(7)) })
      expect(late).toEqual({ fits: true, complete: true, created: false, offset: total })
    })

    test('a part whose connection breaks is as if it had not been sent', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 30_000)
      const [digest, total] = [sha256(bytes), bytes.length]
      await keys.append(p, digest, { offset: 0, total, body: stream(bytes.subarray(0, 10_000)) })
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(10_000, 15_000)
        throw new Error('gone')
      }
      await expect(keys.append(p, digest, { offset: 10_000, total, body: broken() })).rejects.toThrow('gone')
      expect(await keys.state(p, digest)).toEqual({ complete: false, offset: 10_000 })
      expect(
        await keys.append(p, digest, { offset: 10_000, total, body: stream(bytes.subarray(10_000)) }),
      ).toMatchObject({ complete: true })
    })

    test('a server killed between the last part and the set: the client sends that part again', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 30_000)
      const [digest, total] = [sha256(bytes), bytes.length]
      const key = (offset: number): string =>
        `staging/keys/${p.tenant}/${digest}/${String(total).padStart(12, '0')}/${String(offset).padStart(12, '0')}`
      await backend.objects.put(key(0), stream(bytes.subarray(0, 20_000)))
      await backend.objects.put(key(20_000), stream(bytes.subarray(20_000)))
      expect(await keys.state(p, digest)).toEqual({ complete: false, offset: 20_000 })
      const again = await keys.append(p, digest, { offset: 20_000, total, body: stream(bytes.subarray(20_000)) })
      expect(again).toEqual({ fits: true, complete: true, created: true, offset: total })
    })

    test('two clients upload one set at once, in parts of their own: both end with the set', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 60_000)
      const [digest, total] = [sha256(bytes), bytes.length]
      const client = async (part: number): Promise<void> => {
        for (let offset = 0, tries = 0; ; tries++) {
          if (tries > 500) throw new Error('never ends')
          const body = stream(bytes.subarray(offset, offset + part), 500)
          const answer = await keys.append(p, digest, { offset, total, body })
          if (answer.complete) return
          offset = answer.offset
        }
      }
      await Promise.all([client(7001), client(4003), client(9000), client(7001)])
      expect(await bytesOf(keys.bytes(p.tenant, digest))).toEqual(bytes)
      expect((await objectsUnder(`keys/${p.tenant}/`)).length).toBe(1)
    })

    test('many put one set at once: one is new, one object is kept', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 20_000)
      const created = await Promise.all(Array.from({ length: 8 }, () => keys.put(p, sha256(bytes), stream(bytes, 512))))
      expect(created.filter(Boolean).length).toBe(1)
      expect((await objectsUnder(`keys/${p.tenant}/`)).length).toBe(1)
      expect(await bytesOf(keys.bytes(p.tenant, sha256(bytes)))).toEqual(bytes)
    })

    test('what is no set of keys is refused, whole or in parts, and leaves nothing', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const good = keyFrame(program, 5000)
      const damaged = good.slice()
      damaged[3000]! ^= 1
      const longer = new Uint8Array([...good, 0])
      // Says another length than it has, under a checksum that is right.
      const lying = good.slice()
      new DataView(lying.buffer).setUint32(40, 4000, true)
      lying.set(Buffer.from(sha256(lying.subarray(0, -16)), 'hex').subarray(0, 16), lying.length - 16)
      const cases: [what: string, bytes: Uint8Array, code: string, digest?: string][] = [
        ['another digest', good, 'malformed', '00'.repeat(32)],
        ['noise', noise(5000), 'malformed'],
        ['a short text', new TextEncoder().encode('keys'), 'malformed'],
        ['another kind', encodeFrame('query', fromHex(program), noise(5000)), 'malformed'],
        ['a secret key', encodeFrame('secret key of a program', fromHex(program), noise(5000)), 'malformed'],
        ['a damaged frame', damaged, 'malformed'],
        ['a frame and more', longer, 'malformed'],
        ['a length that is not its own', lying, 'malformed'],
        ['a frame cut short', good.subarray(0, 4000), 'malformed'],
        ['keys of a program of others', keyFrame(foreign, 5000), 'parameters-mismatch'],
      ]
      for (const [what, bytes, code, digest = sha256(bytes)] of cases) {
        await expect(keys.put(p, digest, stream(bytes)), what).rejects.toMatchObject({ code })
        const total = bytes.length
        const inParts = async (): Promise<void> => {
          for (let offset = 0; offset < total; offset += 1024)
            await keys.append(p, digest, { offset, total, body: stream(bytes.subarray(offset, offset + 1024)) })
        }
        await expect(inParts(), what).rejects.toMatchObject({ code })
        expect(await keys.state(p, digest), what).toBeUndefined()
      }
      expect(await keys.list(p)).toEqual([])
      expect(await objectsUnder(`keys/${p.tenant}/`)).toEqual([])
      expect(await objectsUnder(`staging/keys/${p.tenant}/`)).toEqual([])
    })

    test('keys of another program are refused at their first part', async () => {
      const keys = keysOf(backend, { mayUse })
      const bytes = keyFrame(foreign, 5000)
      const part = { offset: 0, total: bytes.length, body: stream(bytes.subarray(0, 100)) }
      await expect(keys.append(somebody(), sha256(bytes), part)).rejects.toMatchObject({ code: 'parameters-mismatch' })
    })

    test('offsets, lengths and digests that are none are malformed', async () => {
      const keys = keysOf(backend, { mayUse, maxBytes: 10_000 })
      const p = somebody()
      const digest = 'ab'.repeat(32)
      const body = stream(noise(10))
      for (const [offset, total] of [
        [-1, 10],
        [10, 10],
        [0, 0],
        [0.5, 10],
        [0, Number.NaN],
        [2 ** 60, 2 ** 61],
      ] as const)
        await expect(keys.append(p, digest, { offset, total, body }), `${offset} ${total}`).rejects.toMatchObject({
          code: 'malformed',
        })
      await expect(keys.append(p, digest, { offset: 0, total: 10_001, body })).rejects.toMatchObject({
        code: 'too-large',
      })
      await expect(keys.append(p, digest, { offset: 0, total: 10, body: stream(noise(0)) })).rejects.toMatchObject({
        code: 'malformed',
      })
      await expect(keys.append(p, digest, { offset: 0, total: 10, body: stream(noise(11)) })).rejects.toMatchObject({
        code: 'too-large',
      })
      for (const wrong of ['', 'AB'.repeat(32), '../../etc', `${'ab'.repeat(31)}a`, `${digest}0`])
        for (const ask of [
          () => keys.state(p, wrong),
          () => keys.put(p, wrong, body),
          () => keys.delete(p, wrong),
          () => keys.use(p.tenant, wrong),
        ])
          await expect(ask(), wrong).rejects.toMatchObject({ code: 'malformed' })
    })

    test('limits of a set and of a tenant, what is in staging counted too', async () => {
      const keys = keysOf(backend, { mayUse, maxBytes: 6000, tenantBytes: 10_000 })
      const [p, other] = [somebody(), somebody()]
      const set = (seed: number, length = 4000): Uint8Array => keyFrame(program, length, seed)
      const put = (who: typeof p, bytes: Uint8Array, total?: number): Promise<boolean> =>
        keys.put(who, sha256(bytes), stream(bytes), { total })
      await expect(put(p, set(1, 7000))).rejects.toMatchObject({ code: 'too-large' })
      await expect(put(p, set(1, 7000), 7060)).rejects.toMatchObject({ code: 'too-large' })
      await put(p, set(1))
      const second = set(2)
      await keys.append(p, sha256(second), { offset: 0, total: second.length, body: stream(second.subarray(0, 3000)) })
      await expect(put(p, set(3))).rejects.toMatchObject({ code: 'too-large' })
      await put(other, set(3))
      await keys.append(p, sha256(second), { offset: 3000, total: second.length, body: stream(second.subarray(3000)) })
      await keys.delete(p, sha256(set(1)))
      await put(p, set(3))
      expect((await keys.list(p)).length).toBe(2)
    })

    test('two tenants with the same bytes own one set each', async () => {
      const keys = keysOf(backend, { mayUse })
      const [p, other] = [somebody(), somebody()]
      const bytes = keyFrame(program, 9000)
      const digest = sha256(bytes)
      expect(await keys.put(p, digest, stream(bytes))).toBe(true)
      expect(await keys.state(other, digest)).toBeUndefined()
      expect(await keys.put(other, digest, stream(bytes))).toBe(true)
      await keys.delete(p, digest)
      expect(await bytesOf(keys.bytes(other.tenant, digest))).toEqual(bytes)
    })

    test('a set goes so long after its last use', async () => {
      const keepMs = 100_000
      const keys = keysOf(backend, { mayUse, keepMs })
      const p = somebody()
      const [used, unused] = [keyFrame(program, 900, 1), keyFrame(program, 900, 2)]
      for (const bytes of [used, unused]) await keys.put(p, sha256(bytes), stream(bytes))
      const { now } = Date
      const at = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
        Date.now = () => now() + ms
        try {
          return await work()
        } finally {
          Date.now = now
        }
      }
      await at(0.6 * keepMs, () => keys.use(p.tenant, sha256(used)))
      await at(1.1 * keepMs, async () => {
        await expect(keys.use(p.tenant, sha256(unused))).rejects.toMatchObject({ code: 'not-found' })
        expect((await keys.list(p)).map(({ digest }) => digest)).toEqual([sha256(used)])
        expect(await keys.state(p, sha256(unused))).toBeUndefined()
        // Expired, and uploaded again before anybody cleared it away.
        expect(await keys.put(p, sha256(unused), stream(unused))).toBe(true)
        expect(await bytesOf(keys.bytes(p.tenant, sha256(unused)))).toEqual(unused)
        expect(await keys.expire()).toEqual([])
      })
      await at(1.65 * keepMs, async () => {
        expect(await keys.expire()).toEqual([{ tenant: p.tenant, digest: sha256(used) }])
        expect((await objectsUnder(`keys/${p.tenant}/`)).length).toBe(1)
      })
    })

    test('what crashes leave is swept after a day, and nothing else', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 900)
      await keys.put(p, sha256(bytes), stream(bytes))
      await backend.objects.put(`keys/${p.tenant}/${'ee'.repeat(32)}/1`, stream(noise(9)))
      await backend.objects.put(
        `staging/keys/${p.tenant}/${'ee'.repeat(32)}/000000000100/000000000000`,
        stream(noise(9)),
      )
      const later = Date.now() + 25 * 3_600_000
      await keys.expire(Date.now() + 23 * 3_600_000)
      expect((await objectsUnder(`keys/${p.tenant}/`)).length).toBe(2)
      await keys.expire(later)
      expect((await objectsUnder(`keys/${p.tenant}/`)).length).toBe(1)
      expect(await objectsUnder(`staging/keys/${p.tenant}/`)).toEqual([])
      expect(await bytesOf(keys.bytes(p.tenant, sha256(bytes)))).toEqual(bytes)
    })

    test('who may not predict may not store; what is unfinished can be given up', async () => {
      const keys = keysOf(backend, { mayUse })
      const p = somebody()
      const bytes = keyFrame(program, 900)
      const pusher = principal(p.tenant, 'push')
      await expect(keys.put(pusher, sha256(bytes), stream(bytes))).rejects.toMatchObject({ code: 'unauthorised' })
      await keys.append(p, sha256(bytes), { offset: 0, total: bytes.length, body: stream(bytes.subarray(0, 100)) })
      await keys.delete(p, sha256(bytes))
      expect(await keys.state(p, sha256(bytes))).toBeUndefined()
    })

    test('totals count the sets of all', async () => {
      const keys = keysOf(backend, { mayUse })
      const before = await keys.totals()
      const bytes = keyFrame(program, 900)
      await keys.put(somebody(), sha256(bytes), stream(bytes))
      expect(await keys.totals()).toEqual({ sets: before.sets + 1, bytes: before.bytes + bytes.length })
    })
  })
}
