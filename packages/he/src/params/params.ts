import { digest, toHex } from '../base/digest.ts'
import { isPrime } from '../base/numbers.ts'
import { maxPrimeBits, nttPrimes } from './primes.ts'
import { checkSecurity, log2Product, requireSecure, type SecurityCheck, type SecurityTarget } from './security.ts'

/** Parameters as one writes them: JSON, to be checked by `createParams`. */
export interface ParamsLiteral {
  /** Approximate numbers (CKKS) or integers modulo t (BFV, BGV). */
  readonly scheme: 'ckks' | 'bfv' | 'bgv'
  /** N, a power of two from 1024 to 131072; from 16 where INSECURE. A plaintext has N/2 slots (CKKS) or N (BFV, BGV). */
  readonly ringDegree: number
  /** Sizes of the primes of the chain, base first, 1 to 64 integers from log2 N + 2 to 50 bits; the last is dropped first. */
  readonly modulusBits: readonly number[]
  /**
   * Sizes of the special primes, 0 to 64 integers from log2 N + 2 to 50 bits, together at least those of the widest digit less one; without any there
   * is no key switching.
   */
  readonly specialBits: readonly number[]
  /** α, primes in a digit of the decomposition of key switching, an integer from 1 to 64; default: as many as there are special primes, at least 1. */
  readonly digitSize?: number
  /** The primes themselves, chain first and special ones behind, distinct, 1 modulo 2N and of the sizes stated above; default: the largest of each size. */
  readonly primes?: readonly number[]
  /** t, for BFV and BGV, where it has no default: an integer from 2 to 2^32 that no prime of the chain divides. A message is integers modulo t. */
  readonly plaintextModulus?: number
  /** Default `128-classical`. `INSECURE` is for tests; such parameters and all that is made with them cannot be serialised. */
  readonly security?: SecurityTarget | 'INSECURE'
}

/** Checked and frozen parameters, as `createParams` makes them. Same literal, same primes, same digest, everywhere. */
export interface Params {
  /** The literal that they were made from, with its defaults filled in. */
  readonly literal: ParamsLiteral
  /** As the literal has it. */
  readonly scheme: 'ckks' | 'bfv' | 'bgv'
  /** N, a power of two from 16 to 131072. */
  readonly ringDegree: number
  /** log2 N, 4 to 17. */
  readonly logN: number
  /** Values in a plaintext: N/2 for CKKS, 8 to 65536; N for BFV and BGV, where a t with slots is a prime that is 1 modulo 2N. */
  readonly slots: number
  /** q_0 … q_L, base first, each below 2^50 and 1 modulo 2N. */
  readonly primes: readonly number[]
  /** p_0 … p_{k-1}, each below 2^50 and 1 modulo 2N; empty where there is no key switching. */
  readonly special: readonly number[]
  /** α, primes in a digit of key switching: 1 to 64. */
  readonly digitSize: number
  /** L, 0 to 63: the level of a fresh ciphertext; level ℓ has the primes q_0 … q_ℓ. */
  readonly maxLevel: number
  /** log2 of Q, the modulus of a fresh ciphertext, in bits. */
  readonly logQ: number
  /** log2 of Q·P, the modulus of an evaluation key for the top, in bits. */
  readonly logQP: number
  /** t of BFV and BGV, 2 to 2^32; undefined for CKKS. */
  readonly plaintextModulus: number | undefined
  /** One row per kind of published object, none with a negative margin; empty when INSECURE. */
  readonly security: readonly SecurityCheck[]
  /** SHA-256 (FIPS 180-4) over scheme, ring degree, primes, digit size, security target and plaintext modulus: 64 lower-case hexadecimal digits. */
  readonly digest: string
}

function requireInteger(name: string, value: unknown, low: number, high: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`"${name}" expected an integer from ${low} to ${high}, got ${String(value)}`)
  }
}

