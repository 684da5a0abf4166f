import type { Backend } from '../backend/backend.ts'
import { type Kernels, kernelNames } from '../kernels/table.ts'

/** Doubles in memory: `n` from `at`, integers of absolute value up to `most`, unless `real`. */
interface Span {
  readonly what: string
  readonly at: number
  readonly n: number
  readonly most: number
  readonly real?: boolean
}

interface Ranges {
  readonly ins?: readonly Span[]
  readonly outs?: readonly Span[]
  /** Conditions on numbers, each with the name of what it holds. */
  readonly holds?: readonly (readonly [string, boolean])[]
}

type Contract = (operands: readonly number[], memory: WebAssembly.Memory, result?: number) => Ranges

const reduced = 0.7
const wide = 2 ** 100
const span = (what: string, at: number, n: number, most: number): Span => ({ what, at, n, most })
const canonical = (p: number): number => (p - 1) / 2
/** What kernels return and accept unless they say otherwise. */
const residues = (what: string, at: number, n: number, p: number): Span => span(what, at, n, reduced * p)
const divisor = (p: number, pinv: number): readonly [string, boolean] => ['pinv = fl(1/p)', pinv === 1 / p && prime(p)]
const constant = (w: number, wp: number, p: number): readonly [string, boolean] => [
  'w canonical, wp = fl(w/p)',
  Number.isInteger(w) && Math.abs(w) <= p / 2 && wp === w / p && prime(p),
]
/** Odd primes in the chain; BFV's plaintext modulus is only a modulus. */
const prime = (p: number): boolean => Number.isInteger(p) && p >= 2 && p < 2 ** 50
/** As far as transforms from the residues of another prime go. */
const foreign = (p: number): number => Math.max(p, 2 ** 50)

const binary: Contract = ([dst, a, b, n, p, pinv]) => ({
  ins: [residues('a', a!, n!, p!), residues('b', b!, n!, p!)],
  outs: [residues('dst', dst!, n!, p!)],
  holds: [divisor(p!, pinv!)],
})

const dotPlain = (
  memory: WebAssembly.Memory,
  at: number,
  terms: number,
  dst: readonly number[],
  n: number,
  p: number,
  from = 0,
): Ranges => {
  const sources = [...new Uint32Array(memory.buffer, at, 3 * terms)]
  return {
    ins: sources.map((source, i) => residues(`operand ${i}`, source + from, n, p)),
    outs: dst.map((to, i) => residues(`dst${i}`, to + from, n, p)),
    holds: [
      ['at least one term', terms >= 1],
      ['dst0 and dst1 differ from all sources', !dst.some((to) => sources.includes(to))],
    ],
  }
}

