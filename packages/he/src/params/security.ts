import { GloveboxError } from '../base/errors.ts'

/**
 * The largest log2 of a modulus under which something may be published, for uniform ternary secrets and an error of
 * standard deviation 3.2, by ring degree.
 *
 * - `hes-2018`: Albrecht et al., Homomorphic Encryption Security Standard (2018), tables 1 and 2.
 * - `guidelines-2024`: Bossuat et al., Security Guidelines for Implementing Homomorphic Encryption (eprint 2024/463), table 5.2.
 */
type Row = Readonly<Record<number, number>>

const hes2018: Readonly<Record<string, Row>> = {
  '128-classical': { 1024: 27, 2048: 54, 4096: 109, 8192: 218, 16384: 438, 32768: 881 },
  '192-classical': { 1024: 19, 2048: 37, 4096: 75, 8192: 152, 16384: 305, 32768: 611 },
  '256-classical': { 1024: 14, 2048: 29, 4096: 58, 8192: 118, 16384: 237, 32768: 476 },
  '128-quantum': { 1024: 25, 2048: 51, 4096: 101, 8192: 202, 16384: 411, 32768: 827 },
  '192-quantum': { 1024: 17, 2048: 35, 4096: 70, 8192: 141, 16384: 284, 32768: 571 },
  '256-quantum': { 1024: 13, 2048: 27, 4096: 54, 8192: 109, 16384: 220, 32768: 443 },
}
const guidelines2024: Readonly<Record<string, Row>> = {
  '128-classical': { 1024: 26, 2048: 53, 4096: 106, 8192: 214, 16384: 430, 32768: 868, 65536: 1747, 131072: 3523 },
  '192-classical': { 2048: 36, 4096: 73, 8192: 147, 16384: 297, 32768: 597, 65536: 1199, 131072: 2411 },
  '256-classical': { 2048: 27, 4096: 56, 8192: 114, 16384: 230, 32768: 462, 65536: 929, 131072: 1866 },
}

/**
 * Bits of security against a classical or a quantum attacker; each is held to the smaller of the tables that state it. `128-classical-2018` is
 * held to the 2018 table alone, which allows 1 to 13 bits more than `128-classical`: for parameters that others chose by it, such as
 * SEAL's defaults.
 */
export type SecurityTarget =
  | '128-classical'
  | '128-classical-2018'
  | '192-classical'
  | '256-classical'
  | '128-quantum'
  | '192-quantum'
  | '256-quantum'

/** What a published object was checked against; sizes are log2 of its modulus, in bits. */
export interface SecurityCheck {
  /** What is published, for people: ciphertext, public key or evaluation key. */
  readonly object: string
  /** The security that was asked for; decides which tables count. */
  readonly target: SecurityTarget
  /** The table that states the smallest limit; of two equal ones the one of 2024. */
  readonly standard: 'hes-2018' | 'guidelines-2024'
  /** N, 1024 to 131072. */
  readonly ringDegree: number
  /** log2 of the modulus of the object, in bits: Q or Q·P. */
  readonly bits: number
  /** The most that the table allows for `bits`, 13 to 3523. */
  readonly limit: number
  /** limit - bits, in bits: negative where the object is not secure at the target. */
  readonly margin: number
}

/** log2 of a product of primes. */
export function log2Product(primes: readonly number[]): number {
  return primes.reduce((sum, p) => sum + Math.log2(p), 0)
}

/**
 * The check for one published object whose modulus is the product of the primes in `modulus`; `margin` < 0 means that it is not secure at the target.
 * For uniform ternary secrets and errors of standard deviation 3.2: HES 1.0 (2018), tables 1 and 2; Bossuat et al. 2024 (eprint 2024/463), table 5.2.
 * @throws GloveboxError `insecure-parameters` where no table has a row for the ring degree at the target.
 */
export function checkSecurity(
  object: string,
  ringDegree: number,
  modulus: readonly number[],
  target: SecurityTarget,
): SecurityCheck {
  const old = hes2018[target === '128-classical-2018' ? '128-classical' : target]?.[ringDegree]
  const recent = guidelines2024[target]?.[ringDegree]
  if (old === undefined && recent === undefined) {
    throw new GloveboxError(
      'insecure-parameters',
      `no security table has a row for ring degree ${ringDegree} at ${target}`,
    )
  }
  const standard = (recent ?? Infinity) <= (old ?? Infinity) ? 'guidelines-2024' : 'hes-2018'
  const limit = Math.min(old ?? Infinity, recent ?? Infinity)
  const bits = log2Product(modulus)
  return { object, target, standard, ringDegree, bits, limit, margin: limit - bits }
}

/** Throws where a check failed, naming the object, the limit and by how many bits it is exceeded. */
export function requireSecure(check: SecurityCheck): void {
  if (check.margin >= 0) return
  throw new GloveboxError(
    'insecure-parameters',
    `${check.object} has a modulus of ${check.bits.toFixed(1)} bits at ring degree ${check.ringDegree}; ` +
      `${check.target} (${check.standard}) allows ${check.limit}, so it is ${(-check.margin).toFixed(1)} bits too large: ` +
      'use fewer or smaller primes, or a larger ring degree',
  )
}

/** One published limit: log2 of a modulus at a ring degree, for a target. */
export interface SecurityLimit {
  /** `hes-2018`: HES 1.0 (2018), tables 1 and 2. `guidelines-2024`: Bossuat et al. 2024 (eprint 2024/463), table 5.2. */
  readonly standard: SecurityCheck['standard']
  /** Bits of security against a classical or a quantum attacker. */
  readonly target: SecurityTarget
  /** The largest log2 of a modulus, 13 to 3523 bits. */
  readonly limit: number
}

/** All that the tables say about a ring degree (1024 to 131072, a power of two), each standard by itself; empty where none has a row. */
export function securityLimits(ringDegree: number): readonly SecurityLimit[] {
  const rows = [
    ['hes-2018', hes2018],
    ['guidelines-2024', guidelines2024],
  ] as const
  return rows.flatMap(([standard, table]) =>
    Object.entries(table).flatMap(([target, row]) => {
      const limit = row[ringDegree]
      return limit === undefined ? [] : [{ standard, target: target as SecurityTarget, limit }]
    }),
  )
}