function requireBits(name: string, values: unknown, minimum: number, ringDegree: number): asserts values is number[] {
  if (!Array.isArray(values) || values.length < minimum || values.length > 64) {
    throw new RangeError(`"${name}" expected an array of ${minimum} to 64 sizes in bits, got ${JSON.stringify(values)}`)
  }
  values.forEach((bits, i) => requireInteger(`${name}[${i}]`, bits, Math.log2(ringDegree) + 2, maxPrimeBits))
}

/** The largest primes of each size, special primes before the chain. */
function pickChain({ modulusBits, specialBits }: ParamsLiteral, ringDegree: number): [number[], number[]] {
  const chosen = pickPrimes([...specialBits, ...modulusBits], ringDegree)
  return [chosen.slice(specialBits.length), chosen.slice(0, specialBits.length)]
}

function namedChain(
  { modulusBits, specialBits }: ParamsLiteral,
  named: unknown,
  ringDegree: number,
): [number[], number[]] {
  const all = requirePrimes(named, [...modulusBits, ...specialBits], ringDegree)
  return [all.slice(0, modulusBits.length), all.slice(modulusBits.length)]
}

/** Picks distinct primes for the sizes, largest first within a size. */
function pickPrimes(sizes: readonly number[], ringDegree: number): number[] {
  const bySize = new Map<number, number[]>()
  for (const bits of new Set(sizes)) {
    bySize.set(bits, nttPrimes(bits, sizes.filter((b) => b === bits).length, ringDegree))
  }
  return sizes.map((bits) => bySize.get(bits)!.shift()!)
}

/** The primes that a literal names, held to their sizes: distinct, prime and 1 modulo 2N, so that the ring has transforms. */
function requirePrimes(values: unknown, sizes: readonly number[], ringDegree: number): number[] {
  if (!Array.isArray(values) || values.length !== sizes.length) {
    throw new RangeError(
      `"primes" expected as many as "modulusBits" and "specialBits" state, ${sizes.length}, got ${Array.isArray(values) ? values.length : typeof values}`,
    )
  }
  values.forEach((p: unknown, i) => {
    const name = `primes[${i}]`
    requireInteger(name, p, 2 ** (sizes[i]! - 1), 2 ** sizes[i]!)
    if (p % (2 * ringDegree) !== 1 || !isPrime(BigInt(p)))
      throw new RangeError(`"${name}" expected a prime that is 1 modulo ${2 * ringDegree}, got ${p}`)
    if (values.indexOf(p) !== i) throw new RangeError(`"${name}" expected distinct primes, got ${p} twice`)
  })
  return [...values]
}

function requirePlaintextModulus(literal: ParamsLiteral, chain: readonly number[]): number | undefined {
  const t: unknown = literal.plaintextModulus
  if (literal.scheme === 'ckks') {
    if (t !== undefined) throw new RangeError(`"plaintextModulus" expected none, as CKKS has none, got ${String(t)}`)
    return undefined
  }
  requireInteger('plaintextModulus', t, 2, 2 ** 32)
  const shared = chain.find((p) => t % p === 0)
  if (shared !== undefined)
    throw new RangeError(
      `"plaintextModulus" expected no factor in common with the chain, got ${t}, a multiple of ${shared}`,
    )
  return t
}

/**
 * Checks a literal and chooses its primes: the largest of each size that are 1 modulo 2N. Security as `checkSecurity` has it.
 * @throws TypeError for what is no object; RangeError for a value out of range; GloveboxError `no-primes` where a size has too few, or
 * `insecure-parameters` where Q, or Q·P with special primes, is above the limit of the target, or no table has a row for N.
 */
