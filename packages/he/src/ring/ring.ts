import type { Backend } from '../backend/backend.ts'
import { type AllocOptions, closedContext, createHeap, type Heap, type Slab } from '../backend/heap.ts'
import { taskKernels } from '../backend/task-kernels.ts'
import { GloveboxError } from '../base/errors.ts'
import { bitReverse, invMod, mod } from '../base/numbers.ts'
import { requireArray, requireFunction } from '../base/require.ts'
import { showAs, shown } from '../base/shown.ts'
import { nttTable } from '../kernels/ntt-tables.ts'
import type { Kernels, Ptr } from '../kernels/table.ts'
import type { Params } from '../params/params.ts'
import { createInterruptions, type Interrupt } from './interrupt.ts'
import { createWatches, type Watch } from './watch.ts'

/** One prime of the chain or of the special primes, with its table of roots in memory. */
export interface Modulus {
  readonly p: number
  readonly pinv: number
  /** Of both transforms. */
  readonly table: Ptr
}

/** A constant as the kernels take it: w canonical, wp = fl(w/p). */
export interface Factor {
  readonly w: number
  readonly wp: number
}

/**
 * R_q = Z_q[X]/(X^N + 1) in RNS for one set of parameters on one backend.
 *
 * An RNS polynomial at level ℓ is a run of ℓ+1 limbs, limb i modulo `moduli[i]`; an *extended* one has the k limbs of the
 * special primes behind them. Values are in NTT form unless a name says coefficients.
 */
export interface Ring extends Disposable {
  readonly params: Params
  readonly backend: Backend
  readonly kernels: Kernels
  readonly heap: Heap
  readonly n: number
  /** From one limb of a polynomial to the next; a little more than the 8 N bytes of a limb. */
  readonly limbBytes: number
  /** q_0 … q_L, then p_0 … p_{k-1}. */
  readonly moduli: readonly Modulus[]
  /** The inverse of the prime `moduli[i]` modulo `moduli[j]`, as a kernel factor. */
  primeInverse(i: number, j: number): Factor
  /** The inverse of P, the product of the special primes, modulo `moduli[j]`. */
  specialInverse(j: number): Factor
  /** Offset of a u32 table: the automorphism X → X^g in NTT form. */
  automorphism(galoisElement: number): Ptr
  /** A small table of f64 made once and kept for the life of the ring. */
  table(key: string, make: () => Float64Array): Ptr
  /**
   * Runs `task(0) … task(count - 1)`, on several threads where the context has them, and comes back when all are done. A task calls kernels of
   * the table that it is given and nothing else: it neither reads nor takes nor gives back memory, returns nothing, and touches no limb that another task
   * writes.
   */
  parallel(count: number, task: (index: number, kernels: Kernels) => void): void
  /**
   * The results of independent operations, which run side by side where the context has threads, each as one task. They are recorded first: what they
   * give back is held until all have run, and one that looks at memory waits for those before it. When one throws, the results of the others
   * are disposed of.
   */
  together<T extends Disposable>(operations: readonly (() => T)[]): T[]
  /**
   * Runs an operation that stops when `signal` says so: it is asked before every piece of parallel work, that is every few milliseconds at most, and
   * what it throws is thrown. The values that the operation took are given back then, whatever it threw. As all of this is synchronous, an
   * AbortSignal is seen only where the operation itself runs events; one that reads shared memory is seen at once.
   */
  interruptible<T>(signal: Interrupt | undefined, operation: () => T): T
  readonly memory: MemoryUse
  /** That run at the moment, the caller's among them. */
  readonly threads: number
  /** Resolves to `threads` when all that were asked for are up or have failed. */
  threadsStarted(): Promise<number>
  /** Space for `count` limbs. Its `ptr` throws GloveboxError `disposed` once it was given back. */
  limbs(count: number, options?: AllocOptions): Slab
  /** Stays intact until the first of these, which `limbs` made, is given back: one look in place of one at each. */
  watch(slabs: readonly Slab[]): Watch
  /** Ends the threads, wipes secrets, forgets the memory. Whatever is asked of its values afterwards is GloveboxError `disposed`. */
  [Symbol.dispose](): void
}

