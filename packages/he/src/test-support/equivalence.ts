import { expect } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { openBackend } from '../backend/open.ts'
import { centred, invMod, isPrime } from '../base/numbers.ts'
import { embeddingTable } from '../kernels/embed-tables.ts'
import { nttTable } from '../kernels/ntt-tables.ts'
import type { Kernels, Ptr } from '../kernels/table.ts'
import { openThreaded } from './threaded.ts'

// A kernel on every backend, with the same inputs: random ones, and the corners of the documented ranges.

/** What a kernel left behind. Residues (p given) are compared after full reduction and checked against `range`. */
interface Outcome {
  readonly values: ArrayLike<number>
  readonly p?: number
  readonly range?: number
  /** Relative to the largest value; 0 or absent means bit-identical. */
  readonly tolerance?: number
}

export type Style = 'random' | 'highest' | 'lowest' | 'alternating' | 'corners' | 'zero'
export const styles: readonly Style[] = ['random', 'highest', 'lowest', 'alternating', 'corners', 'zero']

/** One run of one kernel on one backend: places operands, draws inputs in the style under test, reads results. */
export class Bench {
  readonly kernels: Kernels
  private readonly memory: WebAssembly.Memory
  private top: number
  private state = 0x9e3779b9
  private readonly style: Style

  constructor(backend: Backend, style: Style) {
    this.kernels = backend.kernels
    this.memory = backend.memory
    this.top = backend.heapBase
    this.style = style
  }

  reserve(bytes: number): Ptr {
    const at = this.top
    this.top += Math.ceil(bytes / 64) * 64
    const missing = this.top - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536))
    return at
  }

  place(values: ArrayLike<number>): Ptr {
    const at = this.reserve(8 * values.length)
    new Float64Array(this.memory.buffer, at, values.length).set(values)
    return at
  }

  bytes(values: ArrayLike<number>): Ptr {
    const at = this.reserve(values.length)
    new Uint8Array(this.memory.buffer, at, values.length).set(values)
    return at
  }

  u32(values: ArrayLike<number>): Ptr {
    const at = this.reserve(4 * values.length)
    new Uint32Array(this.memory.buffer, at, values.length).set(values)
    return at
  }

  read(at: Ptr, n: number): Float64Array {
    return new Float64Array(this.memory.buffer, at, n).slice()
  }

  readBytes(at: Ptr, n: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, n).slice()
  }

  /** In [0, 1), 53 bits: two steps of xorshift32. */
  uniform(): number {
    return (this.word() >>> 5) * 2 ** -27 + (this.word() >>> 6) * 2 ** -53
  }

  word(): number {
    this.state ^= this.state << 13
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5
    return this.state >>> 0
  }

  /** n integers of absolute value at most `range`, in the style under test. */
  draw(n: number, range: number): Float64Array {
    const most = Math.floor(range)
    const corners = [most, -most, most - 1, 1 - most, 1, -1, 0]
    const drawn = new Float64Array(n)
    for (let i = 0; i < n; i++)
      switch (this.style) {
        case 'random':
          drawn[i] = Math.round((2 * this.uniform() - 1) * most)
          break
        case 'highest':
          drawn[i] = most
          break
        case 'lowest':
          drawn[i] = -most
          break
        case 'alternating':
          drawn[i] = i % 2 === 0 ? most : -most
          break
        case 'corners':
          drawn[i] = corners[this.word() % 7]!
      }
    return drawn
  }
}

/** The largest primes below `below` that are 1 modulo 2n. */
export function primesBelow(below: number, n: number, count: number): number[] {
  const step = BigInt(2 * n)
  const found: number[] = []
  for (let k = ((BigInt(below) - 2n) / step) * step + 1n; found.length < count; k -= step) {
    if (k < 2n) throw new RangeError('no such prime')
    if (isPrime(k)) found.push(Number(k))
  }
  return found
}

export const reduced = 0.7
export const half = (p: number): number => (p - 1) / 2
/** A balanced constant near the far end of its range, with its quotient. */
const constants = (p: number): [w: number, wp: number][] =>
  [half(p), -half(p), 1, Math.floor(p / 3)].map((w) => [w, w / p])

type Run = (b: Bench, n: number, p: number, all: readonly number[]) => Outcome[]

