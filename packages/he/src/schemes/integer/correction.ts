import { centred, invMod, mod } from '../../base/numbers.ts'

/**
 * Integers (u, v) of about sqrt(t) with u / v = a / b modulo t, u, v units modulo t, by the first half of the extended Euclidean algorithm.
 */
export function ratio(a: number, b: number, t: number): readonly [u: bigint, v: bigint] {
  const modulus = BigInt(t)
  const quotient = mod(BigInt(a) * invMod(BigInt(b), modulus), modulus)
  let best: readonly [bigint, bigint] = [centred(quotient, modulus), 1n]
  let [r0, r1] = [modulus, quotient]
  let [s0, s1] = [0n, 1n]
  const size = (u: bigint, v: bigint): bigint => (u < 0n ? -u : u) + (v < 0n ? -v : v)
  // Every row has r = s * quotient modulo t.
  while (r1 !== 0n) {
    if (isUnit(s1, modulus) && isUnit(r1, modulus) && size(r1, s1) < size(...best)) best = [r1, s1]
    const q = r0 / r1
    ;[r0, r1] = [r1, r0 - q * r1]
    ;[s0, s1] = [s1, s0 - q * s1]
  }
  return best
}

function isUnit(a: bigint, modulus: bigint): boolean {
  let [x, y] = [mod(a, modulus), modulus]
  while (y !== 0n) [x, y] = [y, x % y]
  return x === 1n
}
