import { describe, expect, test } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { centred } from '../base/numbers.ts'
import { createParams } from '../params/params.ts'
import { Draw } from '../test-support/random.ts'
import { automorphismPoly, centredPoly, fromResidues, interpolate, productOf } from '../test-support/reference-ring.ts'
import { readPoly, upTo, writePoly } from '../test-support/reference-rlwe.ts'
import { basisOf, combineTo } from './basis.ts'
import { automorphismIndex, extendedIndex, factor, openRing, toCoefficients, toValues } from './ring.ts'

const params = createParams({
  scheme: 'ckks',
  ringDegree: 128,
  modulusBits: [50, 30, 40, 50, 20],
  specialBits: [50, 45],
  digitSize: 1,
  security: 'INSECURE',
})
const all = [...params.primes, ...params.special]

describe.each(['wasm-fused', 'wasm', 'reference'] as const)('the ring on %s', (name) => {
  const ring = openRing(params, openBackend(name))
  const { n } = ring
  const draw = new Draw(`ring ${name}`)
  const uniform = (Q: bigint) =>
    upTo(n).map(() =>
      centred(
        draw.bytes(40).reduce((sum, b) => 256n * sum + BigInt(b), 0n),
        Q,
      ),
    )

  test('NTT form is evaluation at the odd powers of psi, in SEAL order', () => {
    using slab = ring.limbs(all.length)
    const f = uniform(productOf(all))
    all.forEach((p, i) => {
      ring.heap.f64(slab.ptr + i * ring.limbBytes, n).set(f.map((c) => Number(centred(c, BigInt(p)))))
    })
    toValues(ring, slab.ptr, all.length)
    expect(readPoly(ring, slab.ptr, upTo(all.length))).toEqual(f)
    toCoefficients(ring, slab.ptr, all.length)
    all.forEach((p, i) => {
      const limb = Array.from(ring.heap.f64(slab.ptr + i * ring.limbBytes, n), BigInt)
      expect(centredPoly(limb, BigInt(p))).toEqual(centredPoly(f, BigInt(p)))
    })
  })

  test('an automorphism in NTT form is the automorphism', () => {
    using source = ring.limbs(1)
    using target = ring.limbs(1)
    const q = BigInt(params.primes[0]!)
    const f = uniform(q)
    writePoly(ring, source.ptr, f, [0])
    for (const g of [1, 3, 5, 9, 27, n - 1, n + 1, 2 * n - 1]) {
      ring.kernels.permute(target.ptr, source.ptr, ring.automorphism(g), n)
      expect(readPoly(ring, target.ptr, [0])).toEqual(centredPoly(automorphismPoly(f, g), q))
    }
    expect(ring.automorphism(3), 'is kept').toBe(ring.automorphism(3))
  })

  test.each([
    [
      [0, 1],
      [2, 3, 4, 5],
    ],
    [
      [5, 6],
      [0, 4],
    ],
    [
      [2, 3, 4],
      [0, 1, 5, 6],
    ],
    [
      [0, 1, 2, 3, 4],
      [5, 6],
    ],
  ])('converts a basis exactly, centred: %j to %j', (sources, targets) => {
    const D = productOf(sources.map((i) => all[i]!))
    // Near the ends of the range too, but not within rounding of them, where either representative will do.
    const edge = D / 2n - D / 2n ** 40n
    const f = uniform(D).map((c, i) => [c, edge - BigInt(i), -edge + BigInt(i), BigInt(i), -BigInt(i)][i % 5]!)
    using from = ring.limbs(sources.length)
    using to = ring.limbs(targets.length)
    using scratch = ring.limbs(sources.length + 1)
    sources.forEach((index, i) => {
      ring.heap.f64(from.ptr + i * ring.limbBytes, n).set(f.map((c) => Number(centred(c, BigInt(all[index]!)))))
    })
    const basis = basisOf(ring, sources)
    const quotients = scratch.ptr + sources.length * ring.limbBytes
    ring.kernels.basisScale(
      scratch.ptr,
      ring.limbBytes,
      quotients,
      from.ptr,
      ring.limbBytes,
      sources.length,
      basis.scale,
      n,
    )
    targets.forEach((index, i) => {
      const dst = to.ptr + i * ring.limbBytes
      combineTo(ring.kernels, ring, basis, dst, scratch.ptr, ring.limbBytes, quotients, index)
      const limb = Array.from(ring.heap.f64(to.ptr + i * ring.limbBytes, n), BigInt)
      expect(centredPoly(limb, BigInt(all[index]!))).toEqual(centredPoly(f, BigInt(all[index]!)))
    })
  })

  test('small tables are made once', () => {
    let made = 0
    const make = () => {
      made++
      return Float64Array.of(1, 2, 3)
    }
    const ptr = ring.table('a test', make)
    expect(ring.table('a test', make)).toBe(ptr)
    expect(made).toBe(1)
    expect([...ring.heap.f64(ptr, 3)]).toEqual([1, 2, 3])
  })

  test('limbs that were given back do not tell where they were', () => {
    const slab = ring.limbs(2)
    expect(slab.ptr % 64).toBe(0)
    slab[Symbol.dispose]()
    expect(() => slab.ptr).toThrow(expect.objectContaining({ code: 'disposed' }))
    slab[Symbol.dispose]()
  })

  test('a watch is intact until the first of its values is given back', () => {
    const [a, b, c] = [ring.limbs(1), ring.limbs(1), ring.limbs(1)]
    const [both, first, none] = [ring.watch([a, b]), ring.watch([a]), ring.watch([])]
    c[Symbol.dispose]()
    expect([both.intact, first.intact, none.intact]).toEqual([true, true, true])
    b[Symbol.dispose]()
    expect([both.intact, first.intact, none.intact]).toEqual([false, true, true])
    a[Symbol.dispose]()
    expect([both.intact, first.intact, none.intact]).toEqual([false, false, true])
  })
})

