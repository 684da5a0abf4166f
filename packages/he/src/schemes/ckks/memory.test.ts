import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { openCkks } from './ckks.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Lets finalizers run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const literal = {
  scheme: 'ckks',
  ringDegree: 2048,
  modulusBits: [30, 20],
  specialBits: [30],
  security: 'INSECURE',
} as const

test('computing on and on takes no more memory than computing once', () => {
  const ckks = openCkks(literal)
  using secret = createSecretKey(ckks)
  using relinearisation = createRelinearisationKey(ckks, secret)
  const round = (): void => {
    using plain = ckks.encode([1, 2, 3], { scale: 2 ** 15 })
    using a = encryptSymmetric(ckks, secret, plain)
    using product = ckks.multiply(a, a)
    using linear = ckks.relinearise(product, { relinearisation, galois: new Map() })
    using low = ckks.rescale(linear)
    using _sum = ckks.add(low, low)
  }
  round()
  const { used, peak } = ckks.ring.heap
  const bytes = ckks.ring.backend.memory.buffer.byteLength
  for (let i = 0; i < 300; i++) round()
  expect(ckks.ring.heap.used).toBe(used)
  expect(ckks.ring.heap.peak).toBe(peak)
  expect(ckks.ring.backend.memory.buffer.byteLength).toBe(bytes)
})

test('values that nobody holds any more are given back by the garbage collector', async () => {
  const ckks = openCkks(literal)
  const secret = createSecretKey(ckks)
  const used = ckks.ring.heap.used
  const drop = (): void => {
    for (let i = 0; i < 50; i++) encryptSymmetric(ckks, secret, ckks.encode([i], { scale: 2 ** 15 }))
  }
  drop()
  expect(ckks.ring.heap.used).toBeGreaterThan(used + 50 * 6 * 8 * 2048)
  await settle()
  // The encoder keeps its table, and the engine may hold on to a value or two.
  expect(ckks.ring.heap.used).toBeLessThan(used + 10 * 6 * 8 * 2048)
})

test('200 contexts opened and dropped leave no memory behind', async () => {
  const memories: WeakRef<WebAssembly.Memory>[] = []
  const open = (): void => {
    const ckks = openCkks(literal)
    const secret = createSecretKey(ckks)
    encryptSymmetric(ckks, secret, ckks.encode([1], { scale: 2 ** 15 }))
    memories.push(new WeakRef(ckks.ring.backend.memory))
  }
  for (let i = 0; i < 20; i++) open()
  await settle()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 200; i++) {
    open()
    if (i % 50 === 49) await settle()
  }
  await settle()
  const alive = memories.filter((memory) => memory.deref() !== undefined).length
  expect(alive).toBeLessThan(10)
  // Each context has about 1.5 MB; all of them together would be 300 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
})
