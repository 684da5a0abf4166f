import type { Backend } from '../backend/backend.ts'
import { type AllocOptions, createHeap, type Heap, type Slab } from '../backend/heap.ts'
import { GloveboxError } from '../base/errors.ts'
import { bitReverse, invMod, mod } from '../base/numbers.ts'
import { nttTable } from '../kernels/ntt-tables.ts'
import type { Kernels, Ptr } from '../kernels/table.ts'
import type { Params } from '../params/params.ts'

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
export interface Ring {
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
  /** Space for `count` limbs. Its `ptr` throws GloveboxError `disposed` once it was given back. */
  limbs(count: number, options?: AllocOptions): Slab
}

export function openRing(params: Params, backend: Backend): Ring {
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

  // N doubles and three cache lines: limbs a power of two apart would all fall into the same few cache sets, and sums over many of them
  // (key switching) would run at a third of the speed.
  const limbBytes = 8 * n + 192
  const P = productOf(params.special)
  const specialInverses: Factor[] = []
  const primeInverses: Factor[][] = moduli.map(() => [])

  return {
    params,
    backend,
    kernels: backend.kernels,
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
      for (let i = 0; i < count; i++) task(i, backend.kernels)
    },
    limbs: (count, options) => guarded(heap.alloc(count * limbBytes, options)),
  }
}

/** A slab that does not tell its address once it was given back: another value may lie there by then. */
function guarded(slab: Slab): Slab {
  let alive = true
  return {
    bytes: slab.bytes,
    get ptr() {
      if (!alive)
        throw new GloveboxError(
          'disposed',
          'this plaintext, ciphertext or key was disposed of and cannot be used any more',
        )
      return slab.ptr
    },
    [Symbol.dispose]() {
      alive = false
      slab[Symbol.dispose]()
    },
  }
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
  for (let i = 0; i < count; i++) {
    const { p, pinv, table } = ring.moduli[first + i]!
    ring.kernels.nttForward(ptr + i * ring.limbBytes, ring.n, p, pinv, table)
  }
}

/** Inverse NTT of `count` limbs from `ptr`, limb i modulo moduli[first + i]. */
export function toCoefficients(ring: Ring, ptr: Ptr, count: number, first = 0): void {
  for (let i = 0; i < count; i++) {
    const { p, pinv, table } = ring.moduli[first + i]!
    ring.kernels.nttInverse(ptr + i * ring.limbBytes, ring.n, p, pinv, table)
  }
}

export function copyLimbs(ring: Ring, dst: Ptr, src: Ptr, count: number): void {
  ring.heap.u8(dst, count * ring.limbBytes).set(ring.heap.u8(src, count * ring.limbBytes))
}
