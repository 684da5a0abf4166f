import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { createKeys, decryptReply, encryptQuery, openModel } from '../../../client/src/index.ts'
import { compileTiny, tinySamples } from '../../../client/test/tiny.ts'
import type { Bytes, Job } from './compute.ts'
import { openPool, type Pool, type PoolOptions } from './pool.ts'

// The pool with its real threads: answers are right, whatever has to be dropped and made anew in between.

const parts = [compileTiny(1), compileTiny(2)].map((tiny, i) => {
  const model = openModel(tiny.client)
  const keys = createKeys(model)
  return { tiny, model, keys, ref: { name: `tiny-${i}`, digest: String(i), serverPart: `part-${i}` } }
})
const bytesOf = (bytes: Uint8Array): Bytes => ({
  bytes: bytes.length,
  body: (async function* () {
    for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536)
  })(),
})
let pool: Pool
afterEach(() => pool.close())
async function start(options: PoolOptions = {}): Promise<Pool> {
  pool = openPool(
    {
      serverPart: async (sha256) =>
        bytesOf(sha256 === 'damaged' ? new Uint8Array(100) : parts[Number(sha256.slice(5))]!.tiny.server),
      keys: async (_, digest) => bytesOf(parts[Number(digest)]!.keys.evaluation),
    },
    options,
    pino({ level: 'silent' }),
  )
  await pool.started
  return pool
}
const jobOf = (which: number, more: Partial<Job> = {}): Job => {
  const { model, keys, ref } = parts[which]!
  const query = encryptQuery(model, keys.secret, tinySamples(2))
  return { model: ref, tenant: 'a', keysDigest: String(which), query, ...more }
}
async function ask(which: number): Promise<void> {
  const { model, keys, tiny } = parts[which]!
  const { reply } = await pool.run(jobOf(which))
  const outputs = decryptReply(model, keys.secret, reply, { count: 2 })
  for (const [i, sample] of tinySamples(2).entries())
    for (const [k, expected] of tiny.expected(sample).entries()) expect(outputs[i]![k]).toBeCloseTo(expected, 2)
}

test('models and keys take turns where there is room for one of each', async () => {
  await start({ threadModelMemory: 1, threadKeyMemory: 1 })
  for (const which of [0, 0, 1, 0, 1]) await ask(which)
  expect(pool.stats()).toMatchObject({ served: 5, byThread: [{ models: 1, keys: 1 }], died: 0 })
})

test('both stay where there is room, and their memory is known', async () => {
  await start()
  await pool.prepare(parts[0]!.ref)
  for (const which of [0, 1, 0, 1]) await ask(which)
  const { byThread, keys, models } = pool.stats()
  expect(byThread).toMatchObject([{ models: 2, keys: 2 }])
  expect(byThread[0]!.memory).toBeGreaterThan(1e6)
  expect([keys.loads, models.loads]).toEqual([2, 2])
})

test('a thread that is replaced for its memory after every job answers as well', async () => {
  await start({ threadMemory: 1 })
  for (const which of [0, 1, 0]) await ask(which)
  expect(pool.stats()).toMatchObject({ served: 3, died: 0, failed: 0 })
  expect(pool.stats().recycled).toBeGreaterThanOrEqual(2)
})

test('a damaged model, and keys of another one, are errors of their own queries', async () => {
  await start()
  const damaged = { ...parts[0]!.ref, serverPart: 'damaged' }
  await expect(pool.run(jobOf(0, { model: damaged }))).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('the model "tiny-0" cannot be opened here'),
  })
  await expect(pool.prepare(damaged)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(pool.run(jobOf(0, { keysDigest: '1' }))).rejects.toMatchObject({ code: 'parameters-mismatch' })
  await ask(0)
})
