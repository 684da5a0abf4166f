import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import { createHeap } from './heap.ts'
import { openBackend } from './open.ts'
import { openReferenceBackend } from './reference.ts'

describe('the heap', () => {
  test('hands out aligned slabs that do not overlap each other or the module', () => {
    const backend = openReferenceBackend()
    const heap = createHeap(backend)
    const slabs = [1, 63, 64, 65, 8192, 100_000, 3].map((bytes) => heap.alloc(bytes))
    let end = backend.heapBase
    for (const { ptr, bytes } of [...slabs].sort((a, b) => a.ptr - b.ptr)) {
      expect(ptr % 64).toBe(0)
      expect(bytes % 64).toBe(0)
      expect(ptr).toBeGreaterThanOrEqual(end)
      end = ptr + bytes
    }
    expect(end).toBeLessThanOrEqual(backend.memory.buffer.byteLength)
  })

  test('counts what is in use and the most there ever was', () => {
    const heap = createHeap(openReferenceBackend())
    expect([heap.used, heap.peak]).toEqual([0, 0])
    const a = heap.alloc(1000)
    const b = heap.alloc(64)
    expect([heap.used, heap.peak]).toEqual([1024 + 64, 1024 + 64])
    a[Symbol.dispose]()
    expect([heap.used, heap.peak]).toEqual([64, 1024 + 64])
    a[Symbol.dispose]()
    expect(heap.used, 'giving back twice counts once').toBe(64)
    b[Symbol.dispose]()
    expect([heap.used, heap.peak]).toEqual([0, 1024 + 64])
  })

  test('gives a size again that came back, and never the same twice', () => {
    const heap = createHeap(openReferenceBackend())
    const first = heap.alloc(4096)
    const { ptr } = first
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    const again = heap.alloc(4000)
    expect(again.ptr, '4000 is rounded up to 4032, another size').not.toBe(ptr)
    const reused = heap.alloc(4096)
    expect(reused.ptr).toBe(ptr)
    expect(heap.alloc(4096).ptr).not.toBe(ptr)
  })

  test('10000 allocations of a few sizes take no more memory than the most alive at once', () => {
    const backend = openReferenceBackend()
    const heap = createHeap(backend)
    for (let i = 0; i < 10_000; i++) {
      using _a = heap.alloc(65536)
      using _b = heap.alloc(8 * 65536)
      using _c = heap.alloc(65536 * (1 + (i % 3)))
    }
    expect(heap.used).toBe(0)
    expect(heap.peak).toBeLessThanOrEqual(12 * 65536)
    expect(backend.memory.buffer.byteLength).toBeLessThan(4 * 2 ** 20)
  })

  test('views see what was written, after the memory has grown too', () => {
    const backend = openReferenceBackend()
    const heap = createHeap(backend)
    const slab = heap.alloc(800)
    heap.f64(slab.ptr, 100).fill(1.5)
    const before = backend.memory.buffer
    heap.alloc(64 * 2 ** 20)
    expect(backend.memory.buffer).not.toBe(before)
    expect(heap.f64(slab.ptr, 100).every((x) => x === 1.5)).toBe(true)
    expect(heap.u8(slab.ptr, 8)).toEqual(new Uint8Array(Float64Array.of(1.5).buffer))
    expect(heap.u32(slab.ptr, 2)).toEqual(new Uint32Array(Float64Array.of(1.5).buffer))
  })

  test('a memory that cannot grow is an error with a code, and leaves the heap usable', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 })
    const heap = createHeap({ ...openReferenceBackend(), memory })
    const slab = heap.alloc(65536)
    expect(() => heap.alloc(2 ** 20)).toThrow(GloveboxError)
    expect(() => heap.alloc(2 ** 20)).toThrow(expect.objectContaining({ code: 'out-of-memory' }))
    expect(heap.used).toBe(slab.bytes)
    heap.alloc(65536)
  })

  test('a backend is opened by name, and another name is an error', () => {
    for (const name of ['wasm-fused', 'wasm', 'reference'] as const) expect(openBackend(name).name).toBe(name)
    expect(openBackend().name).toBe('wasm-fused')
    expect(() => openBackend('cuda' as 'wasm')).toThrow('"name" expected auto, wasm-fused, wasm or reference, got cuda')
  })
})
