import { GloveboxError } from '../base/errors.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Backend } from './backend.ts'

const alignment = 64
const pageBytes = 65536

/** A piece of a backend's memory with one owner. `using` gives it back; a finalizer is the net below. */
export interface Slab extends Disposable {
  readonly ptr: Ptr
  readonly bytes: number
}

/** Hands out slabs of a backend's linear memory: exact-size free lists over a bump allocator, as all sizes are few. */
export interface Heap {
  alloc(bytes: number): Slab
  /** Views are valid until the next `alloc`: growing the memory detaches them. */
  f64(ptr: Ptr, count: number): Float64Array
  u32(ptr: Ptr, count: number): Uint32Array
  u8(ptr: Ptr, count: number): Uint8Array<ArrayBuffer>
  /** Bytes in slabs that are alive. */
  readonly used: number
  /** Largest `used` so far. */
  readonly peak: number
}

export function createHeap(backend: Backend): Heap {
  const free = new Map<number, Ptr[]>()
  let top = backend.heapBase
  let used = 0
  let peak = 0

  function release(piece: { ptr: Ptr; bytes: number }): void {
    used -= piece.bytes
    const list = free.get(piece.bytes)
    if (list) list.push(piece.ptr)
    else free.set(piece.bytes, [piece.ptr])
  }
  const finalizers = new FinalizationRegistry(release)

  function reserve(bytes: number): Ptr {
    const reused = free.get(bytes)?.pop()
    if (reused !== undefined) return reused
    const ptr = top
    const missing = ptr + bytes - backend.memory.buffer.byteLength
    if (missing > 0) {
      // Grow by an eighth more than needed, so that many small allocations cost few growths.
      const wanted = Math.ceil(Math.max(missing, backend.memory.buffer.byteLength / 8) / pageBytes)
      try {
        backend.memory.grow(wanted)
      } catch {
        try {
          backend.memory.grow(Math.ceil(missing / pageBytes))
        } catch (cause) {
          throw new GloveboxError(
            'out-of-memory',
            `the kernels' memory cannot grow by ${missing} bytes beyond ${backend.memory.buffer.byteLength}: dispose of values you no longer need`,
            { cause },
          )
        }
      }
    }
    top = ptr + bytes
    return ptr
  }

  return {
    alloc(size) {
      const bytes = Math.ceil(size / alignment) * alignment
      const piece = { ptr: reserve(bytes), bytes }
      used += bytes
      peak = Math.max(peak, used)
      let alive = true
      const slab: Slab = {
        ptr: piece.ptr,
        bytes,
        [Symbol.dispose]() {
          if (!alive) return
          alive = false
          finalizers.unregister(slab)
          release(piece)
        },
      }
      finalizers.register(slab, piece, slab)
      return slab
    },
    f64: (ptr, count) => new Float64Array(backend.memory.buffer, ptr, count),
    u32: (ptr, count) => new Uint32Array(backend.memory.buffer, ptr, count),
    u8: (ptr, count) => new Uint8Array(backend.memory.buffer as ArrayBuffer, ptr, count),
    get used() {
      return used
    },
    get peak() {
      return peak
    },
  }
}
