import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../compute/compute.ts'
import { createWarm, type Lease } from './warm.ts'

async function* pieces(bytes: Uint8Array, size = 3): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const content = (id: string, length: number): Uint8Array => new Uint8Array(length).fill(id.charCodeAt(0))
const from = (id: string, length: number) => async (): Promise<Bytes> => ({
  bytes: length,
  body: pieces(content(id, length)),
})
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('bytes come in pieces into shared memory, once however many ask', async () => {
  const warm = createWarm(100, 'the set')
  let loads = 0
  const load = (): Promise<Bytes> => {
    loads++
    return from('a', 10)()
  }
  const leases = await Promise.all([1, 2, 3].map(() => warm.acquire('a', load)))
  leases.push(await warm.acquire('a', load))
  expect(loads).toBe(1)
  expect(leases.map(({ bytes }) => bytes)).toEqual(Array(4).fill(content('a', 10)))
  expect(leases[0]!.bytes.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(warm.stats()).toMatchObject({ count: 1, bytes: 10, budget: 100 })
})

test('the least recently used goes first, and never what somebody holds', async () => {
  const warm = createWarm(30, 'the set')
  const get = (id: string): Promise<Lease> => warm.acquire(id, from(id, 10))
  const a = await get('a')
  for (const id of ['b', 'c']) (await get(id)).release()
  warm.peek('b')!.release()
  ;(await get('d')).release()
  const here = (): string[] =>
    ['a', 'b', 'c', 'd', 'e'].filter((id) => {
      const lease = warm.peek(id)
      lease?.release()
      return lease
    })
  expect(here()).toEqual(['a', 'b', 'd'])
  a.release()
  a.release()
  ;(await get('e')).release()
  expect(here()).not.toContain('a')
  expect(warm.stats()).toMatchObject({ bytes: 30, evictions: 2 })
})

test('a budget that others hold is waited for', async () => {
  const warm = createWarm(15, 'the set')
  const a = await warm.acquire('a', from('a', 10))
  let b: Lease | undefined
  const coming = warm.acquire('b', from('b', 10)).then((lease) => {
    b = lease
  })
  await tick()
  expect(b).toBeUndefined()
  a.release()
  await coming
  expect(b!.bytes).toEqual(content('b', 10))
  expect(warm.stats()).toMatchObject({ count: 1, bytes: 10 })
})

describe('what fails', () => {
  test('is told to all who wait, and tried again by the next', async () => {
    const warm = createWarm(30, 'the set')
    const bad = async (): Promise<Bytes> => ({
      bytes: 10,
      body: (async function* () {
        yield new Uint8Array(3)
        throw new Error('the disk')
      })(),
    })
    const both = await Promise.allSettled([warm.acquire('a', bad), warm.acquire('a', bad)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(warm.stats()).toMatchObject({ count: 0, bytes: 0 })
    expect((await warm.acquire('a', from('a', 10))).bytes).toEqual(content('a', 10))
  })

  test('is bytes of another length than was said', async () => {
    const warm = createWarm(30, 'the set')
    for (const length of [9, 11]) {
      const wrong = async (): Promise<Bytes> => ({ bytes: 10, body: pieces(new Uint8Array(length)) })
      await expect(warm.acquire('a', wrong)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('expected 10 bytes'),
      })
    }
    expect(warm.stats().bytes).toBe(0)
  })

  test('is one alone above the budget', async () => {
    const warm = createWarm(5, 'the set of evaluation keys')
    await expect(warm.acquire('a', from('a', 6))).rejects.toMatchObject({
      code: 'too-large',
      message: 'the set of evaluation keys has 6 bytes, this server keeps 5 in all',
    })
  })
})

test('what is forgotten stays with those who hold it and is loaded anew for others', async () => {
  const warm = createWarm(100, 'the set')
  const held = await warm.acquire('a', from('a', 10))
  warm.forget('a')
  expect(warm.peek('a')).toBeUndefined()
  expect(held.bytes).toEqual(content('a', 10))
  expect(warm.stats().bytes).toBe(10)
  held.release()
  expect(warm.stats().bytes).toBe(0)
  const coming = warm.acquire('b', from('b', 10))
  warm.forget('b')
  ;(await coming).release()
  expect(warm.peek('b')).toBeUndefined()
  expect(warm.stats()).toMatchObject({ count: 0, bytes: 0 })
})

test('whatever is done in whatever order, the budget holds and the count is right', async () => {
  const action = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    what: fc.constantFrom('acquire', 'release', 'forget', 'wait'),
    fails: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const sizes: Record<string, number> = { a: 3, b: 5, c: 8, d: 13, e: 21 }
      const warm = createWarm(21, 'the set')
      const held: Lease[] = []
      const coming: Promise<unknown>[] = []
      for (const { id, what, fails } of actions) {
        if (what === 'acquire') {
          const load = fails ? () => Promise.reject(new Error('no')) : from(id, sizes[id]!)
          coming.push(
            warm.acquire(id, load).then(
              (lease) => {
                expect(lease.bytes).toEqual(content(id, sizes[id]!))
                held.push(lease)
              },
              () => undefined,
            ),
          )
        } else if (what === 'release') held.shift()?.release()
        else if (what === 'forget') warm.forget(id)
        else await tick()
        const { bytes } = warm.stats()
        expect(bytes).toBeGreaterThanOrEqual(0)
        expect(bytes).toBeLessThanOrEqual(21)
      }
      // Whoever waits gets it once others let go.
      let over = false
      const all = Promise.all(coming).then(() => {
        over = true
      })
      while (!over) {
        for (const lease of held.splice(0)) lease.release()
        await tick()
      }
      await all
      for (const lease of held.splice(0)) lease.release()
      for (const id of Object.keys(sizes)) warm.forget(id)
      expect(warm.stats()).toMatchObject({ count: 0, bytes: 0 })
    }),
    { numRuns: 100 },
  )
})
