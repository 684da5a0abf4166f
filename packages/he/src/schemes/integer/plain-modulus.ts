import { isPrime } from '../../base/numbers.ts'
import { nttTable } from '../../kernels/ntt-tables.ts'
import type { Ptr } from '../../kernels/table.ts'
import type { Params } from '../../params/params.ts'
import { nttPrimes } from '../../params/primes.ts'
import type { Ring } from '../../ring/ring.ts'

/** t with what the kernels need to compute modulo it: they reduce modulo any integer, and transform modulo a prime that is 1 modulo 2N. */
export interface PlainModulus {
  readonly t: number
  readonly tinv: number
  /** Roots of unity modulo t; undefined where t does not allow batching. */
  readonly table: Ptr | undefined
}

/** Whether messages can be put into slots: X^N + 1 splits into N factors modulo t. */
export function allowsBatching(params: Params): boolean {
  const t = params.plaintextModulus
  return t !== undefined && t % (2 * params.ringDegree) === 1 && isPrime(BigInt(t))
}

export function openPlainModulus(ring: Ring): PlainModulus {
  const t = ring.params.plaintextModulus!
  const table = allowsBatching(ring.params) ? ring.table('plaintext modulus', () => nttTable(ring.n, t)) : undefined
  return { t, tinv: 1 / t, table }
}

/**
 * The largest prime of `bits` bits, 2 to 32, that is 1 modulo 2N: a plaintext modulus with slots, the one that SEAL's `PlainModulus::Batching` chooses.
 * @throws RangeError for `bits` out of range and a `ringDegree` that is no power of two from 16 to 131072; GloveboxError `no-primes` where there is none.
 */
export function plaintextModulus(bits: number, ringDegree: number): number {
  if (!Number.isInteger(bits) || bits < 2 || bits > 32)
    throw new RangeError(`"bits" expected an integer from 2 to 32, got ${bits}`)
  if (!Number.isInteger(ringDegree) || ringDegree < 16 || ringDegree > 131072 || (ringDegree & (ringDegree - 1)) !== 0)
    throw new RangeError(`"ringDegree" expected a power of two from 16 to 131072, got ${ringDegree}`)
  return nttPrimes(bits, 1, ringDegree)[0]!
}
