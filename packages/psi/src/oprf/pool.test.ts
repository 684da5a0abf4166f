import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hardenNode } from '../items/harden-node.ts'
import { createHardening } from '../items/hardening.ts'
import type { Group } from './group.ts'
import { createOprfKey } from './key.ts'
import { createEvaluationPool, type EvaluatedItems, type EvaluationPool } from './pool.ts'
import { blindItems, finalizeItems } from './receiver.ts'
import { evaluateBlinded, evaluateInput } from './sender.ts'
import { openSodiumGroup } from './sodium-group.ts'

const hardening = createHardening({ N: 2, r: 1 })
const key = createOprfKey()
const verifiable = createOprfKey({ mode: 'voprf' })
const items = Array.from({ length: 300 }, (_, i) => new Uint8Array(i % 9).fill(i).map((byte, j) => byte + (i >> 8) + j))
let group: Group
let pool: EvaluationPool
let proving: EvaluationPool

beforeAll(async () => {
  group = await openSodiumGroup()
  pool = createEvaluationPool({ key, hardening, threads: 2, maxWaiting: 500 })
  proving = createEvaluationPool({ key: verifiable, threads: 1 })
})
afterAll(() => Promise.all([pool.dispose(), proving.dispose()]))

const outputs = (some: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(some.flatMap((item) => [...evaluateInput(key, hardenNode(hardening, item), group)]))

describe('a pool', () => {
  test('evaluates as one thread does, in order, several calls at once', async () => {
    const [all, few, none] = await Promise.all([
      pool.evaluate(items),
      pool.evaluate(items.slice(5, 8)),
      pool.evaluate([]),
    ])
    expect(all).toEqual(outputs(items))
    expect(few).toEqual(outputs(items.slice(5, 8)))
    expect(none).toHaveLength(0)
    expect(pool.threads).toBe(2)
  })

  test('without hardening, and with a proof', async () => {
    expect(await proving.evaluate(items.slice(0, 3))).toEqual(
      new Uint8Array(items.slice(0, 3).flatMap((item) => [...evaluateInput(verifiable, item, group)])),
    )
    const inputs = items.slice(0, 5)
    const blinded = blindItems('voprf', inputs, { group })
    const { elements, proof } = await proving.evaluateBlinded(blinded.elements)
    const { publicKey } = verifiable
    const found = finalizeItems('voprf', inputs, blinded, elements, { group, publicKey, proof: proof! })
    expect(found.subarray(64, 128)).toEqual(evaluateInput(verifiable, inputs[1]!, group))
  })

  test('answers batches, and names the element that is none', async () => {
    const { elements } = blindItems('oprf', items.slice(0, 140), { group })
    expect(await pool.evaluateBlinded(elements)).toEqual(evaluateBlinded(key, elements, { group }))
    await expect(pool.evaluateBlinded(elements.fill(0, 32 * 130, 32 * 131))).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('element 130 '),
    })
    await expect(pool.evaluateBlinded(elements.subarray(1))).rejects.toMatchObject({ code: 'malformed' })
  })

  test('streams batches in order and asks for few ahead', async () => {
    let [asked, given, most] = [0, 0, 0]
    const batches = function* (): Generator<Uint8Array[]> {
      for (let i = 0; i < 60; i += 5) {
        asked++
        most = Math.max(most, asked - given)
        yield items.slice(i, i + 5)
      }
    }
    const found: EvaluatedItems[] = []
    for await (const batch of pool.evaluateStream(batches())) {
      given++
      found.push(batch)
    }
    expect(found.flatMap((batch) => batch.items)).toEqual(items.slice(0, 60))
    expect(new Uint8Array(found.flatMap((batch) => [...batch.outputs]))).toEqual(outputs(items.slice(0, 60)))
    expect(most).toBeLessThanOrEqual(3)
  })

  test('a stream that fails says so', async () => {
    const broken = (async function* (): AsyncGenerator<Uint8Array[]> {
      yield items.slice(0, 2)
      throw new Error('the disk')
    })()
    await expect(Array.fromAsync(pool.evaluateStream(broken))).rejects.toThrow('the disk')
    await expect(Array.fromAsync(pool.evaluateStream([['x' as never]]))).rejects.toThrow(TypeError)
  })

  test('has a limit on what waits, and goes on when that is done', async () => {
    const first = pool.evaluate(items)
    await expect(pool.evaluate(items)).rejects.toMatchObject({ code: 'unavailable' })
    await first
    expect(await pool.evaluate(items.slice(0, 1))).toEqual(outputs(items.slice(0, 1)))
  })

  test('refuses items that are none before anything is sent', async () => {
    await expect(proving.evaluate([Uint8Array.of(1), new Uint8Array(65536)])).rejects.toThrow('"items[1]" expected at')
    await expect(pool.evaluate([Uint8Array.of(1), 'x' as never])).rejects.toThrow(TypeError)
    expect(() => createEvaluationPool({ key, threads: 0 })).toThrow(RangeError)
    expect(() => createEvaluationPool({ key, hardening: { ...hardening, N: 3 } })).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })
})

test('disposing ends what runs and what comes', async () => {
  const short = createEvaluationPool({ key, hardening: createHardening({ N: 16384 }), threads: 1 })
  const running = expect(short.evaluate(items)).rejects.toMatchObject({ code: 'disposed' })
  await short.dispose()
  await running
  await expect(short.evaluate(items)).rejects.toMatchObject({ code: 'disposed' })
  await expect(short.evaluateBlinded(new Uint8Array(32))).rejects.toMatchObject({ code: 'disposed' })
  await short[Symbol.asyncDispose]()
})

test('a thread that dies fails what waits, and the pool', async () => {
  // A secret that is none ends a thread at its start.
  const broken = createEvaluationPool({
    key: { mode: 'oprf', epoch: 1, secret: new Uint8Array(32), publicKey: key.publicKey } as never,
    threads: 1,
  })
  const failed = { code: 'unavailable', message: expect.stringContaining('ended with code') }
  await expect(broken.evaluate(items)).rejects.toMatchObject(failed)
  await expect(broken.evaluate(items)).rejects.toMatchObject(failed)
  await broken.dispose()
})