/** What kernels/table.ts says of each kernel. */
const contracts: Record<string, Contract> = {
  nttForward: ([x, n, p, pinv]) => ({
    ins: [span('x', x!, n!, foreign(p!))],
    outs: [residues('x', x!, n!, p!)],
    holds: [divisor(p!, pinv!)],
  }),
  nttInverse: ([x, n, p, pinv]) => ({
    ins: [span('x', x!, n!, p!)],
    outs: [residues('x', x!, n!, p!)],
    holds: [divisor(p!, pinv!)],
  }),
  nttForwardFrom: ([dst, src, n, p, pinv]) => ({
    ins: [span('src', src!, n!, foreign(p!))],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [divisor(p!, pinv!)],
  }),
  nttInverseFrom: ([dst, src, n, p, pinv]) => ({
    ins: [span('src', src!, n!, p!)],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [divisor(p!, pinv!)],
  }),
  nttForwardSubMul: ([dst, a, x, src, n, w, wp, p, pinv]) => ({
    ins: [span('src', src!, n!, foreign(p!)), span('a', a!, n!, p!)],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [divisor(p!, pinv!), constant(w!, wp!, p!), ['x is not a', x !== a]],
  }),
  permute: ([dst, src, index, n], memory) => ({
    holds: [
      ['dst differs from src', dst !== src],
      ['an index below n', new Uint32Array(memory.buffer, index!, n!).every((i) => i < n!)],
    ],
  }),
  copy: () => ({}),
  reduce: ([dst, src, n, p, pinv], memory) => {
    const exact = new Float64Array(memory.buffer, src!, n!).every((x) => Math.abs(x) < 2 ** 53)
    return {
      ins: [span('src', src!, n!, wide)],
      outs: [span('dst', dst!, n!, exact ? p! / 2 : reduced * p!)],
      holds: [divisor(p!, pinv!)],
    }
  },
  add: binary,
  sub: binary,
  negate: () => ({}),
  mul: binary,
  mulAdd: (operands, memory) => {
    const [dst, , , n, p] = operands
    const { ins, outs, holds } = binary(operands, memory)
    return { ins: [...ins!, residues('dst', dst!, n!, p!)], outs: outs!, holds: holds! }
  },
  mulScalar: ([dst, a, n, w, wp, p]) => ({
    ins: [span('a', a!, n!, p!)],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [constant(w!, wp!, p!)],
  }),
  subMulScalar: ([dst, a, b, n, w, wp, p]) => ({
    ins: [span('a', a!, n!, p!), span('b', b!, n!, p!)],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [constant(w!, wp!, p!)],
  }),
  addScalar: ([dst, a, n, w, p, pinv]) => ({
    ins: [residues('a', a!, n!, p!)],
    outs: [residues('dst', dst!, n!, p!)],
    holds: [divisor(p!, pinv!), constant(w!, w! / p!, p!)],
  }),
  tensor: ([d0, d1, d2, a0, a1, b0, b1, n, p, pinv]) => ({
    ins: [a0, a1, b0, b1].map((at, i) => residues(`operand ${i}`, at!, n!, p!)),
    outs: [d0, d1, d2].map((at, i) => residues(`d${i}`, at!, n!, p!)),
    holds: [divisor(p!, pinv!)],
  }),
  dotKey: ([dst0, dst1, d, dStride, own, ownAt, k0, k1, kStride, count, add0, add1, w, n, p, pinv]) => {
    const each = [...Array(count!).keys()]
    return {
      ins: [
        ...each.map((j) => residues(`d_${j}`, j === ownAt ? own! : d! + j * dStride!, n!, p!)),
        ...each.map((j) => residues(`k0_${j}`, k0! + j * kStride!, n!, p!)),
        ...each.map((j) => residues(`k1_${j}`, k1! + j * kStride!, n!, p!)),
        ...[add0!, add1!].filter((at) => at !== 0).map((at, i) => residues(`add${i}`, at, n!, p!)),
      ],
      outs: [residues('dst0', dst0!, n!, p!), residues('dst1', dst1!, n!, p!)],
      holds: [['1 <= count <= 64', count! >= 1 && count! <= 64], divisor(p!, pinv!), constant(w!, w! / p!, p!)],
    }
  },
  dotPlain([dst0, dst1, pointers, count, n, p, pinv], memory) {
    const sum = dotPlain(memory, pointers!, count!, [dst0!, dst1!], n!, p!)
    return { ...sum, holds: [...sum.holds!, ['count <= 256', count! <= 256], divisor(p!, pinv!)] }
  },
  dotPlains([sums, count, from, n, p, pinv], memory) {
    const all: Ranges[] = []
    for (let at = sums!; all.length < count!; ) {
      const [dst0, dst1, terms] = new Uint32Array(memory.buffer, at, 3)
      all.push(dotPlain(memory, at + 12, terms!, [dst0!, dst1!], n!, p!, from!))
      at += 12 + 12 * terms!
    }
    return {
      ins: all.flatMap(({ ins }) => ins!),
      outs: all.flatMap(({ outs }) => outs!),
      holds: [...all.flatMap(({ holds }) => holds!), ['from a multiple of 16', from! % 16 === 0], divisor(p!, pinv!)],
    }
  },
  weightedSums([dsts, sources, count, plan, blocks, tile, strip, from, n, p, pinv, most], memory) {
    const limbs = (list: number, length: number): number[] => [...new Uint32Array(memory.buffer, list, length)]
    const inputs = limbs(sources!, count!)
    const outputs: number[] = []
    const weights: Span[] = []
    const terms: number[] = []
    for (let b = 0, at = plan!; b < blocks!; b++) {
      const header = limbs(at, 5)
      outputs.push(...header.slice(0, 4).filter((j) => j !== 0xffffffff))
      at += 24
      for (let i = 0; i < header[4]!; i++, at += 40) {
        weights.push(span('weights', at, 4, most!))
        terms.push(limbs(at + 32, 1)[0]!)
      }
    }
    const results = outputs.map((j) => limbs(dsts!, j + 1)[j]!)
    return {
      ins: [...inputs.map((at, k) => residues(`x_${k}`, at + from!, n!, p!)), ...weights],
      outs: [...results.map((at, j) => residues(`dst_${j}`, at + from!, n!, p!))],
      holds: [
        divisor(p!, pinv!),
        ['1 <= most <= 2^22', most! >= 1 && most! <= 2 ** 22],
        ['from a multiple of 16', from! % 16 === 0],
        ['a strip of 8 to n, a power of two', strip! >= 8 && strip! <= n! && Number.isInteger(Math.log2(strip!))],
        ['terms of sources that there are', terms.every((k) => k < count!)],
        ['every sum once', new Set(results).size === results.length],
        ['dst differs from all sources', !results.some((at) => inputs.includes(at))],
        ['a tile within the memory', tile! % 16 === 0 && tile! + 8 * count! * strip! <= memory.buffer.byteLength],
      ],
    }
  },
  basisScale: ([dst, dstStride, v, src, srcStride, m, table, n], memory) => {
    const rows = new Float64Array(memory.buffer, table!, 4 * m!)
    const each = [...Array(m!).keys()]
    const q = (i: number): number => rows[4 * i + 2]!
    return {
      ins: each.map((i) => span(`x_${i}`, src! + i * srcStride!, n!, q(i))),
      outs: [
        ...each.map((i) => span(`y_${i}`, dst! + i * dstStride!, n!, canonical(q(i)))),
        span('v', v!, n!, m! / 2 + 1),
      ],
      holds: each.flatMap((i) => [divisor(q(i), rows[4 * i + 3]!), constant(rows[4 * i]!, rows[4 * i + 1]!, q(i))]),
    }
  },
  basisCombine: ([dst, y, yStride, v, m, table, n, p, pinv], memory) => {
    const rows = new Float64Array(memory.buffer, table!, 2 * m! + 2)
    const each = [...Array(m!).keys()]
    const sources = [...each.map((i) => y! + i * yStride!), v!]
    return {
      ins: [...each.map((i) => span(`y_${i}`, y! + i * yStride!, n!, 2 ** 49)), span('v', v!, n!, m! / 2 + 1)],
      outs: [residues('dst', dst!, n!, p!)],
      holds: [
        divisor(p!, pinv!),
        ['dst differs from all sources', !sources.includes(dst!)],
        ...[...each, m!].map((i) => constant(rows[2 * i]!, rows[2 * i + 1]!, p!)),
      ],
    }
  },
  expandUniform: ([dst, n, p]) => ({ outs: [span('dst', dst!, n!, canonical(p!))], holds: [['a prime', prime(p!)]] }),
  sampleTernary: ([dst], _memory, written = 0) => ({ outs: [span('dst', dst!, written, 1)] }),
  sampleBinomial: ([dst, n]) => ({ outs: [span('dst', dst!, n!, 21)] }),
  embedInverse: ([re, im, n]) => ({
    ins: [
      { ...span('re', re!, n! / 2, wide), real: true },
      { ...span('im', im!, n! / 2, wide), real: true },
    ],
  }),
  embedForward: ([re, im, n]) => ({
    ins: [
      { ...span('re', re!, n! / 2, Number.MAX_VALUE), real: true },
      { ...span('im', im!, n! / 2, Number.MAX_VALUE), real: true },
    ],
  }),
  scaleRound: ([dst, src, n, scale], _memory, largest = Infinity) => ({
    ins: [{ ...span('src', src!, n!, Number.MAX_VALUE), real: true }],
    // Beyond 2^100 the caller refuses by what comes back.
    outs: largest < wide ? [span('dst', dst!, n!, largest)] : [],
    holds: [['a positive scale', scale! > 0 && scale! < Infinity]],
  }),
  combine: ([, a, s, b, t, n]) => ({
    ins: [
      { ...span('a', a!, n!, Number.MAX_VALUE), real: true },
      { ...span('b', b!, n!, Number.MAX_VALUE), real: true },
    ],
    holds: [['finite factors', Number.isFinite(s) && Number.isFinite(t)]],
  }),
  pack: ([, src, n, bits, p, pinv]) => ({
    ins: [residues('src', src!, n!, p!)],
    holds: [
      ['1 <= bits <= 53, enough for p', bits! >= 1 && bits! <= 53 && 2 ** bits! >= p!],
      // Replies are packed modulo a power of two.
      ['pinv = fl(1/p)', pinv === 1 / p!],
    ],
  }),
  unpack: ([dst, , n, bits, p], _memory, refused = 0) => ({
    outs: refused === 0 ? [span('dst', dst!, n!, p! / 2)] : [],
    holds: [['1 <= bits <= 53', bits! >= 1 && bits! <= 53]],
  }),
}