/** Bytes of the kernels' memory, one WebAssembly memory a context. */
export interface MemoryUse {
  /** Bytes in values and tables that are alive. */
  readonly used: number
  /** The most bytes that were ever in use at once. */
  readonly peak: number
  /** Bytes taken from the system, at most 2^32. They do not shrink before the context is disposed of. */
  readonly reserved: number
}

/**
 * N doubles and three cache lines: limbs a power of two apart would all fall into the same few cache sets, and sums over many of them
 * (key switching) would run at a third of the speed.
 */
export function limbStride(n: number): number {
  return 8 * n + 192
}

const showRing = showAs<Ring>('Ring', ({ n, moduli, backend }) => ({ n, primes: moduli.length, backend: backend.name }))

export function openRing(params: Params, opened: Backend): Ring {
  let backend = opened
  let disposed = false
  let forTasks = taskKernels(backend.kernels)
  const interruptions = createInterruptions()
  const watches = createWatches()
  const givenBack = (slab: Slab): void => {
    interruptions.givenBack(slab)
    watches.givenBack(slab)
  }
  const n = params.ringDegree
  const heap = createHeap(backend)
  const kept: Slab[] = []
  const tables = new Map<string, Ptr>()
  const automorphisms = new Map<number, Ptr>()

  function store(values: Float64Array): Ptr {
    const slab = heap.alloc(values.byteLength)
    kept.push(slab)
    heap.f64(slab.ptr, values.length).set(values)
    return slab.ptr
  }

  const moduli = [...params.primes, ...params.special].map((p) => ({
    p,
    pinv: 1 / p,
    table: store(nttTable(n, p)),
  }))

  const limbBytes = limbStride(n)
  const P = productOf(params.special)
  const specialInverses: Factor[] = []
  const primeInverses: Factor[][] = moduli.map(() => [])

  return {
    [shown]: showRing,
    params,
    get backend() {
      return backend
    },
    get kernels() {
      return backend.kernels
    },
    heap,
    n,
    limbBytes,
    moduli,
    primeInverse(i, j) {
      primeInverses[i]![j] ??= inverseFactor(BigInt(moduli[i]!.p), moduli[j]!.p)
      return primeInverses[i]![j]!
    },
    specialInverse(j) {
      specialInverses[j] ??= inverseFactor(P, moduli[j]!.p)
      return specialInverses[j]
    },
    automorphism(galoisElement) {
      const known = automorphisms.get(galoisElement)
      if (known !== undefined) return known
      const slab = heap.alloc(4 * n)
      kept.push(slab)
      heap.u32(slab.ptr, n).set(automorphismIndex(n, galoisElement))
      automorphisms.set(galoisElement, slab.ptr)
      return slab.ptr
    },
    table(key, make) {
      let ptr = tables.get(key)
      if (ptr === undefined) {
        ptr = store(make())
        tables.set(key, ptr)
      }
      return ptr
    },
    parallel(count, task) {
      interruptions.check()
      if (backend.threads) backend.threads.parallel(count, task)
      else for (let i = 0; i < count; i++) task(i, forTasks)
    },
    together(operations) {
      requireArray('operations', 'an array of functions', operations)
      operations.forEach((operation, i) => {
        requireFunction(`operations[${i}]`, 'a function', operation)
      })
      return backend.threads ? backend.threads.together(operations) : inOrder(operations)
    },
    interruptible: interruptions.run,
    get memory() {
      const { used, peak, reserved } = heap
      return { used, peak, reserved }
    },
    get threads() {
      return backend.threads?.running ?? 1
    },
    threadsStarted: async () => (await backend.threads?.started()) ?? 1,
    limbs(count, options) {
      const slab = guarded(heap.alloc(count * limbBytes, options), () => disposed, givenBack)
      if (!options?.lasting) interruptions.taken(slab)
      return slab
    },
    watch: watches.watch,
    [Symbol.dispose]() {
      disposed = true
      heap.close()
      backend.threads?.[Symbol.dispose]()
      backend = closedBackend(backend)
      forTasks = {} as Kernels
    },
  }
}