describe('indices and factors', () => {
  const ring = openRing(params, openBackend('wasm'))

  test('an extended polynomial has the chain of its level, then the special primes', () => {
    const primesAt = (level: number): number[] =>
      upTo(level + 3).map((limb) => ring.moduli[extendedIndex(ring, level, limb)]!.p)
    for (let level = 0; level <= 4; level++)
      expect(primesAt(level)).toEqual([...params.primes.slice(0, level + 1), ...params.special])
  })

  test('automorphisms are permutations, and compose', () => {
    const n = 64
    const index = (g: number): number[] => [...automorphismIndex(n, g)]
    for (let g = 1; g < 2 * n; g += 2) {
      expect([...index(g)].sort((a, b) => a - b)).toEqual(upTo(n))
      const cube = index(3)
      expect(index((3 * g) % (2 * n))).toEqual(index(g).map((_, i) => index(g)[cube[i]!]))
    }
    expect(index(1)).toEqual(upTo(n))
  })

  test('factors are balanced residues with their quotient', () => {
    for (const p of all) {
      for (const value of [0n, 1n, -1n, 12345678901234567890n, BigInt(p), BigInt(p) / 2n, BigInt(p) / 2n + 1n]) {
        expect(factor(value, p)).toEqual({
          w: Number(centred(value, BigInt(p))),
          wp: Number(centred(value, BigInt(p))) / p,
        })
      }
    }
  })

  test('inverses of primes and of the product of the special ones, as factors', () => {
    const primes = ring.moduli.map(({ p }) => BigInt(p))
    for (let j = 0; j < primes.length; j++) {
      const one = (value: bigint, { w }: { w: number }): bigint => centred(value * BigInt(w), primes[j]!)
      if (j < 5) expect(one(primes[5]! * primes[6]!, ring.specialInverse(j))).toBe(1n)
      for (let i = 0; i < primes.length; i++) if (i !== j) expect(one(primes[i]!, ring.primeInverse(i, j))).toBe(1n)
      expect(ring.primeInverse((j + 1) % 7, j).wp).toBe(ring.primeInverse((j + 1) % 7, j).w / Number(primes[j]))
    }
  })

  test('the reference puts residues together and takes them apart again', () => {
    const f = upTo(16).map((i) => BigInt(i) ** 20n)
    const primes = [97, 193, 257, 353, 449, 577]
    const Q = productOf(primes)
    expect(
      fromResidues(
        primes.map((p) => f.map((c) => c % BigInt(p))),
        primes,
      ),
    ).toEqual(centredPoly(f, Q))
    expect(
      interpolate(
        upTo(16).map(() => 5n),
        97,
      ),
    ).toEqual([5n, ...new Array(15).fill(0n)])
  })
})