function pointwise(f: (b: Bench, dst: Ptr, a: Ptr, c: Ptr, n: number, p: number) => void, range = reduced): Run {
  return (b, n, p) => {
    const a = b.place(b.draw(n, range * p))
    const c = b.place(b.draw(n, range * p))
    const dst = b.place(b.draw(n, reduced * p))
    f(b, dst, a, c, n, p)
    const apart = b.read(dst, n)
    // Once more with dst equal to the first source.
    const again = b.place(apart)
    const source = b.place(b.read(a, n))
    f(b, source, source, c, n, p)
    return [
      { values: apart, p, range: reduced },
      { values: b.read(source, n), p, range: reduced },
      { values: b.read(again, n), p },
    ]
  }
}

function scalar(f: (b: Bench, dst: Ptr, a: Ptr, c: Ptr, n: number, p: number, w: number, wp: number) => void): Run {
  return (b, n, p) =>
    constants(p).flatMap(([w, wp]) => pointwise((bench, dst, a, c) => f(bench, dst, a, c, n, p, w, wp), 1)(b, n, p, []))
}

/** The largest input of a forward transform. */
const forwardRange = (p: number): number => Math.max(p, 2 ** 50)

function transform(name: 'nttForward' | 'nttInverse'): Run {
  return (b, n, p) => {
    const table = b.place(nttTable(n, p))
    const input = b.draw(n, name === 'nttForward' ? forwardRange(p) : p)
    const x = b.place(input)
    b.kernels[name](x, n, p, 1 / p, table)
    const src = b.place(input)
    const dst = b.reserve(8 * n)
    b.kernels[`${name}From`](dst, src, n, p, 1 / p, table)
    return [
      { values: b.read(x, n), p, range: reduced },
      { values: b.read(dst, n), p, range: reduced },
      { values: b.read(src, n) },
    ]
  }
}

function embedding(name: 'embedForward' | 'embedInverse'): Run {
  return (b, n) => {
    const table = b.place(embeddingTable(n))
    const re = b.place(b.draw(n / 2, 2 ** 30))
    const im = b.place(b.draw(n / 2, 2 ** 30))
    b.kernels[name](re, im, n, table)
    return [{ values: Float64Array.of(...b.read(re, n / 2), ...b.read(im, n / 2)), tolerance: 1e-9 }]
  }
}

/** Pointers of `count` products whose operands repeat. */
function products(b: Bench, n: number, p: number, count: number): number[] {
  const at = Array.from({ length: 3 }, () => b.place(b.draw(n * Math.min(count, 5), reduced * p)))
  return Array.from({ length: 3 * count }, (_, i) => at[i % 3]! + 8 * n * (Math.floor(i / 3) % Math.min(count, 5)))
}

