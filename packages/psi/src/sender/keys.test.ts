import { expect, test } from 'vitest'
import { createKeyStore } from './keys.ts'

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value)

test('keys are found by the parameters and the digest that they were put under, in shared memory', () => {
  const store = createKeyStore({ maxBytes: 100, idleMs: 10 })
  store.put('p', 'a', bytes(10))
  expect(store.get('p', 'a')).toEqual(bytes(10))
  expect(store.get('p', 'a')!.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(store.get('q', 'a')).toBeUndefined()
  expect(store.has('p', 'b')).toBe(false)
  // Put again they count once.
  store.put('p', 'a', bytes(20))
  expect([store.count, store.bytes]).toEqual([1, 20])
})

test('the least recently used go where there is no room', () => {
  const store = createKeyStore({ maxBytes: 30, idleMs: 10 })
  for (const name of ['a', 'b', 'c']) store.put('p', name, bytes(10))
  store.get('p', 'a')
  store.put('p', 'd', bytes(15))
  expect(['a', 'b', 'c', 'd'].map((name) => store.has('p', name))).toEqual([true, false, false, true])
  expect(store.bytes).toBe(25)
})

test('those that were not used for some time are forgotten', () => {
  let now = 0
  const store = createKeyStore({ maxBytes: 100, idleMs: 10, now: () => now })
  store.put('p', 'a', bytes(10))
  now = 5
  store.put('p', 'b', bytes(10))
  now = 10
  expect(store.get('p', 'a')).toBeDefined()
  now = 16
  store.sweep()
  expect([store.has('p', 'a'), store.has('p', 'b'), store.count, store.bytes]).toEqual([true, false, 1, 10])
  now = 21
  expect(store.get('p', 'a')).toBeUndefined()
  expect(store.bytes).toBe(0)
})
