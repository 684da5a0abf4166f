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

export interface AllocOptions {
  /** Fill it with zeros when it comes back, in whichever way it does: for secrets and what would tell them. */
  readonly wipe?: boolean
  /** Kept when an interruptible operation in which it was taken fails: for what a value that was there before computes once and keeps. */
  readonly lasting?: boolean
}

/** Hands out slabs of a backend's linear memory: the best fit among the free pieces, which merge with their neighbours. */
export interface Heap {
  alloc(bytes: number, options?: AllocOptions): Slab
  /** Views are valid until the next `alloc`: growing the memory detaches them. */
  f64(ptr: Ptr, count: number): Float64Array
  u32(ptr: Ptr, count: number): Uint32Array
  u8(ptr: Ptr, count: number): Uint8Array<ArrayBuffer>
  /** Bytes in slabs that are alive. */
  readonly used: number
  /** Largest `used` so far. */
  readonly peak: number
  /** Bytes that the memory has, tables and gaps included; it never shrinks. */
  readonly reserved: number
  /** Wipes what is to be wiped, forgets the memory, and refuses all but giving back from then on. */
  close(): void
}

/** A stretch of the memory below `top`, between its neighbours in address order. No two free ones are neighbours. */
interface Block {
  readonly ptr: Ptr
  bytes: number
  free: boolean
  wipe: boolean
  before: Block | undefined
  after: Block | undefined
  /** The other free blocks of this size. */
  previous: Block | undefined
  next: Block | undefined
}

/** The free blocks by size: the exact size in constant time, the next larger one by binary search among the sizes there are. */
function createFreeBlocks() {
  const first = new Map<number, Block>()
  const sizes: number[] = []

  /** Index of the smallest size of at least `bytes`. */
  function atLeast(bytes: number): number {
    let low = 0
    for (let high = sizes.length; low < high; ) {
      const middle = (low + high) >> 1
      if (sizes[middle]! < bytes) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add(block: Block): void {
      block.free = true
      block.previous = undefined
      block.next = first.get(block.bytes)
      if (block.next) block.next.previous = block
      else sizes.splice(atLeast(block.bytes), 0, block.bytes)
      first.set(block.bytes, block)
    },
    remove(block: Block): void {
      block.free = false
      const { previous, next } = block
      if (next) next.previous = previous
      if (previous) previous.next = next
      else if (next) first.set(block.bytes, next)
      else {
        first.delete(block.bytes)
        sizes.splice(atLeast(block.bytes), 1)
      }
    },
    bestFit: (bytes: number): Block | undefined => first.get(bytes) ?? first.get(sizes[atLeast(bytes)] ?? -1),
  }
}

export function closedContext(): GloveboxError {
  return new GloveboxError('disposed', 'this context was disposed of and cannot be used any more')
}

export function createHeap(owner: Backend): Heap {
  /** undefined once the heap is closed: values that are still held must not hold the memory. */
  let open: Backend | undefined = owner
  const free = createFreeBlocks()
  /** The block that ends at `top`; always in use. */
  let last: Block | undefined
  let top = owner.heapBase
  let used = 0
  let peak = 0

  /** A block behind `before`, linked in; `after` follows. */
  function insert(ptr: Ptr, bytes: number, before: Block | undefined, after: Block | undefined): Block {
    const block = { ptr, bytes, free: false, wipe: false, before, after, previous: undefined, next: undefined }
    if (before) before.after = block
    if (after) after.before = block
    else last = block
    return block
  }

  /** Takes a block out of the order of addresses. */
  function unlink({ before, after }: Block): void {
    if (before) before.after = after
    if (after) after.before = before
    else last = before
  }

  function opened(): Backend {
    if (open === undefined) throw closedContext()
    return open
  }

  /** Memory that may be looked at: nothing that was recorded is left to change it. */
  function buffer(): ArrayBuffer {
    const { memory, threads } = opened()
    threads?.settle()
    return memory.buffer as ArrayBuffer
  }

  function grow(end: Ptr): void {
    const { memory } = opened()
    const missing = end - memory.buffer.byteLength
    if (missing <= 0) return
    // Grow by an eighth more than needed, so that many small allocations cost few growths.
    const wanted = Math.ceil(Math.max(missing, memory.buffer.byteLength / 8) / pageBytes)
    try {
      memory.grow(wanted)
    } catch {
      try {
        memory.grow(Math.ceil(missing / pageBytes))
      } catch (cause) {
        throw new GloveboxError(
          'out-of-memory',
          `the kernels' memory cannot grow by ${missing} bytes beyond ${memory.buffer.byteLength}: dispose of values you no longer need`,
          { cause },
        )
      }
    }
  }

  function reserve(bytes: number): Block {
    const block = free.bestFit(bytes)
    if (!block) {
      grow(top + bytes)
      top += bytes
      return insert(top - bytes, bytes, last, undefined)
    }
    free.remove(block)
    if (block.bytes > bytes) {
      free.add(insert(block.ptr + bytes, block.bytes - bytes, block, block.after))
      block.bytes = bytes
    }
    return block
  }

  function erase({ ptr, bytes }: Block, { memory }: Backend): void {
    new Uint8Array(memory.buffer, ptr, bytes).fill(0)
  }

  /** At once, or when nothing that was recorded is left to touch it. */
  function release(block: Block): void {
    if (open === undefined) return
    if (open.threads) open.threads.later(block.bytes, () => giveBack(block))
    else giveBack(block)
  }

  function giveBack(block: Block): void {
    if (open === undefined) return
    used -= block.bytes
    if (block.wipe) erase(block, open)
    const { before, after } = block
    if (after?.free) {
      free.remove(after)
      unlink(after)
      block.bytes += after.bytes
    }
    let merged = block
    if (before?.free) {
      free.remove(before)
      unlink(block)
      before.bytes += block.bytes
      merged = before
    }
    if (merged.after) free.add(merged)
    else {
      unlink(merged)
      top = merged.ptr
    }
  }
  const finalizers = new FinalizationRegistry(release)

  return {
    alloc(size, { wipe = false } = {}) {
      opened()
      const bytes = Math.max(1, Math.ceil(size / alignment)) * alignment
      const block = reserve(bytes)
      block.wipe = wipe
      used += bytes
      peak = Math.max(peak, used)
      let alive = true
      const slab: Slab = {
        ptr: block.ptr,
        bytes,
        [Symbol.dispose]() {
          if (!alive) return
          alive = false
          finalizers.unregister(slab)
          release(block)
        },
      }
      finalizers.register(slab, block, slab)
      return slab
    },
    f64: (ptr, count) => new Float64Array(buffer(), ptr, count),
    u32: (ptr, count) => new Uint32Array(buffer(), ptr, count),
    u8: (ptr, count) => new Uint8Array(buffer(), ptr, count),
    get used() {
      return used
    },
    get peak() {
      return peak
    },
    get reserved() {
      return open?.memory.buffer.byteLength ?? 0
    },
    close() {
      if (open === undefined) return
      for (let block = last; block; block = block.before) if (block.wipe && !block.free) erase(block, open)
      open = undefined
      used = 0
    },
  }
}