export function createParams(literal: ParamsLiteral): Params {
  if (literal === null || typeof literal !== 'object')
    throw new TypeError(`"literal" expected an object, got ${typeof literal}`)
  if (literal.scheme !== 'ckks' && literal.scheme !== 'bfv' && literal.scheme !== 'bgv')
    throw new RangeError(`"scheme" expected 'ckks', 'bfv' or 'bgv', got ${JSON.stringify(literal.scheme)}`)
  const n = literal.ringDegree
  requireInteger('ringDegree', n, 16, 131072)
  if ((n & (n - 1)) !== 0) throw new RangeError(`"ringDegree" expected a power of two, got ${n}`)
  requireBits('modulusBits', literal.modulusBits, 1, n)
  requireBits('specialBits', literal.specialBits, 0, n)
  const chain = literal.modulusBits.length
  const digitSize = literal.digitSize ?? Math.max(1, literal.specialBits.length)
  requireInteger('digitSize', digitSize, 1, 64)
  const [primes, special] =
    literal.primes === undefined ? pickChain(literal, n) : namedChain(literal, literal.primes, n)
  const t = requirePlaintextModulus(literal, primes)
  const digits = Array.from({ length: Math.ceil(chain / digitSize) }, (_, d) =>
    primes.slice(d * digitSize, (d + 1) * digitSize),
  )
  const widest = Math.max(...digits.map(log2Product))
  if (special.length > 0 && widest > log2Product(special) + 1) {
    throw new RangeError(
      `"specialBits" expected at least the ${widest.toFixed(0)} bits of the widest digit, got ${log2Product(special).toFixed(0)}: ` +
        'key switching would drown the message in noise',
    )
  }
  const security: SecurityCheck[] = []
  const target = literal.security ?? '128-classical'
  if (target !== 'INSECURE') {
    security.push(checkSecurity('ciphertext and public key', n, primes, target))
    if (special.length > 0) security.push(checkSecurity('evaluation key', n, [...primes, ...special], target))
    security.forEach(requireSecure)
  }
  const identity = JSON.stringify([
    literal.scheme,
    n,
    primes,
    special,
    digitSize,
    target,
    ...(t === undefined ? [] : [t]),
  ])
  const frozen: ParamsLiteral = Object.freeze({
    scheme: literal.scheme,
    ringDegree: n,
    modulusBits: Object.freeze([...literal.modulusBits]),
    specialBits: Object.freeze([...literal.specialBits]),
    digitSize,
    ...(literal.primes !== undefined && { primes: Object.freeze([...literal.primes]) }),
    ...(t !== undefined && { plaintextModulus: t }),
    security: target,
  })
  const params: Params = Object.freeze({
    literal: frozen,
    scheme: literal.scheme,
    ringDegree: n,
    logN: Math.log2(n),
    slots: literal.scheme === 'ckks' ? n / 2 : n,
    primes: Object.freeze(primes),
    special: Object.freeze(special),
    digitSize,
    maxLevel: chain - 1,
    logQ: log2Product(primes),
    logQP: log2Product([...primes, ...special]),
    plaintextModulus: t,
    security: Object.freeze(security),
    digest: toHex(digest(new TextEncoder().encode(identity))),
  })
  checked.add(params)
  return params
}

const checked = new WeakSet<Params>()

/** Parameters as `createParams` made them; whatever else looks like them, a copy or something from outside, is checked as a literal. */
export function checkedParams(params: Params | ParamsLiteral): Params {
  if ('digest' in params) return checked.has(params) ? params : createParams(params.literal)
  return createParams(params)
}

/** Names the first field in which two sets of parameters differ. */
export function describeMismatch(expected: Params, got: Params): string {
  const fields = ['scheme', 'ringDegree', 'digitSize', 'primes', 'special', 'plaintextModulus'] as const
  for (const field of fields) {
    if (JSON.stringify(expected[field]) !== JSON.stringify(got[field])) {
      return `"${field}" is ${JSON.stringify(got[field])}, expected ${JSON.stringify(expected[field])}`
    }
  }
  return `"security" is ${JSON.stringify(got.literal.security)}, expected ${JSON.stringify(expected.literal.security)}`
}
