import { expect, test } from 'vitest'
import { kernelNames } from '../kernels/table.ts'
import { openBackend } from './open.ts'

test.each(['wasm-fused', 'wasm', 'reference'] as const)('%s has every kernel and a memory of its own', (name) => {
  const backend = openBackend(name)
  expect(backend.name).toBe(name)
  for (const kernel of kernelNames) expect(backend.kernels[kernel]).toBeTypeOf('function')
  expect(backend.heapBase % 64).toBe(0)
  expect(backend.heapBase).toBeLessThan(backend.memory.buffer.byteLength)
  expect(openBackend(name).memory).not.toBe(backend.memory)
})

test('auto takes the fused module where the engine has it', () => {
  expect(openBackend().name).toBe('wasm-fused')
})

test('kernels see memory that was added later', () => {
  const { kernels, memory } = openBackend('wasm')
  const at = memory.grow(1) * 65536
  new Float64Array(memory.buffer, at, 16).fill(3)
  kernels.negate(at, at, 16)
  expect(new Float64Array(memory.buffer, at, 16)[15]).toBe(-3)
})

test('refuses other names', () => {
  expect(() => openBackend('gpu' as 'auto')).toThrow(RangeError)
})