/** Holds neither kernels nor memory, so that a value that is still held does not either. */
function closedBackend({ name, heapBase }: Backend): Backend {
  return {
    name,
    heapBase,
    get kernels(): Kernels {
      throw closedContext()
    },
    get memory(): WebAssembly.Memory {
      throw closedContext()
    },
  }
}

/** The results of all operations; when one throws, those of the others are disposed of. */
function inOrder<T extends Disposable>(operations: readonly (() => T)[]): T[] {
  const made: T[] = []
  try {
    for (const operation of operations) made.push(operation())
    return made
  } catch (error) {
    for (const value of made) value[Symbol.dispose]()
    throw error
  }
}

/** A slab that does not tell its address once it was given back: another value may lie there by then. */
function guarded(slab: Slab, closed: () => boolean, givenBack: (slab: Slab) => void): Slab {
  let alive = true
  const value: Slab = {
    bytes: slab.bytes,
    get ptr() {
      if (closed()) throw closedContext()
      if (!alive)
        throw new GloveboxError(
          'disposed',
          'this plaintext, ciphertext or key was disposed of and cannot be used any more',
        )
      return slab.ptr
    },
    [Symbol.dispose]() {
      alive = false
      givenBack(value)
      slab[Symbol.dispose]()
    },
  }
  return value
}

/**
 * index[i] = j where the j-th NTT value of f is the i-th of f(X^g): both stand for evaluation at psi^(2*bitrev(i)+1), so
 * 2*bitrev(j)+1 = (2*bitrev(i)+1) * g modulo 2n.
 */
export function automorphismIndex(n: number, galoisElement: number): Uint32Array {
  const bits = Math.log2(n)
  const index = new Uint32Array(n)
  for (let i = 0; i < n; i++) {
    // (2n)^2 < 2^53 for every ring degree.
    const exponent = ((2 * bitReverse(i, bits) + 1) * galoisElement) % (2 * n)
    index[i] = bitReverse((exponent - 1) / 2, bits)
  }
  return index
}

/** The index in `ring.moduli` of limb i of an extended polynomial at a level. */
export function extendedIndex(ring: Ring, level: number, limb: number): number {
  return limb <= level ? limb : ring.params.primes.length + limb - level - 1
}

/** A constant as a kernel factor modulo p: the pair (w, w/p) with w canonical. */
export function factor(value: bigint, p: number): Factor {
  const q = BigInt(p)
  let w = Number(mod(value, q))
  if (w > (p - 1) / 2) w -= p
  return { w, wp: w / p }
}

function inverseFactor(product: bigint, p: number): Factor {
  return factor(invMod(product, BigInt(p)), p)
}

/** Product of primes as a bigint. */
export function productOf(primes: readonly number[]): bigint {
  return primes.reduce((product, p) => product * BigInt(p), 1n)
}

/** Forward NTT of `count` limbs from `ptr`, limb i modulo moduli[first + i]. */
export function toValues(ring: Ring, ptr: Ptr, count: number, first = 0): void {
  ring.parallel(count, (i, kernels) => {
    const { p, pinv, table } = ring.moduli[first + i]!
    kernels.nttForward(ptr + i * ring.limbBytes, ring.n, p, pinv, table)
  })
}

/** Inverse NTT of `count` limbs from `ptr`, limb i modulo moduli[first + i]. */
export function toCoefficients(ring: Ring, ptr: Ptr, count: number, first = 0): void {
  ring.parallel(count, (i, kernels) => {
    const { p, pinv, table } = ring.moduli[first + i]!
    kernels.nttInverse(ptr + i * ring.limbBytes, ring.n, p, pinv, table)
  })
}

export function copyLimbs(ring: Ring, dst: Ptr, src: Ptr, count: number): void {
  for (let i = 0; i < count; i++) ring.kernels.copy(dst + i * ring.limbBytes, src + i * ring.limbBytes, ring.n)
}
