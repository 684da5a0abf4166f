import { invMod } from '../../base/numbers.ts'
import { nttTable } from '../../kernels/ntt-tables.ts'
import { nttPrimes } from '../../params/primes.ts'
import { log2Product } from '../../params/security.ts'
import { type Conversion, conversion, quotient } from '../../ring/conversion.ts'
import { type Factor, factor, type Modulus, productOf, type Ring } from '../../ring/ring.ts'

/**
 * How much larger than Q the auxiliary modulus P is, in bits: then the rounding of one operand to P/Q of itself adds less to the noise than 2^-9 of
 * what a fresh error becomes in the same product.
 */
const headroom = 10

/** What a product at one level needs, over P = p_0 … p_{m-1} beside Q = q_0 … q_ℓ. */
export interface ProductTables {
  readonly auxiliary: readonly Modulus[]
  /** x modulo P of x modulo Q, centred. */
  readonly extend: Conversion
  /** nearest(P x / Q) modulo P. */
  readonly raise: Conversion
  /** x modulo Q of x modulo P, centred. */
  readonly back: Conversion
  /** [t x]_P / t modulo each prime of Q. */
  readonly remainder: Conversion
  /** t / P modulo each prime of Q. */
  readonly factors: readonly Factor[]
}

/** The fewest primes whose product has `bits` bits, of 49 bits each where these are as few as of 50: their transforms need fewer reductions. */
function choosePrimes(ring: Ring, bits: number): number[] {
  const taken = new Set(ring.moduli.map(({ p }) => p).concat(ring.params.plaintextModulus ?? []))
  const choose = (size: number): number[] => {
    const candidates = nttPrimes(size, Math.ceil(bits / (size - 0.5)) + taken.size, ring.n).filter((p) => !taken.has(p))
    let count = 1
    while (log2Product(candidates.slice(0, count)) < bits) count++
    return candidates.slice(0, count)
  }
  const small = choose(49)
  if (Math.ceil(bits / 50) >= small.length) return small
  const large = choose(50)
  return large.length < small.length ? large : small
}

/** Makes the tables of each level when they are first asked for. */
export function openAuxiliary(ring: Ring): (level: number) => ProductTables {
  const levels: ProductTables[] = []
  let all: Modulus[] | undefined

  function make(level: number): ProductTables {
    const t = BigInt(ring.params.plaintextModulus!)
    all ??= choosePrimes(ring, ring.params.logQ + headroom).map((p) => ({
      p,
      pinv: 1 / p,
      table: ring.table(`auxiliary ${p}`, () => nttTable(ring.n, p)),
    }))
    const chain = ring.params.primes.slice(0, level + 1)
    let count = 1
    while (log2Product(all.slice(0, count).map(({ p }) => p)) < log2Product(chain) + headroom) count++
    const auxiliary = all.slice(0, count)
    const primes = auxiliary.map(({ p }) => p)
    const P = productOf(primes)
    return {
      auxiliary,
      extend: conversion(ring, chain, primes),
      raise: quotient(ring, chain, primes, P),
      back: conversion(ring, primes, chain),
      remainder: conversion(ring, primes, chain, t, (q) => invMod(t, BigInt(q))),
      factors: chain.map((q) => factor(t * invMod(P, BigInt(q)), q)),
    }
  }
  return (level) => {
    levels[level] ??= make(level)
    return levels[level]
  }
}
