import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { openCkks } from './ckks.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const MiB = 2 ** 20

test.each([1, 2])('1,000 contexts opened and closed leave nothing behind: %i threads', async (threads) => {
  const open = async (): Promise<void> => {
    using ckks = openCkks(
      { scheme: 'ckks', ringDegree: 2048, modulusBits: [30, 20], specialBits: [30], security: 'INSECURE' },
      { threads },
    )
    if (threads > 1) expect(await ckks.threadsStarted()).toBe(threads)
    using secret = createSecretKey(ckks)
    using plain = ckks.encode([1], { scale: 2 ** 15 })
    using a = encryptSymmetric(ckks, secret, plain)
    using _b = ckks.multiply(a, a)
  }
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await open()
      if (i % 50 === 49) {
        await pause(20)
        collect()
      }
    }
  }
  await round(50)
  const before = process.memoryUsage().rss
  const tasks = process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0
  await round(1000)
  await pause(500)
  collect()
  // One context takes 1.5 MB, a thread 5 MB and more.
  expect((process.memoryUsage().rss - before) / MiB).toBeLessThan(100)
  if (tasks > 0) expect(readdirSync('/proc/self/task').length).toBeLessThanOrEqual(tasks + 2)
})

test('N = 32768 with 15 primes and 20 Galois keys fits in 2 GB', () => {
  const before = process.memoryUsage().rss
  using ckks = openCkks({
    scheme: 'ckks',
    ringDegree: 32768,
    modulusBits: [50, ...new Array<number>(14).fill(40)],
    specialBits: [50, 50, 50, 50, 50],
    digitSize: 5,
  })
  using secret = createSecretKey(ckks)
  const galois = createGaloisKeys(
    ckks,
    secret,
    Array.from({ length: 20 }, (_, i) => ({ steps: i + 1 })),
  )
  using relinearisation = createRelinearisationKey(ckks, secret)
  const keys = { relinearisation, galois }
  const { slots } = ckks.params
  using plain = ckks.encode([1, 2, 3], { scale: 2 ** 40 })
  using a = encryptSymmetric(ckks, secret, plain)
  using product = ckks.multiply(a, a)
  using square = ckks.relinearise(product, keys)
  using low = ckks.rescale(square)
  for (let steps = 1; steps <= 20; steps++) {
    using turned = ckks.rotate(low, steps, keys)
    using message = decrypt(ckks, secret, turned)
    const expected = [1, 4, 9]
    ckks.decode(message).forEach((x, j) => {
      expect(Math.abs(x - (expected[(j + steps) % slots] ?? 0))).toBeLessThan(1e-6)
    })
  }
  const { peak, reserved } = ckks.memory
  const rss = process.memoryUsage().rss - before
  console.log(
    `heap peak ${(peak / MiB).toFixed(0)} MiB, reserved ${(reserved / MiB).toFixed(0)}, resident ${(rss / MiB).toFixed(0)}`,
  )
  expect(reserved).toBeGreaterThanOrEqual(peak)
  for (const bytes of [peak, reserved, rss]) expect(bytes).toBeLessThan(2e9)
  for (const key of galois.values()) key[Symbol.dispose]()
})