const runs: Record<keyof Kernels, Run> = {
  nttForward: transform('nttForward'),
  nttInverse: transform('nttInverse'),
  nttForwardFrom: transform('nttForward'),
  nttInverseFrom: transform('nttInverse'),
  nttForwardSubMul: (b, n, p) => {
    const table = b.place(nttTable(n, p))
    return constants(p).flatMap(([w, wp]) => {
      const src = b.place(b.draw(n, forwardRange(p)))
      const [a, x, dst] = [b.place(b.draw(n, p)), b.reserve(8 * n), b.reserve(8 * n)]
      b.kernels.nttForwardSubMul(dst, a, x, src, n, w, wp, p, 1 / p, table)
      // Once more with dst equal to a, and in the place of src.
      b.kernels.nttForwardSubMul(a, a, src, src, n, w, wp, p, 1 / p, table)
      return [dst, a].map((at) => ({ values: b.read(at, n), p, range: reduced }))
    })
  },
  permute: (b, n, p) => {
    const src = b.place(b.draw(n, p))
    const index = b.u32(Uint32Array.from({ length: n }, (_, i) => (5 * i + 3) % n))
    const dst = b.reserve(8 * n)
    b.kernels.permute(dst, src, index, n)
    return [{ values: b.read(dst, n) }]
  },
  copy: (b, n, p) => {
    const src = b.place(b.draw(n, p))
    const dst = b.reserve(8 * n)
    b.kernels.copy(dst, src, n)
    return [{ values: b.read(dst, n) }]
  },
  reduce: (b, n, p) =>
    [2 ** 49, 2 ** 53, 2 ** 70, 2 ** 100, half(p), half(p) + 1, 1.5 * p].map((range) => {
      const src = b.place(b.draw(n, range).map((x) => (range > 2 ** 53 ? x : Math.round(x))))
      const dst = b.reserve(8 * n)
      b.kernels.reduce(dst, src, n, p, 1 / p)
      return { values: b.read(dst, n), p, range: range < 2 ** 53 ? 0.5 : reduced }
    }),
  add: pointwise((b, dst, a, c, n, p) => b.kernels.add(dst, a, c, n, p, 1 / p)),
  sub: pointwise((b, dst, a, c, n, p) => b.kernels.sub(dst, a, c, n, p, 1 / p)),
  negate: pointwise((b, dst, a, _, n) => b.kernels.negate(dst, a, n)),
  mul: pointwise((b, dst, a, c, n, p) => b.kernels.mul(dst, a, c, n, p, 1 / p)),
  mulAdd: pointwise((b, dst, a, c, n, p) => b.kernels.mulAdd(dst, a, c, n, p, 1 / p)),
  mulScalar: scalar((b, dst, a, _, n, p, w, wp) => b.kernels.mulScalar(dst, a, n, w, wp, p)),
  subMulScalar: scalar((b, dst, a, c, n, p, w, wp) => b.kernels.subMulScalar(dst, a, c, n, w, wp, p)),
  addScalar: (b, n, p) =>
    constants(p).flatMap(([w]) =>
      pointwise((bench, dst, a) => bench.kernels.addScalar(dst, a, n, w, p, 1 / p))(b, n, p, []),
    ),
  tensor: (b, n, p) => {
    const [a0, a1, b0, b1] = [0, 1, 2, 3].map(() => b.place(b.draw(n, reduced * p))) as [Ptr, Ptr, Ptr, Ptr]
    const d2 = b.reserve(8 * n)
    b.kernels.tensor(a0, a1, d2, a0, a1, b0, b1, n, p, 1 / p)
    return [a0, a1, d2].map((at) => ({ values: b.read(at, n), p, range: reduced }))
  },
  dotKey: (b, n, p) =>
    [1, 2, 3, 4, 5, 8, 9, 17, 64].flatMap((count) => {
      const [d, k0, k1] = [0, 1, 2].map(() => b.place(b.draw(count * n, reduced * p))) as [Ptr, Ptr, Ptr]
      const [own, add0, add1] = [0, 1, 2].map(() => b.place(b.draw(n, reduced * p))) as [Ptr, Ptr, Ptr]
      const [dst0, dst1] = [b.reserve(8 * n), b.reserve(8 * n)]
      return [
        { ownAt: -1, adds: [0, 0], w: 0 },
        { ownAt: 0, adds: [add0, 0], w: half(p) },
        { ownAt: count - 1, adds: [add0, add1], w: -half(p) },
      ].flatMap(({ ownAt, adds, w }) => {
        b.kernels.dotKey(dst0, dst1, d, 8 * n, own, ownAt, k0, k1, 8 * n, count, adds[0]!, adds[1]!, w, n, p, 1 / p)
        return [dst0, dst1].map((at) => ({ values: b.read(at, n), p, range: reduced }))
      })
    }),
  dotPlain: (b, n, p) =>
    [1, 2, 3, 7, 16, 33, 256].flatMap((count) => {
      const pointers = b.u32(products(b, n, p, count))
      const [dst0, dst1] = [b.reserve(8 * n), b.reserve(8 * n)]
      b.kernels.dotPlain(dst0, dst1, pointers, count, n, p, 1 / p)
      return [dst0, dst1].map((out) => ({ values: b.read(out, n), p, range: reduced }))
    }),
  dotPlains: (b, n, p) => {
    const sums = [1, 40, 3, 16, 300].map((count) => ({ dst: [b.reserve(8 * n), b.reserve(8 * n)], count }))
    const list = sums.flatMap(({ dst, count }) => [...dst, count, ...products(b, n, p, count)])
    const pointers = b.u32(list)
    // In two unequal parts.
    const part = n / 4
    b.kernels.dotPlains(pointers, sums.length, 0, part, p, 1 / p)
    b.kernels.dotPlains(pointers, sums.length, 8 * part, n - part, p, 1 / p)
    return sums.flatMap(({ dst }) => dst.map((at) => ({ values: b.read(at, n), p, range: reduced })))
  },
  // Whole residues while weights are small, halves beyond; sums of many terms are reduced on the way.
  weightedSums: (b, n, p) =>
    [1, 37, 2 ** 12, 2 ** 22].flatMap((most) => {
      const count = n > 32 ? 5 : most === 37 ? 3 : 70
      const at = b.place(b.draw(n * Math.min(count, 7), reduced * p))
      const sources = b.u32(Array.from({ length: count }, (_, k) => at + 8 * n * (k % 7)))
      const outputs = Array.from({ length: 6 }, () => b.place(new Float64Array(n).fill(p)))
      const dsts = b.u32(outputs)
      const none = 0xffffffff
      const blocks = [
        { sums: [5, 0, 3, 1], terms: Array.from({ length: count }, (_, k) => k) },
        { sums: [none, 4, none, none], terms: Array.from({ length: count >> 1 }, (_, k) => count - 1 - 2 * k) },
        { sums: [2, none, none, none], terms: [] },
      ]
      const words: number[] = []
      for (const { sums, terms } of blocks) {
        words.push(...sums, terms.length, 0)
        for (const k of terms) words.push(...new Uint32Array(b.draw(4, most).buffer), k, 0)
      }
      const plan = b.u32(words)
      const tile = b.reserve(8 * count * n)
      // In two parts, and in strips of different lengths.
      const part = n / 4 < 8 ? n : n / 4
      const run = (strip: number, from: number, length: number): void =>
        b.kernels.weightedSums(dsts, sources, count, plan, 3, tile, strip, from, length, p, 1 / p, most)
      run(8, 0, part)
      if (part < n) run(n / 4, 8 * part, n - part)
      return outputs.map((out) => ({ values: b.read(out, n), p, range: reduced }))
    }),
  basisScale: (b, n, _, all) =>
    [1, 2, 3, 5].flatMap((m) =>
      // Not (q-1)/2 for every prime: that is (D-1)/2, where the sum is so near a half integer that v may differ by one.
      [1, 0.49].flatMap((part) => {
        const primes = all.slice(0, m)
        const product = primes.reduce((a, q) => a * BigInt(q), 1n)
        const src = b.place(primes.flatMap((q) => [...b.draw(n, part * q)]))
        const table = b.place(
          primes.flatMap((q) => {
            const w = Number(centred(invMod(product / BigInt(q), BigInt(q)), BigInt(q)))
            return [w, w / q, q, 1 / q]
          }),
        )
        const [dst, v] = [b.reserve(8 * n * m), b.reserve(8 * n)]
        b.kernels.basisScale(dst, 8 * n, v, src, 8 * n, m, table, n)
        return [
          { values: b.read(v, n) },
          ...primes.map((q, i) => ({ values: b.read(dst + 8 * n * i, n), p: q, range: 0.5 })),
        ]
      }),
    ),
  basisCombine: (b, n, p) =>
    [1, 2, 3, 4, 7, 8, 9, 20].flatMap((m) => {
      const y = b.place(b.draw(n * m, 2 ** 49))
      const v = b.place(b.draw(n, m / 2 + 1))
      const table = b.place([...b.draw(m + 1, half(p))].flatMap((c) => [c, c / p]))
      const dst = b.reserve(8 * n)
      b.kernels.basisCombine(dst, y, 8 * n, v, m, table, n, p, 1 / p)
      return [{ values: b.read(dst, n), p, range: reduced }]
    }),
  expandUniform: (b, n, p) =>
    [0, 1, 0xffffffff].map((index) => {
      const seed = b.bytes(Uint8Array.from({ length: 32 }, () => b.word()))
      const dst = b.reserve(8 * n)
      b.kernels.expandUniform(dst, n, p, seed, 7, index)
      return { values: b.read(dst, n), p, range: 0.5 }
    }),
  sampleTernary: (b, n) =>
    [0, 1, n - 1, n, n + 37, 2 * n].flatMap((length) => {
      const source = b.bytes(Uint8Array.from({ length }, (_, i) => (i % 11 === 0 ? 255 : b.word())))
      const dst = b.place(new Float64Array(n))
      const written = b.kernels.sampleTernary(dst, n, source, length)
      return [{ values: [written] }, { values: b.read(dst, written) }]
    }),
  sampleBinomial: (b, n) =>
    [() => b.word(), () => 255, () => 0].map((byte) => {
      const source = b.bytes(Uint8Array.from({ length: 6 * n }, byte))
      const dst = b.reserve(8 * n)
      b.kernels.sampleBinomial(dst, n, source)
      return { values: b.read(dst, n) }
    }),
  embedInverse: embedding('embedInverse'),
  embedForward: embedding('embedForward'),
  scaleRound: (b, n) =>
    [1, 0.5, 2 ** -20, 2 ** 40, 1 / 3].flatMap((scale) => {
      const src = b.place(b.draw(n, 2 ** 45))
      const dst = b.reserve(8 * n)
      const largest = b.kernels.scaleRound(dst, src, n, scale)
      return [{ values: b.read(dst, n) }, { values: [largest] }]
    }),
  combine: (b, n, p) => {
    const [a, c] = [b.place(b.draw(n, p)), b.place(b.draw(n, p))]
    const dst = b.reserve(8 * n)
    b.kernels.combine(dst, a, 1 / 3, c, 2 ** 40 / 7, n)
    return [{ values: b.read(dst, n), tolerance: 1e-9 }]
  },
  pack: (b, n, p) => {
    const least = Math.ceil(Math.log2(p))
    return [least, least + 1, 53].map((bits) => {
      const src = b.place(b.draw(n, reduced * p))
      const length = Math.ceil((n * bits) / 8)
      const dst = b.reserve(length + 8)
      b.kernels.pack(dst, src, n, bits, p, 1 / p)
      return { values: b.readBytes(dst, length) }
    })
  },
  unpack: (b, n, p) => {
    const least = Math.ceil(Math.log2(p))
    return [least, least + 1, 53].flatMap((bits) => {
      const src = b.bytes(Uint8Array.from({ length: Math.ceil((n * bits) / 8) + 8 }, () => b.word()))
      const packed = b.reserve(8 * n)
      b.kernels.pack(packed, b.place(b.draw(n, reduced * p)), n, bits, p, 1 / p)
      return [src, packed].flatMap((from) => {
        const dst = b.reserve(8 * n)
        const refused = b.kernels.unpack(dst, from, n, bits, p)
        // What a refused value leaves behind is nobody's business.
        return [{ values: [refused] }, refused === 0 ? { values: b.read(dst, n), p, range: 0.5 } : { values: [] }]
      })
    })
  },
}

