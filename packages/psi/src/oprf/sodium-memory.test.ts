import wrappers from 'libsodium-wrappers-sumo'
import { expect, test } from 'vitest'
import { createOprfKey } from './key.ts'
import { randomScalar } from './scalar.ts'
import { evaluateBlinded, evaluateInput } from './sender.ts'
import { openSodiumGroup } from './sodium-group.ts'

test('no operand stays in the memory of libsodium', async () => {
  const group = await openSodiumGroup()
  const { libsodium } = wrappers as unknown as { libsodium: { HEAPU8: Uint8Array; _malloc(bytes: number): number } }
  const holds = (bytes: Uint8Array): boolean => Buffer.from(libsodium.HEAPU8.buffer).includes(bytes)
  const key = createOprfKey({ mode: 'voprf' })
  const input = new TextEncoder().encode('an input that nobody shall find')
  evaluateBlinded(key, group.multiplyBase(randomScalar(group)), { group })
  group.multiplyScalars(key.secret, group.invertScalar(key.secret))
  group.subtractScalars(key.secret, randomScalar(group))
  evaluateInput(key, input, group)
  expect(holds(key.secret)).toBe(false)
  expect(holds(input)).toBe(false)
  // The search itself finds what is there.
  libsodium.HEAPU8.set(input, libsodium._malloc(input.length))
  expect(holds(input)).toBe(true)
})
