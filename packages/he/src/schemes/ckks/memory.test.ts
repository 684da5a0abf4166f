import { spawnSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
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

describe('a context that was disposed of', () => {
  test.each([1, 2])('refuses whatever is asked of it and its values: %i threads', async (threads) => {
    const ckks = openCkks(literal, { threads })
    await ckks.threadsStarted()
    const { ring } = ckks
    const secret = createSecretKey(ckks)
    const relinearisation = createRelinearisationKey(ckks, secret)
    const plain = ckks.encode([1], { scale: 2 ** 15 })
    const a = encryptSymmetric(ckks, secret, plain)
    const keys = { relinearisation, galois: new Map() }
    ckks[Symbol.dispose]()
    const disposed = expect.objectContaining({ code: 'disposed' })
    for (const use of [
      () => ckks.add(a, a),
      () => ckks.encode([1], { scale: 2 ** 15 }),
      () => ckks.decode(plain),
      () => ckks.relinearise(a, keys),
      () => ckks.multiply(a, a),
      () => createSecretKey(ckks),
      () => encryptSymmetric(ckks, secret, plain),
      () => a.slab.ptr,
      () => ring.kernels,
      () => ring.backend.memory,
      () => ring.heap.f64(64, 1),
      () => ring.limbs(1),
    ])
      expect(use).toThrow(disposed)
    // Values may be disposed of in any order.
    for (const value of [a, plain, relinearisation, secret, ckks]) value[Symbol.dispose]()
    expect(ckks.threads).toBe(1)
    expect(ckks.memory).toMatchObject({ used: 0, reserved: 0 })
  })

  test('has wiped its secrets', () => {
    const ckks = openCkks(literal)
    const { memory } = ckks.ring.backend
    const secret = createSecretKey(ckks)
    const { ptr, bytes } = secret.slab
    const view = new Uint8Array(memory.buffer, ptr, bytes)
    expect(view.some((x) => x !== 0)).toBe(true)
    ckks[Symbol.dispose]()
    expect(view.every((x) => x === 0)).toBe(true)
  })

  test.each([1, 2])('is let go with its memory, though its values are still held: %i threads', async (threads) => {
    const memories: WeakRef<WebAssembly.Memory>[] = []
    const held: unknown[] = []
    const open = (): void => {
      const ckks = openCkks(literal, { threads })
      held.push(ckks.encode([1], { scale: 2 ** 15 }), createSecretKey(ckks), ckks)
      memories.push(new WeakRef(ckks.ring.backend.memory))
      ckks[Symbol.dispose]()
    }
    for (let i = 0; i < 8; i++) open()
    await settle()
    await settle()
    expect(memories.filter((memory) => memory.deref() !== undefined).length).toBeLessThan(3)
    expect(held).toHaveLength(24)
  })
})

test('memory says what is used, what was at most, and what is reserved', () => {
  using ckks = openCkks(literal)
  const before = ckks.memory
  const limb = ckks.ring.limbBytes
  const slab = ckks.ring.limbs(200)
  expect(ckks.memory.used - before.used).toBe(slab.bytes)
  expect(slab.bytes).toBeGreaterThanOrEqual(200 * limb)
  slab[Symbol.dispose]()
  expect(ckks.memory).toEqual({
    used: before.used,
    peak: before.used + slab.bytes,
    reserved: ckks.ring.backend.memory.buffer.byteLength,
  })
})

test.runIf(process.platform === 'linux')('threads of contexts that nobody holds any more end', () => {
  // In a process of its own: a test runner may hold on to what a test has done with.
  const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    import { readdirSync } from 'node:fs'
    import { createSecretKey } from ${here('../../rlwe/secret-key.ts')}
    import { openCkks } from ${here('./ckks.ts')}
    const threadsNow = () => readdirSync('/proc/self/task').length
    const open = async () => {
      const ckks = openCkks(${JSON.stringify(literal)}, { threads: 3 })
      createSecretKey(ckks)
      return ckks.threadsStarted()
    }
    const started = []
    for (let i = 0; i < 5; i++) started.push(await open())
    const opened = threadsNow()
    for (let i = 0; i < 200 && threadsNow() > opened - 8; i++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    console.log(JSON.stringify({ started, ended: opened - threadsNow() }))`
  const options = ['--expose-gc', '--conditions=@glovebox/source', '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' })
  expect(stderr).toBe('')
  const { started, ended } = JSON.parse(stdout) as { started: number[]; ended: number }
  expect(started).toEqual([3, 3, 3, 3, 3])
  // Two of each context; the engine may hold on to the last one.
  expect(ended).toBeGreaterThanOrEqual(8)
})