/** Balanced around 0; the remainder of doubles is exact. */
export function canonical(values: ArrayLike<number>, p: number): Float64Array {
  const [result, most] = [new Float64Array(values.length), half(p)]
  for (let i = 0; i < result.length; i++) {
    const rest = values[i]! % p
    result[i] = rest > most ? rest - p : rest < -most ? rest + p : rest
  }
  return result
}

/** `expected` is canonical where it is of residues. */
function compare(got: Outcome, expected: Outcome, what: string): void {
  expect(got.values.length, what).toBe(expected.values.length)
  if (got.tolerance !== undefined) {
    let [worst, largest] = [0, 0]
    for (let i = 0; i < got.values.length; i++) {
      worst = Math.max(worst, Math.abs(got.values[i]! - expected.values[i]!))
      largest = Math.max(largest, Math.abs(expected.values[i]!))
    }
    expect(worst, what).toBeLessThanOrEqual(got.tolerance * largest)
    return
  }
  if (got.p !== undefined && got.range !== undefined) {
    let largest = 0
    for (let i = 0; i < got.values.length; i++) largest = Math.max(largest, Math.abs(got.values[i]!))
    expect(largest / got.p, `${what}: range`).toBeLessThanOrEqual(got.range)
  }
  const x = got.p === undefined ? got.values : canonical(got.values, got.p)
  const y = expected.values
  // Element by element: vitest's own comparison is slow on long arrays. -0 equals 0 here.
  let at = 0
  while (at < x.length && x[at] === y[at]) at++
  if (at < x.length) expect.fail(`${what}: [${at}] is ${x[at]}, expected ${y[at]}`)
}

export const backends = {
  'wasm-fused': openBackend('wasm-fused'),
  wasm: openBackend('wasm'),
  reference: openBackend('reference'),
  '2 threads': await openThreaded('wasm-fused', 2),
  '3 threads, unfused': await openThreaded('wasm', 3),
}

/** One kernel at degree n with primes below `below`, every style, the fast backends against the reference. */
export function agree(name: keyof Kernels, n: number, below: number, chosen: readonly Style[]): void {
  const all = primesBelow(below, n, 5)
  for (const style of chosen) {
    const expected = runs[name](new Bench(backends.reference, style), n, all[0]!, all).map((outcome) =>
      outcome.p === undefined ? outcome : { ...outcome, values: canonical(outcome.values, outcome.p) },
    )
    for (const backend of Object.values(backends).filter(({ name }) => name !== 'reference')) {
      const got = runs[name](new Bench(backend, style), n, all[0]!, all)
      expect(got.length).toBe(expected.length)
      got.forEach((outcome, i) => {
        compare(
          outcome,
          expected[i]!,
          `${name} on ${backend.name}, n = ${n}, p < 2^${Math.log2(below).toFixed(1)}, ${style}, result ${i}`,
        )
      })
    }
  }
}
