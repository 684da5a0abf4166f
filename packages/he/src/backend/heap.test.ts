import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import { Draw } from '../test-support/random.ts'
import { type AllocOptions, createHeap, type Slab } from './heap.ts'
import { openBackend } from './open.ts'
import { openReferenceBackend } from './reference.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

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

  test('gives what came back again, the best fit, and never the same twice', () => {
    const heap = createHeap(openReferenceBackend())
    const [large, , small] = [8192, 64, 4096, 64].map((bytes) => heap.alloc(bytes)) as [Slab, Slab, Slab, Slab]
    const ptrs = { large: large.ptr, small: small.ptr }
    for (const slab of [large, small, small, large]) slab[Symbol.dispose]()
    expect(heap.alloc(4000).ptr, 'the smaller of two that are large enough').toBe(ptrs.small)
    expect(heap.alloc(64).ptr, 'what was left of it').toBe(ptrs.small + 4032)
    expect(heap.alloc(4096).ptr, 'the first half').toBe(ptrs.large)
    expect(heap.alloc(4096).ptr, 'and the second').toBe(ptrs.large + 4096)
    expect(heap.alloc(64).ptr, 'nothing is left').toBeGreaterThan(ptrs.small + 4096)
  })

  test.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('neighbours that came back in the order %i, %i, %i are one piece', (...order) => {
    for (const end of [true, false]) {
      const heap = createHeap(openReferenceBackend())
      const slabs = [1024, 2048, 512].map((bytes) => heap.alloc(bytes))
      const ptr = slabs[0]!.ptr
      if (!end) heap.alloc(64)
      for (const i of order) slabs[i]![Symbol.dispose]()
      expect(heap.alloc(3584).ptr).toBe(ptr)
    }
  })

  test('10000 allocations of a few sizes take no more memory than the most alive at once', () => {
    // 24 pages, and the one that the heap begins in.
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 25 })
    const heap = createHeap({ ...openReferenceBackend(), memory })
    for (let i = 0; i < 10_000; i++) {
      using _a = heap.alloc(65536)
      using _b = heap.alloc(20 * 65536)
      using _c = heap.alloc(65536 * (1 + (i % 3)))
    }
    expect(heap.used).toBe(0)
    expect(heap.peak).toBe(24 * 65536)
  })

  test('sizes that never come again take no more memory than the most alive at once', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 17 })
    const heap = createHeap({ ...openReferenceBackend(), memory })
    for (let i = 0; i < 1000; i++) {
      using _slab = heap.alloc(900_000 + 64 * i)
    }
    // Two generations of keys, the second of another size: no sum of their peaks.
    for (const bytes of [100_000, 250_000, 1000]) {
      const slabs = Array.from({ length: Math.floor(1_000_000 / (bytes + 64)) }, () => heap.alloc(bytes))
      for (const slab of slabs.filter((_, i) => i % 3 === 1)) slab[Symbol.dispose]()
      for (const slab of slabs) slab[Symbol.dispose]()
    }
    expect(heap.used).toBe(0)
  })

  test('a long random run never overlaps, loses nothing and wastes little', () => {
    const backend = openReferenceBackend()
    const heap = createHeap(backend)
    const draw = new Draw('heap')
    const alive: { slab: Slab; mark: number }[] = []
    for (let step = 0; step < 20_000; step++) {
      if (alive.length > 0 && draw.integer(0, 59) < alive.length) {
        const [gone] = alive.splice(draw.integer(0, alive.length - 1), 1) as [(typeof alive)[number]]
        expect(heap.u8(gone.slab.ptr, gone.slab.bytes).every((b) => b === gone.mark)).toBe(true)
        gone.slab[Symbol.dispose]()
      } else {
        const slab = heap.alloc(draw.integer(0, 3) === 0 ? draw.integer(1, 5000) : 64 * 2 ** draw.integer(0, 4))
        const mark = step % 256
        heap.u8(slab.ptr, slab.bytes).fill(mark)
        alive.push({ slab, mark })
      }
      expect(heap.used).toBe(alive.reduce((sum, { slab }) => sum + slab.bytes, 0))
    }
    for (const { slab } of alive) slab[Symbol.dispose]()
    expect(heap.used).toBe(0)
    expect(backend.memory.buffer.byteLength, 'what it began with').toBe(16 * 65536)
    expect(heap.alloc(heap.peak).ptr, 'all of it is one piece again').toBe(backend.heapBase)
  })

  test('wipes what it was asked to wipe, after an exception too, and nothing else', () => {
    const heap = createHeap(openReferenceBackend())
    const fill = (options?: AllocOptions): number => {
      using slab = heap.alloc(1000, options)
      heap.u8(slab.ptr, slab.bytes).fill(7)
      return slab.ptr
    }
    const ptr = fill()
    expect(heap.u8(ptr, 1024).every((b) => b === 7)).toBe(true)
    expect(fill({ wipe: true })).toBe(ptr)
    expect(heap.u8(ptr, 1024).every((b) => b === 0)).toBe(true)
    expect(fill(), 'the next one there is not').toBe(ptr)
    expect(heap.u8(ptr, 1024).every((b) => b === 7)).toBe(true)
    expect(() => {
      using slab = heap.alloc(1000, { wipe: true })
      heap.u8(slab.ptr, slab.bytes).fill(7)
      throw new Error('half-way')
    }).toThrow('half-way')
    expect(heap.u8(ptr, 1024).every((b) => b === 0)).toBe(true)
    const first = heap.alloc(1000, { wipe: true })
    first[Symbol.dispose]()
    expect(fill()).toBe(ptr)
    first[Symbol.dispose]()
    expect(
      heap.u8(ptr, 1024).every((b) => b === 7),
      'giving back twice wipes once',
    ).toBe(true)
  })

  test('wipes what nobody gave back when it is collected', async () => {
    const heap = createHeap(openReferenceBackend())
    const drop = (): number => {
      const slab = heap.alloc(1000, { wipe: true })
      heap.u8(slab.ptr, slab.bytes).fill(7)
      return slab.ptr
    }
    const ptr = drop()
    expect(heap.u8(ptr, 1024).every((b) => b === 7)).toBe(true)
    for (let i = 0; i < 100 && heap.used > 0; i++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(heap.used).toBe(0)
    expect(heap.u8(ptr, 1024).every((b) => b === 0)).toBe(true)
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
