import { GloveboxError } from '../base/errors.ts'
import { formatTable } from '../base/text-table.ts'
import { checkedParams, type Params, type ParamsLiteral } from './params.ts'
import {
  checkSecurity,
  type SecurityCheck,
  type SecurityLimit,
  type SecurityTarget,
  securityLimits,
} from './security.ts'

/** A published limit beside what an object needs; margin = limit - bits. */
export interface SecurityMargin extends SecurityLimit {
  /** limit - bits of the object, in bits: negative where it is over the limit. */
  readonly margin: number
}

/** One kind of published object with the row that it was checked against, and all other rows of its ring degree. */
export interface SecurityRow extends SecurityCheck {
  /** The level that a key or ciphertext was made for, 0 to `maxLevel`. */
  readonly level: number
  /** Every published limit for the ring degree, also of the targets that were not asked for. */
  readonly limits: readonly SecurityMargin[]
  /** The targets that the object meets by every table that states them, the one that it was checked against included. */
  readonly meets: readonly SecurityTarget[]
}

/** What was published, and why that is safe. `toString` is `formatSecurity`. */
export interface SecurityReport {
  /** N, a power of two from 1024 to 131072. */
  readonly ringDegree: number
  /** What the objects are held to; `128-classical` for INSECURE parameters. */
  readonly target: SecurityTarget
  /** One for each kind of published object at the top, and for each level of `keyLevels` below it. */
  readonly rows: readonly SecurityRow[]
  /** The row with the least margin: what decides. */
  readonly tightest: SecurityRow
  /** A table for people, one line a row; as `formatSecurity` gives it. */
  toString(): string
}

/** What `security` reports on. */
export interface SecurityOptions {
  /** Levels of keys, 0 to `maxLevel`, to be listed beside those at the top: a key for a lower level has a smaller modulus. Default: none. */
  readonly keyLevels?: readonly number[]
  /** Report on INSECURE parameters too, against 128-classical and with negative margins, instead of refusing them. Default false. */
  readonly allowInsecure?: boolean
}

/**
 * The table row that each kind of published object was checked against: ciphertexts and the public key over Q, relinearisation and Galois
 * keys over Q·P. Sizes are log2 of the modulus, for uniform ternary secrets and an error of standard deviation 3.2.
 * HES 1.0 (2018), tables 1 and 2; Bossuat et al. 2024 (eprint 2024/463), table 5.2.
 *
 * @throws GloveboxError `insecure-parameters` for INSECURE parameters unless they are allowed, and where no table has a row for the ring degree,
 * `unsupported` for key levels where there are no special primes; RangeError for a key level that the parameters do not have. A literal is checked
 * by `createParams`, and throws as that does.
 */
export function security(params: Params | ParamsLiteral, options: SecurityOptions = {}): SecurityReport {
  const checked = checkedParams(params)
  const { ringDegree, primes, special, maxLevel } = checked
  const asked = checked.literal.security ?? '128-classical'
  if (asked === 'INSECURE' && !options.allowInsecure) {
    throw new GloveboxError(
      'insecure-parameters',
      'the parameters are INSECURE, for tests only, and meet no standard: state a security target, or pass allowInsecure to see by how much they miss',
    )
  }
  const target = asked === 'INSECURE' ? '128-classical' : asked
  const row = (object: string, level: number, extended: boolean): SecurityRow => {
    const modulus = [...primes.slice(0, level + 1), ...(extended ? special : [])]
    const check = checkSecurity(object, ringDegree, modulus, target)
    const limits = securityLimits(ringDegree).map((limit) => ({ ...limit, margin: limit.limit - check.bits }))
    const missed = new Set(limits.filter(({ margin }) => margin < 0).map((limit) => limit.target))
    const stated = new Set([...(check.margin >= 0 ? [target] : []), ...limits.map((limit) => limit.target)])
    const meets = [...stated].filter((name) => !missed.has(name))
    return Object.freeze({ ...check, level, limits, meets })
  }
  const rows = [row('ciphertext', maxLevel, false), row('public key', maxLevel, false)]
  if (special.length > 0) {
    rows.push(row('relinearisation key', maxLevel, true), row('Galois key', maxLevel, true))
  }
  for (const level of options.keyLevels ?? []) {
    if (!Number.isInteger(level) || level < 0 || level > maxLevel)
      throw new RangeError(`"keyLevels" expected levels from 0 to ${maxLevel}, got ${level}`)
    if (special.length === 0)
      throw new GloveboxError(
        'unsupported',
        'the parameters have no special prime ("specialBits" is empty), so there are no keys for a level',
      )
    if (level < maxLevel) rows.push(row(`evaluation key for level ${level}`, level, true))
  }
  const tightest = rows.reduce((least, next) => (next.margin < least.margin ? next : least))
  const report = { ringDegree, target, rows: Object.freeze(rows), tightest }
  // Not enumerable: a report is data first.
  return Object.freeze(
    Object.defineProperty(report, 'toString', { enumerable: false, value: () => format(report) }),
  ) as SecurityReport
}

/**
 * `security(params)` as a table for people, one line per object; sizes in bits.
 * @throws GloveboxError `insecure-parameters` for INSECURE parameters unless they are allowed, `unsupported` for key levels without special primes;
 * RangeError for a key level that there is not.
 */
export function formatSecurity(params: Params | ParamsLiteral, options: SecurityOptions = {}): string {
  return security(params, options).toString()
}

function format({ ringDegree, target, rows }: Pick<SecurityReport, 'ringDegree' | 'target' | 'rows'>): string {
  const head = ['object', 'log2 modulus', 'limit', 'margin', 'standard', 'also meets']
  const cells = rows.map(({ object, bits, limit, margin, standard, meets }) => [
    object,
    bits.toFixed(1),
    String(limit),
    margin.toFixed(1),
    standard,
    meets.filter((other) => other !== target).join(', ') || '–',
  ])
  const table = formatTable(head, cells, [1, 2, 3])
  return `N = ${ringDegree}, ${target}, uniform ternary secret\n${table}`
}
