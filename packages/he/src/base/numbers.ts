// Number theory on bigint: obvious code for set-up and for references, never for inner loops.

/** a mod m in [0, m). */
export function mod(a: bigint, m: bigint): bigint {
  const r = a % m
  return r < 0n ? r + m : r
}

/** a mod m in (-m/2, m/2]. */
export function centred(a: bigint, m: bigint): bigint {
  const r = mod(a, m)
  return 2n * r > m ? r - m : r
}

/** base^exponent mod m, exponent >= 0. */
export function powMod(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n
  let square = mod(base, m)
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % m
    square = (square * square) % m
  }
  return result % m
}

/** The inverse of a modulo m, by the extended Euclidean algorithm. Throws RangeError where gcd(a, m) != 1. */
export function invMod(a: bigint, m: bigint): bigint {
  let [r0, r1] = [m, mod(a, m)]
  let [t0, t1] = [0n, 1n]
  while (r1 !== 0n) {
    const q = r0 / r1
    ;[r0, r1] = [r1, r0 - q * r1]
    ;[t0, t1] = [t1, t0 - q * t1]
  }
  if (r0 !== 1n) throw new RangeError(`"a" has no inverse modulo ${m}: gcd = ${r0}`)
  return mod(t0, m)
}

/** Deterministic Miller-Rabin for n < 3.3e24, with the first 13 primes as bases (Sorenson and Webster 2015). */
export function isPrime(n: bigint): boolean {
  const bases = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n]
  if (n < 2n) return false
  for (const b of bases) if (n % b === 0n) return n === b
  let d = n - 1n
  let s = 0
  while (d % 2n === 0n) {
    d /= 2n
    s++
  }
  next: for (const b of bases) {
    let x = powMod(b, d, n)
    if (x === 1n || x === n - 1n) continue
    for (let i = 1; i < s; i++) {
      x = (x * x) % n
      if (x === n - 1n) continue next
    }
    return false
  }
  return true
}

/** The smallest primitive order-th root of unity modulo the prime p; order is a power of two that divides p - 1. */
export function smallestPrimitiveRoot(order: number, p: bigint): bigint {
  const o = BigInt(order)
  if ((p - 1n) % o !== 0n) throw new RangeError(`"order" expected a divisor of p - 1 = ${p - 1n}, got ${order}`)
  const exponent = (p - 1n) / o
  let root = 0n
  for (let g = 2n; root === 0n; g++) {
    const candidate = powMod(g, exponent, p)
    if (powMod(candidate, o / 2n, p) === p - 1n) root = candidate
  }
  // The primitive roots are the odd powers of any one of them.
  const square = (root * root) % p
  let smallest = root
  for (let i = 1, current = root; i < order / 2; i++) {
    current = (current * square) % p
    if (current < smallest) smallest = current
  }
  return smallest
}

/** Reverses the low `bits` bits of i. */
export function bitReverse(i: number, bits: number): number {
  let r = 0
  for (let b = 0; b < bits; b++) r |= ((i >>> b) & 1) << (bits - 1 - b)
  return r >>> 0
}