/** Kernels that no contract speaks of, and contracts of no kernel: a test keeps both empty. */
export const withoutContract: readonly string[] = kernelNames.filter((name) => contracts[name] === undefined)
export const withoutKernel: readonly string[] = Object.keys(contracts).filter(
  (name) => !kernelNames.some((kernel) => kernel === name),
)

/** How often each kernel was called on a checked backend. */
export const calls: Map<string, number> = new Map(kernelNames.map((name) => [name, 0]))

/** Ranges that come out as zero limbs would prove nothing: the largest that went in, in units of what may. */
export const fullest: Map<string, number> = new Map(kernelNames.map((name) => [name, 0]))

function check(memory: WebAssembly.Memory, name: string, when: string, spans: readonly Span[]): void {
  for (const { what, at, n, most, real } of spans) {
    if (at % 8 !== 0 || at < 0 || at + 8 * n > memory.buffer.byteLength)
      throw new RangeError(`${name}: "${what}" expected ${n} doubles within the memory ${when}, got offset ${at}`)
    const values = new Float64Array(memory.buffer, at, n)
    let largest = 0
    for (let i = 0; i < n; i++) {
      const size = Math.abs(values[i]!)
      if (!(size <= most) || (!real && !Number.isInteger(size)))
        throw new RangeError(
          `${name}: "${what}[${i}]" expected ${real ? 'a number' : 'an integer'} up to ${most} ${when}, got ${size}`,
        )
      if (size > largest) largest = size
    }
    if (when === 'before') fullest.set(name, Math.max(fullest.get(name)!, largest / most))
  }
}

/**
 * A backend whose every kernel call is held to what kernels/table.ts promises: inputs before it, outputs after it. A RangeError names the kernel, the
 * operand and the place.
 */
export function checked(backend: Backend): Backend {
  const { memory } = backend
  const kernels = Object.fromEntries(
    kernelNames.map((name) => {
      const kernel = backend.kernels[name] as (...operands: number[]) => number | undefined
      const contract = contracts[name]
      if (contract === undefined) return [name, kernel]
      return [
        name,
        (...operands: number[]) => {
          calls.set(name, calls.get(name)! + 1)
          const before = contract(operands, memory)
          for (const [what, holds] of before.holds ?? [])
            if (!holds) throw new RangeError(`${name} expected ${what}, got ${operands.join(', ')}`)
          check(memory, name, 'before', before.ins ?? [])
          const result = kernel(...operands)
          // What the result decides: how many were written, or whether all are to be used.
          const after = result === undefined ? before : contract(operands, memory, result)
          check(memory, name, 'after', after.outs ?? [])
          return result
        },
      ]
    }),
  ) as unknown as Kernels
  return { ...backend, kernels }
}
